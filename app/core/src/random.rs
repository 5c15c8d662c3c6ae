//! Named random streams: every draw in the lab comes from a generator that is a pure function of
//! (experiment seed, purpose, indices), so nothing about randomness needs to be saved, and a resumed or replayed
//! run draws the same numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// The generator for `purpose` at `indices`, such as `("batch", &[replica_seed, block, epoch])`.
///
/// Different purposes and different indices give independent streams; ChaCha8 makes them the same on every platform.
pub fn stream(seed: u64, purpose: &str, indices: &[u64]) -> ChaCha8Rng {
    let mut state = mix(0x6d6e_656d_6f73_636f, seed);
    for byte in purpose.bytes() {
        state = mix(state, u64::from(byte));
    }
    state = mix(state, indices.len() as u64);
    for index in indices {
        state = mix(state, *index);
    }
    let mut key = [0u8; 32];
    for (i, part) in key.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&mix(state, i as u64).to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// One round of SplitMix64 (Steele et al. 2014) over a running state and a new word.
fn mix(state: u64, word: u64) -> u64 {
    let mut z = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    fn first(seed: u64, purpose: &str, indices: &[u64]) -> u64 {
        stream(seed, purpose, indices).next_u64()
    }

    #[test]
    fn a_stream_is_a_function_of_its_name() {
        assert_eq!(first(1, "batch", &[2, 3]), first(1, "batch", &[2, 3]));
        let others = [
            first(2, "batch", &[2, 3]),
            first(1, "batches", &[2, 3]),
            first(1, "batch", &[3, 2]),
            first(1, "batch", &[2]),
        ];
        for other in others {
            assert_ne!(first(1, "batch", &[2, 3]), other);
        }
    }
}
