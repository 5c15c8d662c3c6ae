//! Blurry: every block has a share of all other tasks.

use mnemoscope_core::{Component, Kind, Knob, Scale};

use super::{Orders, Outline};
use crate::block::Block;
use crate::share::Share;

pub(super) const KIND: Kind = Kind {
    name: "blurry",
    label: "Blurry borders",
    meaning: "Every block has a share of samples from all other tasks, in equal parts; no borders are told.",
    source: "Bang et al. 2021, Rainbow memory (blurry setup, M = share); here by task, not by class",
    knobs: &[Knob::real("share", "share of other tasks", "M", 0.0, 0.95, 0.1, Scale::Linear)
        .meaning("Share of a block's samples that come from other tasks, earlier and later ones.")
        .source("Bang et al. 2021 use 10 % and 30 %")],
};

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let share = order.real("share") / outline.tasks.saturating_sub(1).max(1) as f64;
    (0..outline.tasks)
        .map(|group| {
            let others = (0..outline.tasks).filter(|other| *other != group && share > 0.0);
            Block {
                group,
                length: outline.length_of(group),
                with: others.map(|other| Share::even(other, share)).collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::order::tests::{OUTLINE, make};

    #[test]
    fn every_other_task_has_an_equal_part() {
        let blocks = make("blurry(share: 0.2)", OUTLINE);
        assert_eq!(blocks[2].groups().collect::<Vec<_>>(), [2, 0, 1, 3, 4]);
        assert!(blocks.iter().flat_map(|block| &block.with).all(|share| (share.mean() - 0.05).abs() < 1e-12));
        assert!(make("blurry(share: 0.0)", OUTLINE).iter().all(|block| block.with.is_empty()));
    }
}
