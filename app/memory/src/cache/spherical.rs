//! Angles and a radius instead of channels (Spherical KV, S114): a key is its length in 8 bits and a direction in b bits
//! per angle.
//!
//! A head's key is paired up: two numbers become an angle and a length, the lengths are paired up again, and so on to
//! one length. d − 1 angles are put into 2^b equal bins, of the full circle in the first round and of a quarter
//! (lengths are not negative) after it, and read back at the bins' middles. The length r is kept on a logarithmic
//! scale of 254 steps from 2^-16 to 2^16 times 1, with 0 apart. Lengths of keys vary widely and cost a shared scale
//! much; here they cost nothing. If every angle of round j is off by at most δ_j, the direction is off by at most
//! Σ δ_j.
//!
//! Lab form: the abstract says angles and radius, and leaves the pairing open. Values are rounded uniformly with b bits,
//! one scale per head. Keys keep one precision; the paper also allots bits to pages of tokens by their use:
//! [`spherical_pages`](super::spherical_pages).

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use mnemoscope_core::Kind;

use super::CacheError;
use super::full::Everything;
use super::policy::{Codec, Parts, SINKS, Site};
use super::quantised::BITS;
use super::quantiser::quantise;

pub(super) const KIND: Kind = Kind {
    name: "spherical",
    label: "Angles and radius",
    meaning: "Keeps every token, its keys as a length and a direction in few bits per angle.",
    source: "S114, \"Spherical KV: Angle-Domain Attention\"; pairing of channels: lab form",
    knobs: &[BITS, SINKS],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let codec = Spherical {
        bits: site.policy.whole("bits"),
        sinks: site.policy.whole("sinks"),
        d_k: site.d_k,
        heads: site.heads,
    };
    Ok(Parts { eviction: Box::new(Everything), codec: Box::new(codec) })
}

/// Keys as angles and a radius, values rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spherical {
    /// Bits of an angle and of a value's number.
    pub bits: usize,
    /// First tokens that stay as they are.
    pub sinks: usize,
    /// Entries of a key.
    pub d_k: usize,
    /// Heads.
    pub heads: usize,
}

impl Codec for Spherical {
    fn store(&self, position: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        if position < self.sinks {
            return size_of_val(keys) + size_of_val(values);
        }
        self.recode(self.bits, keys, values)
    }

    fn recode(&self, bits: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        let d_v = values.len() / self.heads;
        let mut bytes = 0;
        for key in keys.chunks_exact_mut(self.d_k) {
            let length = key.iter().map(|x| x * x).sum::<f32>().sqrt();
            let read = code(key, bits, true);
            let scale = if read > 0.0 { length_code(length) / read } else { 0.0 };
            for x in key.iter_mut() {
                *x *= scale;
            }
            // The radius, and the angles packed.
            bytes += 1 + ((self.d_k - 1) * bits).div_ceil(8);
        }
        bytes + values.chunks_exact_mut(d_v).map(|value| quantise(value, bits, 1.0)).sum::<usize>()
    }
}

/// Replaces `x` by what its angles read back give, and answers its length. `signed` in the first round.
fn code(x: &mut [f32], bits: usize, signed: bool) -> f32 {
    if let [only] = x {
        return only.abs();
    }
    let mut lengths: Vec<f32> = Vec::with_capacity(x.len().div_ceil(2));
    let mut units: Vec<[f32; 2]> = Vec::with_capacity(x.len() / 2);
    for pair in x.chunks(2) {
        match *pair {
            [a, b] => {
                lengths.push(a.hypot(b));
                let angle = bin(b.atan2(a), bits, signed);
                units.push([angle.cos(), angle.sin()]);
            }
            // One that is left over joins the next round; its sign, if it has one, would be lost there.
            [last] => lengths.push(last),
            _ => {}
        }
    }
    let total = code(&mut lengths, bits, signed && x.len() % 2 == 1);
    for (index, pair) in x.chunks_mut(2).enumerate() {
        match pair {
            [a, b] => (*a, *b) = (lengths[index] * units[index][0], lengths[index] * units[index][1]),
            [last] => *last = lengths[index],
            _ => {}
        }
    }
    total
}

