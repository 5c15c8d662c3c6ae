//! Which group each sample of a mixed block comes from.
//!
//! A group's m-th sample is due when the integral of its share over the block reaches m - 1/2 samples; samples are drawn
//! in the order in which they are due, the block's own group first among equals (apportionment by Webster's method, over
//! time). So the number of each group's samples before any step follows from the step alone.

use crate::share::Share;

/// The shares of a block with a number of samples.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mixing {
    shares: Vec<Share>,
    samples: u64,
}

/// Halvings of the interval in which a due time is looked for: more than a number's digits.
const HALVINGS: usize = 64;

impl Mixing {
    pub(crate) fn new(shares: &[Share], samples: u64) -> Self {
        Self { shares: shares.to_vec(), samples }
    }

    /// Samples of the whole block, of which the own group has `own` in one epoch; none where nothing is left for it.
    pub(crate) fn samples_of(shares: &[Share], epochs: f64, own: usize) -> Option<u64> {
        let rest = 1.0 - shares.iter().map(Share::mean).sum::<f64>();
        (rest > 1e-9).then(|| ((epochs * own as f64 / rest).round() as u64).max(1))
    }

    /// Samples of the block.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// How many of the first `taken` samples come from each group: the own one, then those mixed in.
    pub(crate) fn counts(&self, taken: u64) -> Vec<u64> {
        // The number due is within half a sample for each group of what it should be.
        let groups = self.shares.len() as f64 + 1.0;
        let slack = 0.5 * groups + 1.0;
        let n = self.samples as f64;
        let (mut low, mut high) = (((taken as f64 - slack) / n).max(0.0), (taken as f64 + slack) / n);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.due(middle).iter().sum::<u64>() <= taken {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut counts = self.due(low);
        let mut missing = taken - counts.iter().sum::<u64>();
        for (count, next) in counts.iter_mut().zip(self.due(high)) {
            let more = missing.min(next - *count);
            *count += more;
            missing -= more;
        }
        counts
    }

    /// Samples of each group that are due at `u` of the block.
    fn due(&self, u: f64) -> Vec<u64> {
        let others: Vec<f64> = self.shares.iter().map(|share| share.integral(u)).collect();
        let own = (u - others.iter().sum::<f64>()).max(0.0);
        std::iter::once(own).chain(others).map(|share| (share * self.samples as f64 + 0.5).floor() as u64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Curve;
    use proptest::prelude::*;

    #[test]
    fn a_quarter_of_two_others_by_hand() {
        let mixing = Mixing::new(&[Share::even(1, 0.25), Share::even(2, 0.25)], 8);
        // Own samples are due at 1, 3, 5, 7; the others' at 2 and 6.
        let counts: Vec<_> = (0..=8).map(|taken| mixing.counts(taken)).collect();
        let wanted =
            [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1], [3, 1, 1], [3, 2, 1], [3, 2, 2], [4, 2, 2]];
        assert_eq!(counts, wanted);
    }

    #[test]
    fn an_epoch_is_one_over_the_own_group() {
        assert_eq!(Mixing::samples_of(&[Share::even(1, 0.75)], 2.0, 100), Some(800));
        let ramp = Share { from: 1.0, to: 0.0, ..Share::even(1, 0.0) };
        assert_eq!(Mixing::samples_of(&[ramp], 1.0, 100), Some(200));
        assert_eq!(Mixing::samples_of(&[Share::even(1, 1.0)], 1.0, 100), None);
    }

    proptest! {
        #[test]
        fn counts_follow_the_shares_and_never_go_back(
            raw in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64, any::<bool>()), 1..6),
            samples in 1u64..3000,
            from in 0.0..1.0,
        ) {
            let k = raw.len() as f64;
            let shares: Vec<Share> = raw.iter().enumerate().map(|(at, (from, to, sigmoid))| Share {
                from: from / k,
                to: to / k,
                curve: if *sigmoid { Curve::Sigmoid } else { Curve::Linear },
                ..Share::even(at + 1, 0.0)
            }).collect();
            let mixing = Mixing::new(&shares, samples);
            let start = (from * samples as f64) as u64;
            let mut before = mixing.counts(start);
            for taken in start + 1..=(start + 60).min(samples) {
                let counts = mixing.counts(taken);
                prop_assert_eq!(counts.iter().sum::<u64>(), taken);
                prop_assert!(counts.iter().zip(&before).all(|(now, before)| now >= before), "{counts:?} {before:?}");
                for (share, count) in shares.iter().zip(&counts[1..]) {
                    let wanted = samples as f64 * share.integral(taken as f64 / samples as f64);
                    prop_assert!((*count as f64 - wanted).abs() <= 0.5 + k, "{count} for {wanted}");
                }
                before = counts;
            }
        }
    }
}
