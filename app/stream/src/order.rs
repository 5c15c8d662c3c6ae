//! Orders: which task is trained when, for how long, and mixed with which others. Any order goes with any scenario.

mod blurry;
mod gradual;
mod online;
mod recurrence;
mod rehearsal;
mod scole;
mod sequential;

use mnemoscope_core::{Component, Kind, Registry};

use crate::block::{Block, Length};
use crate::error::StreamError;

/// How tasks follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Orders;

static KINDS: [Kind; 7] =
    [sequential::KIND, online::KIND, gradual::KIND, blurry::KIND, recurrence::KIND, rehearsal::KIND, scole::KIND];

impl Registry for Orders {
    const NOUN: &'static str = "order";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

impl Orders {
    /// Whether a learner is told where one task ends and the next begins.
    pub fn has_borders(order: &Component<Self>) -> bool {
        match order.name() {
            "gradual" | "blurry" => false,
            "online" => order.text("borders") == "known",
            _ => true,
        }
    }

    /// Whether groups that a block mixes in are rehearsed beside the block's own task, and not a part of it.
    pub(crate) fn rehearses(order: &Component<Self>) -> bool {
        order.name() == rehearsal::KIND.name
    }
}

/// What an order needs to know of a scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outline {
    /// Tasks to be trained: groups 0 to `tasks - 1`.
    pub(crate) tasks: usize,
    /// The length of the first task.
    pub(crate) first: Length,
    /// The length of each other task.
    pub(crate) length: Length,
    /// The stream's seed.
    pub(crate) seed: u64,
}

impl Outline {
    /// The length of a task.
    fn length_of(&self, group: usize) -> Length {
        if group == 0 { self.first } else { self.length }
    }

    /// A block of one task alone, at its length.
    fn plain(&self, group: usize) -> Block {
        Block::plain(group, self.length_of(group))
    }
}

/// The order's blocks.
pub(crate) fn generate_blocks(order: &Component<Orders>, outline: &Outline) -> Vec<Block> {
    match order.name() {
        "sequential" => sequential::blocks(order, outline),
        "online" => online::blocks(outline),
        "gradual" => gradual::blocks(order, outline),
        "blurry" => blurry::blocks(order, outline),
        "recurrence" => recurrence::blocks(order, outline),
        "rehearsal" => rehearsal::blocks(order, outline),
        "scole" => scole::blocks(order, outline),
        other => unreachable!("order {other} has no generator"),
    }
}

/// Whether the order fits a scenario of so many tasks.
pub(crate) fn check(order: &Component<Orders>, outline: &Outline) -> Result<(), StreamError> {
    let wanted = if order.name() == scole::KIND.name { order.whole("groups") } else { 1 };
    if wanted > outline.tasks {
        return Err(StreamError::TooFewTasks { order: order.name(), wanted, tasks: outline.tasks });
    }
    Ok(())
}

/// `age^-alpha` for each age, scaled to sum 1; ages are at least 1.
fn power_law(ages: impl Iterator<Item = usize>, alpha: f64) -> Vec<f64> {
    let weights: Vec<f64> = ages.map(|age| (age as f64).powf(-alpha)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The place that a number from 0 to 1 falls on among shares of sum 1.
fn place(shares: &[f64], number: f64) -> usize {
    let mut sum = 0.0;
    let reached = shares.iter().position(|share| {
        sum += share;
        number < sum
    });
    // Rounding may leave the sum a little under 1.
    reached.or_else(|| shares.iter().rposition(|share| *share > 0.0)).unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::share;

    pub(crate) const OUTLINE: Outline = of_length(Length::Epochs(2.0));

    /// Five tasks of this length.
    pub(crate) const fn of_length(length: Length) -> Outline {
        Outline { tasks: 5, first: length, length, seed: 1 }
    }

    pub(crate) fn make(order: &str, outline: Outline) -> Vec<Block> {
        generate_blocks(&ron::from_str(order).unwrap(), &outline)
    }

    #[test]
    fn every_order_makes_good_blocks_of_any_number_of_tasks_by_its_seed() {
        for kind in Orders::kinds() {
            let order = Component::of(kind);
            for tasks in [2, 3, 5, 30] {
                for length in [Length::Epochs(2.0), Length::Steps(7)] {
                    let outline = Outline { tasks, ..of_length(length) };
                    let blocks = generate_blocks(&order, &outline);
                    assert!(!blocks.is_empty(), "{}", kind.name);
                    for block in &blocks {
                        assert_eq!(share::problem(block.group, &block.with, tasks), None, "{}: {block:?}", kind.name);
                        assert_eq!(block.length.problem(), None, "{}: {block:?}", kind.name);
                    }
                    assert_eq!(blocks, generate_blocks(&order, &outline));
                    let drawn = ["recurrence", "scole"].contains(&kind.name);
                    let other = generate_blocks(&order, &Outline { seed: 2, ..outline });
                    assert!(drawn || other == blocks, "{} draws nothing", kind.name);
                    assert!(!drawn || tasks == 2 || other != blocks, "{} draws by the seed", kind.name);
                }
            }
            for knob in kind.knobs {
                knob.check(&knob.default()).unwrap();
                assert!(!knob.meaning.is_empty(), "{}.{}", kind.name, knob.name);
            }
        }
    }

    #[test]
    fn the_first_order_trains_each_task_once() {
        let first = &Orders::kinds()[0];
        let blocks = generate_blocks(&Component::of(first), &OUTLINE);
        assert_eq!(blocks, (0..5).map(|group| Block::plain(group, OUTLINE.length)).collect::<Vec<_>>());
        assert!(Orders::has_borders(&Component::of(first)));
    }

    #[test]
    fn power_law_and_place() {
        assert_eq!(power_law(1..4, 0.0), [1.0 / 3.0; 3]);
        let shares = power_law([4, 2, 1].into_iter(), 1.0);
        assert!(shares.iter().zip([1.0, 2.0, 4.0]).all(|(share, weight)| (share - weight / 7.0).abs() < 1e-12));
        assert_eq!([0.0, 0.24, 0.25, 0.99, 1.0].map(|number| place(&[0.25, 0.75, 0.0], number)), [0, 0, 1, 1, 1]);
    }
}
