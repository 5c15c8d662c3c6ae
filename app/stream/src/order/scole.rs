//! SCoLe: very many short blocks, each a random subset of the tasks in equal parts.
//!
//! In the paper a task is a random subset of classes: here of groups, which are classes where the scenario is split with
//! one class per task. Lab form: the lengths (a number of steps), and the skewed occurrence (Zipf's law by task number).

use mnemoscope_core::{Component, Kind, Knob, Scale, random};
use rand::RngExt as _;

use super::{Orders, Outline, place};
use crate::block::{Block, Length};
use crate::share::Share;

pub(super) const KIND: Kind = Kind {
    name: "scole",
    label: "SCoLe: many short subsets",
    meaning: "Hundreds to thousands of short blocks, each of a random subset of the tasks in equal parts.",
    source: "Lesort et al. 2023, Challenging common assumptions about catastrophic forgetting",
    knobs: &[
        Knob::whole("blocks", "blocks", "", 1, 10_000, 1000, Scale::Log)
            .unit("blocks")
            .meaning("Number of subsets drawn.")
            .source("Lesort et al. 2023: hundreds to thousands of tasks"),
        Knob::whole("groups", "tasks per block", "", 1, 100, 2, Scale::Linear)
            .meaning("How many tasks each block mixes; tasks are classes where split has one class per task.")
            .source("Lesort et al. 2023: two classes per task"),
        Knob::whole("steps", "steps per block", "", 1, 100_000, 10, Scale::Log)
            .unit("steps")
            .meaning("Optimiser steps of each block, in place of the stream's length.")
            .source("lab default"),
        Knob::real("skew", "skew", "s", 0.0, 5.0, 0.0, Scale::Linear)
            .meaning("Task k, counted from 1, comes up in proportion to k^-s; 0 makes all as likely.")
            .source("lab form: Zipf's law"),
    ],
};

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let (groups, skew) = (order.whole("groups").min(outline.tasks), order.real("skew"));
    let length = Length::Steps(order.whole("steps") as u64);
    let mut rng = random::stream(outline.seed, "scole", &[]);
    (0..order.whole("blocks"))
        .map(|_block| {
            let mut weights: Vec<f64> = (1..=outline.tasks).map(|rank| (rank as f64).powf(-skew)).collect();
            let mut subset: Vec<usize> = (0..groups)
                .map(|_draw| {
                    let sum: f64 = weights.iter().sum();
                    let shares: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
                    let group = place(&shares, rng.random());
                    weights[group] = 0.0;
                    group
                })
                .collect();
            // Which one of a subset comes first means nothing.
            subset.sort_unstable();
            let with = subset[1..].iter().map(|group| Share::even(*group, 1.0 / groups as f64)).collect();
            Block { group: subset[0], length, with }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::order::tests::{OUTLINE, make};

    fn counts(order: &str) -> [u32; 5] {
        let mut counts = [0; 5];
        for block in make(order, OUTLINE) {
            block.groups().for_each(|group| counts[group] += 1);
        }
        counts
    }

    #[test]
    fn every_block_is_a_subset_in_equal_parts() {
        for block in make("scole(groups: 3)", OUTLINE) {
            let groups: Vec<_> = block.groups().collect();
            assert!(groups.len() == 3 && groups.is_sorted_by(|a, b| a < b));
            assert!(block.with.iter().all(|share| (share.mean() - 1.0 / 3.0).abs() < 1e-12));
        }
        assert!(make("scole(groups: 1)", OUTLINE).iter().all(|block| block.with.is_empty()));
    }

    #[test]
    fn occurrence_is_uniform_or_skewed() {
        // Each task is in a block with chance 2/5: four standard errors of 2000 blocks.
        let even = counts("scole(blocks: 2000)");
        assert!(even.iter().all(|count| count.abs_diff(800) < 88), "{even:?}");
        let skewed = counts("scole(blocks: 2000, groups: 1, skew: 1.0)");
        // Task 1 has 1 / (1 + 1/2 + 1/3 + 1/4 + 1/5) = 0.438 of all.
        assert!(skewed[0].abs_diff(876) < 89 && skewed.is_sorted_by(|a, b| a > b), "{skewed:?}");
    }
}
