//! Rehearsal: each later task is mixed with samples of the tasks before it.
//!
//! Gandhi et al. 2024 draw an old task for each rehearsal, k with chance P(k) in proportion to (t - last_k)^-alpha, t and
//! last_k in blocks. Lab form: a batch holds the expected share of each instead of a draw, and rehearsing a task does not
//! make it young again: else all old tasks would always be of the same age.

use mnemoscope_core::{Component, Kind, Knob, Scale};

use super::{Orders, Outline, power_law};
use crate::block::Block;
use crate::share::{Pool, Share};

pub(super) const KIND: Kind = Kind {
    name: "rehearsal",
    label: "Rehearsal of old tasks",
    meaning: "Each later task is mixed with samples of earlier ones; recent tasks have a larger part.",
    source: "Gandhi et al. 2024, Catastrophic interference is mitigated in naturalistic power-law learning \
             environments; volumes: Empirical study of pop and jazz mix ratios",
    knobs: &[
        Knob::real("ratio", "rehearsed per new sample", "", 0.0, 20.0, 1.0, Scale::Linear)
            .meaning("Samples of old tasks for each sample of the new one; 0 rehearses nothing.")
            .source("lab default; the study of mix ratios uses 0, 0.6, 1.65, 3.3 and 6.6"),
        Knob::real("alpha", "exponent", "α", 0.0, 20.0, 1.0, Scale::Linear)
            .meaning("An old task's part falls with its age in blocks as age^-alpha: 0 is uniform, a large one keeps only the last task.")
            .source("lab default"),
        Knob::real("pool", "different old samples", "", 0.0, 20.0, 0.0, Scale::Linear)
            .unit("per new sample")
            .meaning("So many different old samples are kept for each training sample of the new task; 0 keeps all.")
            .source("the study of mix ratios keeps as many as it mixes in: pool = ratio"),
    ],
};

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let (ratio, alpha, kept) = (order.real("ratio"), order.real("alpha"), order.real("pool"));
    let rehearsed = ratio / (1.0 + ratio);
    (0..outline.tasks)
        .map(|group| {
            let parts = power_law((0..group).map(|old| group - old), alpha);
            let share = |(old, part): (usize, f64)| Share {
                pool: if kept > 0.0 { Pool::PerOwn(kept * part) } else { Pool::All },
                ..Share::even(old, rehearsed * part)
            };
            // What would not come up in a million samples is left out.
            let with = parts.into_iter().enumerate().map(share).filter(|share| share.from > 1e-6).collect();
            Block { group, length: outline.length_of(group), with }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::order::tests::{OUTLINE, make};
    use crate::share::Pool;

    fn shares(order: &str, block: usize) -> Vec<(usize, f64)> {
        let rounded = |share: f64| (share * 1e9).round() / 1e9;
        make(order, OUTLINE)[block].with.iter().map(|share| (share.group, rounded(share.mean()))).collect()
    }

    #[test]
    fn the_exponent_goes_from_uniform_to_the_last_one_only() {
        assert_eq!(shares("rehearsal(alpha: 0.0, ratio: 3.0)", 3), [(0, 0.25), (1, 0.25), (2, 0.25)]);
        assert_eq!(shares("rehearsal(alpha: 1.0, ratio: 1.0)", 2), [(0, 0.166_666_667), (1, 0.333_333_333)]);
        let last = shares("rehearsal(alpha: 20.0, ratio: 1.0)", 4);
        assert!(last.len() == 1 && last[0].0 == 3 && (last[0].1 - 0.5).abs() < 1e-6, "{last:?}");
        assert!(shares("rehearsal(ratio: 0.0)", 4).is_empty() && shares("rehearsal()", 0).is_empty());
    }

    #[test]
    fn the_pool_is_divided_like_the_share() {
        let with = &make("rehearsal(alpha: 0.0, pool: 3.0)", OUTLINE)[2].with;
        assert!(with.iter().all(|share| share.pool == Pool::PerOwn(1.5)));
        assert!(make("rehearsal()", OUTLINE)[2].with.iter().all(|share| share.pool == Pool::All));
    }
}
