//! Online: every task in a single pass.

use mnemoscope_core::{Kind, Knob, Opt};

use super::Outline;
use crate::block::{Block, Length};

pub(super) const KIND: Kind = Kind {
    name: "online",
    label: "Online, single pass",
    meaning: "Each task has one block of one epoch, whatever the stream's lengths say.",
    source: "Lopez-Paz and Ranzato 2017, Gradient episodic memory (each sample is met once)",
    knobs: &[Knob::choice("borders", "borders", &BORDERS, "known")
        .meaning("Whether the learner is told where a task ends.")
        .source("Aljundi et al. 2019, Task-free continual learning (hidden)")],
};

static BORDERS: [Opt; 2] = [
    Opt { name: "known", label: "known", meaning: "The learner is told where a task ends." },
    Opt { name: "hidden", label: "hidden", meaning: "The learner is never told; what needs borders is refused." },
];

pub(super) fn blocks(outline: &Outline) -> Vec<Block> {
    (0..outline.tasks).map(|group| Block::plain(group, Length::Epochs(1.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Orders;
    use crate::order::tests::{make, of_length};

    #[test]
    fn every_block_is_one_epoch_and_borders_may_be_hidden() {
        for length in [Length::Epochs(7.0), Length::Steps(9)] {
            let blocks = make("online()", of_length(length));
            assert!(blocks.len() == 5 && blocks.iter().all(|block| block.length == Length::Epochs(1.0)));
        }
        assert!(Orders::has_borders(&ron::from_str("online()").unwrap()));
        assert!(!Orders::has_borders(&ron::from_str("online(borders: \"hidden\")").unwrap()));
    }
}
