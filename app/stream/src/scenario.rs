//! Scenarios: how one data set becomes a list of tasks.

mod permute;
mod points;
mod rotate;
mod split;

use std::ops::Range;
use std::sync::Arc;

use mnemoscope_core::{Component, Kind, Knob, Opt, Registry, Scale};

use crate::block::Length;
use crate::dataset::Dataset;
use crate::error::StreamError;
use crate::order::Outline;
use crate::transform::Transform;

/// How tasks are made.
#[derive(Debug, Clone, Copy)]
pub struct Scenarios;

static KINDS: [Kind; 4] = [split::KIND, permute::KIND, rotate::KIND, points::KIND];

impl Registry for Scenarios {
    const NOUN: &'static str = "stream";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

/// What a scenario says of one group, before its rows are looked up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) classes: Vec<u16>,
    pub(crate) transform: Transform,
    /// The rows of the data set that the task draws on, before the choice of classes.
    pub(crate) rows: Range<u32>,
}

/// The data that the stream works on, and the stratum of each row for the split into parts.
pub(crate) fn prepare(
    scenario: &Component<Scenarios>,
    data: Arc<Dataset>,
) -> Result<(Arc<Dataset>, Vec<u32>), StreamError> {
    if scenario.name() == points::KIND.name {
        return points::prepare(scenario, &data);
    }
    let strata = data.labels.iter().map(|label| u32::from(*label)).collect();
    Ok((data, strata))
}

/// The tasks in order. `key` is empty where all replicas share them, and holds the replica's seed otherwise.
pub(crate) fn tasks(
    scenario: &Component<Scenarios>,
    data: &Dataset,
    seed: u64,
    key: &[u64],
) -> Result<Vec<Task>, StreamError> {
    match scenario.name() {
        "split" => split::tasks(scenario, data, seed, key),
        "permute" => permute::tasks(scenario, data, seed, key),
        "rotate" => rotate::tasks(scenario, data, seed, key),
        "points" => points::tasks(scenario, data, seed, key),
        other => unreachable!("stream {other} has no task maker"),
    }
}

/// What an order needs to know: how many tasks are trained, and for how long.
pub(crate) fn outline(scenario: &Component<Scenarios>) -> Outline {
    let length = match scenario.real("steps") as u64 {
        0 => Length::Epochs(scenario.real("epochs")),
        steps => Length::Steps(steps),
    };
    let tasks = match scenario.name() {
        "rotate" => rotate::angles(scenario).len(),
        _ => scenario.whole("tasks"),
    };
    Outline { tasks, length, seed: scenario.real("seed") as u64 }
}

/// The classes with samples, ascending: label offsets and gaps leave others empty.
fn occurring(data: &Dataset) -> Vec<u16> {
    (0..data.classes as u16).zip(data.class_counts()).filter(|(_, count)| *count > 0).map(|(class, _)| class).collect()
}

const fn tasks_knob(default: u64) -> Knob {
    Knob::whole("tasks", "tasks", "T", 1, 100, default, Scale::Linear)
        .meaning("Number of tasks.")
        .source("van de Ven et al. 2022, Three types of incremental learning, uses 5 (split) and 10 (permuted)")
}

const EPOCHS: Knob = Knob::real("epochs", "epochs per task", "E", 0.01, 1000.0, 5.0, Scale::Log)
    .unit("epochs")
    .meaning("Passes over a task's training data; counts while steps is 0.")
    .source("lab default");
const STEPS: Knob = Knob::whole("steps", "steps per task", "", 0, 10_000_000, 0, Scale::Log)
    .unit("steps")
    .meaning("Optimiser steps per task; 0 leaves the length to epochs.")
    .source("lab default");
const BATCH: Knob = Knob::whole("batch", "batch size", "B", 1, 4096, 16, Scale::Log)
    .unit("samples")
    .meaning("Samples per step, drawn without replacement; the last batch of an epoch may be smaller.")
    .source("lab default");
const HEAD: Knob = Knob::choice("head", "outputs in training", &HEADS, "all")
    .meaning("Which outputs the loss sees during training.")
    .source("van de Ven et al. 2022, Three types of incremental learning");
static HEADS: [Opt; 3] = [
    Opt { name: "all", label: "all outputs", meaning: "Every class competes from the start." },
    Opt { name: "seen", label: "classes seen so far", meaning: "Classes of later tasks are masked." },
    Opt { name: "task", label: "the task's own", meaning: "Task-incremental: classes of other tasks are masked." },
];
const VALIDATION: Knob = Knob::real("validation", "validation share", "", 0.0, 0.5, 0.1, Scale::Linear)
    .meaning("Share of each class kept for live curves; at 0 they use the test part.")
    .source("lab default");
const TEST: Knob = Knob::real("test", "test share", "", 0.01, 0.9, 0.3, Scale::Linear)
    .meaning("Share of each class kept for final figures; data with a test part of their own use that in its place.")
    .source("the common 70/30 split of the digits");
const ORDER_PER_REPLICA: Knob = Knob::switch("order_per_replica", "order per replica", false)
    .meaning("Each replica draws its own order of classes, permutations, angles or point sets from its seed.")
    .source("lab default: all replicas meet one order");
const SEED: Knob = Knob::whole("seed", "stream seed", "", 0, 1_000_000, 1, Scale::Linear)
    .meaning("Which samples go to which part, which order, which permutations.")
    .source("lab default");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_the_common_knobs_with_defaults_in_range() {
        for kind in Scenarios::kinds() {
            let common =
                ["tasks", "epochs", "steps", "batch", "head", "validation", "test", "order_per_replica", "seed"];
            for name in common {
                assert!(kind.knob(name).is_some(), "{} lacks {name}", kind.name);
            }
            for knob in kind.knobs {
                knob.check(&knob.default()).unwrap();
                assert!(!knob.meaning.is_empty(), "{}.{}", kind.name, knob.name);
            }
            let outline = outline(&Component::of(kind));
            assert!(outline.tasks > 1 && outline.length == Length::Epochs(5.0));
        }
    }

    #[test]
    fn steps_take_the_place_of_epochs() {
        let read = |text: &str| ron::from_str::<Component<Scenarios>>(text).unwrap();
        let steps = outline(&read("split(tasks: 2, steps: 300, seed: 4)"));
        assert_eq!(steps, Outline { tasks: 2, length: Length::Steps(300), seed: 4 });
        assert_eq!(outline(&read("rotate(angles: [0, 10, 20], tasks: 9)")).tasks, 3);
    }
}