/// The most that an angle is off in each round of pairing `d` numbers.
pub(super) fn half_bins(d: usize, bits: usize) -> Vec<f32> {
    let (mut n, mut signed, mut halves) = (d, true, Vec::new());
    while n > 1 {
        halves.push(if signed { PI } else { FRAC_PI_2 / 2.0 } / (1u32 << bits) as f32);
        // A number left over still has its sign, which the next round needs the full circle for.
        signed = signed && n % 2 == 1;
        n = n.div_ceil(2);
    }
    halves
}

/// The middle of the bin that `angle` lies in: of 2^b equal bins of the circle, or of a quarter of it.
fn bin(angle: f32, bits: usize, signed: bool) -> f32 {
    let (from, width) = if signed { (-PI, TAU) } else { (0.0, FRAC_PI_2) };
    let bins = (1u32 << bits) as f32;
    let index = ((angle - from) / width * bins).floor().clamp(0.0, bins - 1.0);
    from + (index + 0.5) * width / bins
}

/// A length as its 8 bits give it back: within a factor of 2^(32/254/2), about 4.5 %, from 2^-16 to 2^16.
fn length_code(length: f32) -> f32 {
    if length == 0.0 {
        return 0.0;
    }
    let step = 32.0 / 254.0;
    let index = ((length.log2() + 16.0) / step).round().clamp(0.0, 254.0);
    (index * step - 16.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn norm(x: &[f32]) -> f32 {
        x.iter().map(|x| x * x).sum::<f32>().sqrt()
    }

    proptest! {
        #[test]
        fn the_direction_is_off_by_at_most_the_sum_of_half_bins(
            key in prop::collection::vec(-1.0f32..1.0, 1..20),
            bits in 2usize..9,
            power in -6.0f32..6.0,
        ) {
            let key: Vec<f32> = key.into_iter().map(|x| x * power.exp2()).collect();
            prop_assume!(norm(&key) > 1e-3);
            let codec = Spherical { bits, sinks: 0, d_k: key.len(), heads: 1 };
            let mut read = key.clone();
            let bytes = codec.store(0, &mut read, &mut [1.0]);
            prop_assert_eq!(bytes, 1 + ((key.len() - 1) * bits).div_ceil(8) + (bits.div_ceil(8) + 4));
            let ratio = norm(&read) / norm(&key);
            prop_assert!((0.955..1.046).contains(&ratio), "radius {}", ratio);
            // Rounds, each at most half a bin of the full circle where a signed number is among its inputs.
            let bound: f32 = half_bins(key.len(), bits).iter().sum();
            let off: Vec<f32> = key.iter().zip(&read).map(|(a, b)| a / norm(&key) - b / norm(&read)).collect();
            prop_assert!(norm(&off) <= bound + 1e-3, "{} above {}", norm(&off), bound);
        }
    }

    #[test]
    fn a_pair_by_hand() {
        // Two bits: four bins of a quarter each; 45 degrees is the middle of one, so that the direction is exact.
        let mut key = [2.0, 2.0];
        let length = code(&mut key, 2, true);
        assert!((length - 8f32.sqrt()).abs() < 1e-6);
        assert!((key[0] - 2.0).abs() < 1e-6 && (key[1] - 2.0).abs() < 1e-6, "{key:?}");
        let codec = Spherical { bits: 4, sinks: 1, d_k: 2, heads: 1 };
        let (mut nothing, mut value) = ([0.0, 0.0], [0.0, 0.0]);
        assert_eq!(codec.store(1, &mut nothing, &mut value), (1 + 1) + (1 + 4));
        assert_eq!(nothing, [0.0, 0.0]);
    }
}
