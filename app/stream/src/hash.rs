//! A 64-bit fingerprint of data: equal on every platform and in every version. It finds accidents, not attacks.

/// FNV-1a (Fowler, Noll, Vo) over 64-bit words; each word is multiplied in once and folded, so that high bits count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 = mixed ^ (mixed >> 29);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    pub(crate) fn floats(&mut self, values: &[f32]) {
        self.word(values.len() as u64);
        for value in values {
            self.word(u64::from(value.to_bits()));
        }
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_order_count() {
        let of = |bytes: &[u8]| {
            let mut hash = Fingerprint::new();
            hash.bytes(bytes);
            hash.value()
        };
        let base: Vec<u8> = (0..21).collect();
        for i in 0..base.len() {
            for bit in 0..8 {
                let mut changed = base.clone();
                changed[i] ^= 1 << bit;
                assert_ne!(of(&base), of(&changed));
            }
        }
        assert_ne!(of(&[0]), of(&[0, 0]), "length counts");
        let mut swapped = base.clone();
        swapped.swap(0, 8);
        assert_ne!(of(&base), of(&swapped));
    }
}
