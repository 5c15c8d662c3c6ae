//! Sequence tasks: short sequences of tokens with questions whose answers follow from what came before.
//!
//! A row is one sequence as [`mnemoscope_core::token`] lays it out. Classes are the vocabulary: the label is the answer to the last
//! token. The data source `sequence` draws one task, the scenario `sequences` a stream of them.

mod delayed_match;
mod draw;
mod induction;
pub(crate) mod knobs;
mod modular;
mod n_back;
mod recall;
mod rewriting;
mod selective_copying;
mod serial_recall;
mod size;
mod t_maze;
mod task;
mod updating;
mod vocabulary;
mod writer;

pub(crate) use draw::{Drawn, Lot, draw};
pub(crate) use size::Size;
pub(crate) use task::{TASK_OR_NONE, TASKS, TaskKind};

use mnemoscope_core::{Component, Kind};
use thiserror::Error;

use crate::dataset::{DataSources, Dataset, Pixels, Shape, numbered};
use crate::error::DataError;
use crate::scenario::Scenarios;

pub(crate) const KIND: Kind = Kind {
    name: "sequence",
    label: "Sequences of tokens",
    meaning: "Sequences of one task, such as recall of pairs; every answer follows from what came before it.",
    source: "Arora et al. 2023, Zoology, and others by task",
    knobs: &[
        knobs::TASK,
        knobs::SAMPLES,
        knobs::KEYS,
        knobs::VALUES,
        knobs::PAIRS,
        knobs::QUERIES,
        knobs::FILLER,
        knobs::NOISE,
        knobs::PERIOD.when("task", "recall"),
        knobs::RECURRING.when("task", "recall"),
        knobs::UPDATES,
        knobs::ITEMS,
        knobs::BACK.when("task", "n_back"),
        knobs::CORRIDORS.when("task", "t_maze"),
        knobs::CORRIDOR.when("task", "t_maze"),
        knobs::CUE.when("task", "t_maze"),
        knobs::MODULUS,
        knobs::OPERATION.when("task", "modular"),
        knobs::SEED,
    ],
};

pub(crate) const MODULAR: Kind = Kind {
    name: "modular",
    label: "Modular arithmetic, one-hot",
    meaning: "All pairs of numbers below a modulus, each as two one-hot vectors; the class is their sum, difference or product.",
    source: "Power et al. 2022, Grokking; the one-hot form after Gromov 2023, Grokking modular arithmetic",
    knobs: &[knobs::MODULUS, knobs::OPERATION],
};

/// Why a sequence task cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{task}: {problem}")]
pub struct SequenceError {
    /// The task's name.
    pub task: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Draws the task of a `sequence` source.
pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let size = Size::of(source);
    let task = TaskKind::find(source.text(knobs::TASK.name)).unwrap_or(&TASKS[0]);
    let drawn = draw(&[Lot { task, size }], true, source.real(knobs::SEED.name) as u64)?;
    Ok(drawn.data)
}

/// All pairs of a `modular` source, as `[one-hot a, one-hot b]`.
pub(crate) fn load_one_hot(source: &Component<DataSources>) -> Dataset {
    let p = source.whole(knobs::MODULUS.name);
    let operation = modular::Operation::named(source.text(knobs::OPERATION.name));
    let mut bytes = vec![0; p * p * 2 * p];
    let mut labels = Vec::with_capacity(p * p);
    for (row, features) in bytes.chunks_exact_mut(2 * p).enumerate() {
        let (a, b) = (row / p, row % p);
        features[a] = u8::MAX;
        features[p + b] = u8::MAX;
        labels.push(operation.of(a, b, p) as u16);
    }
    Dataset::new("modular".to_owned(), Shape::Table(2 * p), numbered(p), Pixels::Bytes(bytes), labels)
}

/// Whether this data set in this scenario gives sequences of tokens, as far as can be told without the data.
pub fn gives_tokens(data: &Component<DataSources>, scenario: &Component<Scenarios>) -> bool {
    scenario.name() == "sequences" || (data.name() == KIND.name && !matches!(scenario.name(), "points" | "long_tail"))
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
