//! Sequential: each task in one block, one after another.

use mnemoscope_core::{Component, Kind, Knob};

use super::{Orders, Outline};
use crate::block::Block;

pub(super) const KIND: Kind = Kind {
    name: "sequential",
    label: "One after another",
    meaning: "Each task has one block; borders are known.",
    source: "the usual task sequence; van de Ven et al. 2022, Three types of incremental learning",
    knobs: &[Knob::switch("return_first", "return to the first task", false)
        .meaning("The first task has one more block at the end.")
        .source("lab form: relearning what was forgotten")],
};

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let back = order.switch("return_first").then_some(0);
    (0..outline.tasks).chain(back).map(|group| outline.plain(group)).collect()
}

#[cfg(test)]
mod tests {
    use crate::order::tests::{OUTLINE, make};

    #[test]
    fn the_first_task_may_return_late() {
        let groups: Vec<_> = make("sequential(return_first: true)", OUTLINE).iter().map(|block| block.group).collect();
        assert_eq!(groups, [0, 1, 2, 3, 4, 0]);
    }
}
