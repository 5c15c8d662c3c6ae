//! Few bits per number, with and without rotation, sinks as they are (RotateKV, S124).
//!
//! A token's keys of all heads stand side by side, are rotated by a Hadamard matrix, so that a channel that is large in
//! every token no longer spoils its group's scale, quantised in groups, and rotated back when read. Values are
//! quantised without rotation. The first tokens, which draw much attention, stay in full precision. Both the step and
//! the clamp use 2^b − 1 (the authors' program has b² − 1 in the step).
//!
//! Lab form: keys are taken as attention sees them (the paper rotates them before their positions are applied), the
//! rotation is one over all heads instead of groups of heads that a calibration sorts, and sinks are the first tokens,
//! not those of massive activations.

use mnemoscope_core::{Kind, Knob, Scale};

use super::CacheError;
use super::full::Everything;
use super::hadamard::rotate;
use super::policy::{Codec, Parts, SINKS, Site};
use super::quantiser::quantise;

/// Bits per number, for every policy that rounds.
pub(super) const BITS: Knob =
    Knob::whole("bits", "Bits", "b", 1, 8, 4, Scale::Linear).meaning("Bits of a stored number.");

pub(super) const KIND: Kind = Kind {
    name: "quantised",
    label: "Few bits",
    meaning: "Keeps every token, in few bits per number; a rotation spreads large channels before rounding.",
    source: "S124, \"RotateKV: Accurate and Robust 2-Bit KV Cache Quantization\"; one rotation over all heads: lab form",
    knobs: &[
        BITS,
        Knob::switch("rotate", "Rotation", true).meaning("Rotates keys by a Hadamard matrix before rounding."),
        Knob::whole("group", "Group", "g", 2, 128, 32, Scale::Log)
            .meaning("Numbers that share a scale.")
            .source("S124: 32 to 128"),
        Knob::real("clip", "Clip", "c", 0.5, 1.0, 1.0, Scale::Linear)
            .meaning("Part of the range that is kept; what is beyond is cut.")
            .source("S124: 0.9 to 1"),
        SINKS,
    ],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let codec = Quantised {
        bits: site.policy.whole("bits"),
        rotated: site.policy.switch("rotate"),
        group: site.policy.whole("group"),
        clip: site.policy.real("clip") as f32,
        sinks: site.policy.whole("sinks"),
    };
    Ok(Parts { eviction: Box::new(Everything), codec: Box::new(codec) })
}

#[derive(Debug, Clone, Copy)]
struct Quantised {
    bits: usize,
    rotated: bool,
    group: usize,
    clip: f32,
    sinks: usize,
}

impl Codec for Quantised {
    fn store(&self, position: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        if position < self.sinks {
            return size_of_val(keys) + size_of_val(values);
        }
        self.recode(self.bits, keys, values)
    }

    fn recode(&self, bits: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        if self.rotated {
            rotate(keys);
        }
        let groups = keys.chunks_mut(self.group).chain(values.chunks_mut(self.group));
        let bytes = groups.map(|group| quantise(group, bits, self.clip)).sum();
        if self.rotated {
            rotate(keys);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(codec: Quantised, position: usize) -> (f32, usize) {
        // Small numbers and one channel forty times as large, as some models have.
        let keys: Vec<f32> = (0..64).map(|i| if i == 9 { 40.0 } else { ((i * 29) % 17) as f32 / 8.0 - 1.0 }).collect();
        let (mut read, mut values) = (keys.clone(), vec![0.5; 64]);
        let bytes = codec.store(position, &mut read, &mut values);
        (keys.iter().zip(&read).map(|(a, b)| (a - b) * (a - b)).sum(), bytes)
    }

    #[test]
    fn rotation_saves_the_small_channels_from_a_large_one() {
        let plain = Quantised { bits: 4, rotated: false, group: 64, clip: 1.0, sinks: 4 };
        let rotated = Quantised { rotated: true, ..plain };
        let ((without, bytes), (with, same)) = (error(plain, 9), error(rotated, 9));
        assert!(with < without / 2.0, "{with} against {without}");
        assert_eq!((bytes, same), (2 * (32 + 4), 2 * (32 + 4)));
        assert_eq!(error(plain, 3), (0.0, 2 * 64 * 4), "a sink stays as it is");
        let eight = |rotated| error(Quantised { bits: 8, rotated, ..plain }, 9).0;
        assert!(eight(true) < 0.5 && eight(false) < 0.5, "at 8 bits both are near");
    }
}
