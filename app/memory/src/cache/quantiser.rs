//! The uniform quantiser: b bits per number, a scale and a zero point per group.
//!
//! s = c (max − min) / (2^b − 1), z = round(−c min / s), code = clamp(round(x / s) + z, 0, 2^b − 1), read back as
//! s (code − z). At c = 1 no number is off by more than s/2. The scale is kept in bfloat16, rounded up so that the bound
//! stands for the scale as kept, and the zero point in 16 bits.

/// Bytes of a group's scale and zero point.
const OVERHEAD: usize = 2 + 2;

/// Replaces a group by what reading it back gives and answers its bytes. `clip` is c.
pub(super) fn quantise(group: &mut [f32], bits: usize, clip: f32) -> usize {
    let largest = clip * group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let smallest = clip * group.iter().copied().fold(f32::INFINITY, f32::min);
    let top = (1u32 << bits) as f32 - 1.0;
    // The floor keeps the zero point in its 16 bits where all numbers are nearly alike and far from zero.
    let floor = largest.abs().max(smallest.abs()) / f32::from(i16::MAX - 256);
    let scale = bfloat16_up(((largest - smallest) / top).max(floor));
    if scale > 0.0 {
        let zero = (-smallest / scale).round();
        for x in group.iter_mut() {
            let code = ((*x / scale).round() + zero).clamp(0.0, top);
            *x = scale * (code - zero);
        }
    }
    (group.len() * bits).div_ceil(8) + OVERHEAD
}

/// The least bfloat16 that is not below `x` (`x` >= 0).
fn bfloat16_up(x: f32) -> f32 {
    let kept = f32::from_bits(x.to_bits() & 0xffff_0000);
    if kept < x { f32::from_bits(kept.to_bits() + 0x1_0000) } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_number_is_off_by_more_than_half_a_step(
            group in prop::collection::vec(-50.0f32..50.0, 1..40),
            shift in -1000.0f32..1000.0,
            bits in 1usize..9,
        ) {
            let group: Vec<f32> = group.into_iter().map(|x| x + shift).collect();
            let mut read = group.clone();
            let bytes = quantise(&mut read, bits, 1.0);
            prop_assert_eq!(bytes, (group.len() * bits).div_ceil(8) + 4);
            let span = group.iter().copied().fold(f32::MIN, f32::max) - group.iter().copied().fold(f32::MAX, f32::min);
            let largest = group.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let step = (span / ((1u32 << bits) as f32 - 1.0)).max(largest / 32511.0);
            for (x, y) in group.iter().zip(&read) {
                // bfloat16 rounds the step up by at most 1/128.
                prop_assert!((x - y).abs() <= 0.5 * step * (1.0 + 1.0 / 128.0) + 1e-3, "{} {} step {}", x, y, step);
            }
        }
    }

    #[test]
    fn two_bits_by_hand() {
        // Step (3 - 0)/(2^2 - 1) = 1, not 3/(2^2 - 1 ...) of the authors' bit^2 - 1 = 3 (equal only for 2 bits).
        let mut group = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(quantise(&mut group, 2, 1.0), 1 + 4);
        assert_eq!(group, [0.0, 1.0, 2.0, 3.0]);
        // Three bits: step 7/7 = 1; bit^2 - 1 = 8 would give another step and lose the largest.
        let mut group = [0.0, 7.0, 3.2];
        quantise(&mut group, 3, 1.0);
        assert_eq!(group, [0.0, 7.0, 3.0]);
        let mut alike = [5.0; 4];
        quantise(&mut alike, 2, 1.0);
        assert!(alike.iter().all(|x| (x - 5.0).abs() < 1e-3), "{alike:?}");
        let mut zeros = [0.0; 4];
        quantise(&mut zeros, 2, 1.0);
        assert_eq!(zeros, [0.0; 4]);
    }
}
