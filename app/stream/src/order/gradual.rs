//! Gradual: one task fades into the next.
//!
//! Lab form. A share of `width` of each task's length goes into transitions, half of it on either side. In a transition
//! the share of the earlier task falls from 1 to 0 along the curve.

use mnemoscope_core::{Component, Kind, Knob, Opt, Scale};

use super::{Orders, Outline};
use crate::block::{Block, Length};
use crate::share::{Curve, Share};

pub(super) const KIND: Kind = Kind {
    name: "gradual",
    label: "Gradual borders",
    meaning: "Each task fades into the next one; the learner is told no borders.",
    source: "lab form; streams without borders: Aljundi et al. 2019, Task-free continual learning",
    knobs: &[
        Knob::real("width", "width of the transitions", "", 0.0, 1.0, 0.5, Scale::Linear)
            .meaning("Share of a task that is mixed with its neighbours: 0 is abrupt, at 1 no task is ever alone.")
            .source("lab default"),
        Knob::choice("curve", "curve", &CURVES, "linear")
            .meaning("How one task's share falls while the next one's rises.")
            .source("lab default"),
    ],
};

static CURVES: [Opt; 2] = [
    Opt { name: "linear", label: "linear", meaning: "Shares change at a constant pace." },
    Opt { name: "sigmoid", label: "sigmoid", meaning: "Shares change fastest in the middle." },
];

pub(super) fn blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    let width = order.real("width");
    let curve = if order.text("curve") == "sigmoid" { Curve::Sigmoid } else { Curve::Linear };
    let mut blocks = Vec::new();
    for group in 0..outline.tasks {
        let (before, after) = (group > 0, group + 1 < outline.tasks);
        if before {
            let fading = Share { from: 1.0, to: 0.0, curve, ..Share::even(group - 1, 0.0) };
            blocks.push(Block { group, length: transition(outline.length_of(group), width), with: vec![fading] });
        }
        blocks.push(Block::plain(group, alone(outline.length_of(group), width, before, after)));
    }
    blocks.retain(|block| block.length.problem().is_none());
    blocks
}

/// The length of a transition. Half of its samples are those of the later task, and epochs count that task's.
fn transition(length: Length, width: f64) -> Length {
    match length {
        Length::Epochs(epochs) => Length::Epochs(epochs * width / 2.0),
        Length::Steps(steps) => Length::Steps((steps as f64 * width).round() as u64),
    }
}

/// What is left of a task beside its transitions.
fn alone(length: Length, width: f64, before: bool, after: bool) -> Length {
    match length {
        Length::Epochs(epochs) => {
            Length::Epochs(epochs * (1.0 - width / 2.0 * f64::from(u8::from(before) + u8::from(after))))
        }
        Length::Steps(steps) => {
            let mixed = (steps as f64 * width).round() as u64;
            let half = mixed / 2;
            let taken = if before { mixed - half } else { 0 } + if after { half } else { 0 };
            Length::Steps(steps - taken)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::{OUTLINE, make, of_length};

    #[test]
    fn transitions_take_their_width_from_both_sides() {
        let blocks = make("gradual(width: 0.5, curve: \"sigmoid\")", Outline { tasks: 3, ..OUTLINE });
        let plan: Vec<_> = blocks.iter().map(|block| (block.group, block.length, block.with.len())).collect();
        let epochs = Length::Epochs;
        let wanted =
            [(0, epochs(1.5), 0), (1, epochs(0.5), 1), (1, epochs(1.0), 0), (2, epochs(0.5), 1), (2, epochs(1.5), 0)];
        assert_eq!(plan, wanted);
        let fading = Share { from: 1.0, to: 0.0, curve: Curve::Sigmoid, ..Share::even(1, 0.0) };
        assert_eq!(blocks[3].with, [fading]);
    }

    #[test]
    fn the_whole_length_stays_and_the_widest_and_narrowest_leave_out_blocks() {
        for width in ["0.0", "0.3", "0.77", "1.0"] {
            let blocks =
                make(&format!("gradual(width: {width})"), Outline { tasks: 4, ..of_length(Length::Steps(101)) });
            let steps = blocks.iter().map(|block| block.length.steps(1)).sum::<u64>();
            assert_eq!(steps, 404, "{width}");
        }
        assert!(make("gradual(width: 0.0)", OUTLINE).iter().all(|block| block.with.is_empty()));
        let widest = make("gradual(width: 1.0)", OUTLINE);
        assert_eq!(widest.iter().filter(|block| block.with.is_empty()).count(), 2, "the first and the last end");
    }
}
