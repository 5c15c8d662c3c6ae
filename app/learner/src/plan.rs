//! Everything that shapes a learner before its first step.

use mnemoscope_core::{Component, Knobs};
use mnemoscope_memory::Composition;
use serde::{Deserialize, Serialize};

use crate::Models;

/// Which outputs a training loss may compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Head {
    /// All outputs, from the first step.
    #[default]
    All,
    /// The classes seen so far.
    Seen,
    /// For each row the classes of its own group (task-incremental learning).
    Task,
}

/// A population to be trained: R is the number of seeds.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The network.
    pub model: &'a Component<Models>,
    /// Settings of an [`Optimisers`](crate::Optimisers) kind, one value per replica where swept.
    pub optimiser: Knobs,
    /// Settings of a [`Schedules`](crate::Schedules) kind.
    pub schedule: Knobs,
    /// Settings of [`Methods`](crate::Methods) kinds; they act in this order. None is fine-tuning.
    pub methods: Vec<Knobs>,
    /// Each replica's seed, for its weights and its methods' draws. Two replicas may share one.
    pub seeds: Vec<u64>,
    /// Inputs, F.
    pub features: usize,
    /// Height, width and channels where the inputs are images, their channels innermost.
    pub image: Option<(usize, usize, usize)>,
    /// Length and vocabulary where the inputs are rows of tokens; see [`mnemoscope_core::token`].
    pub tokens: Option<(usize, usize)>,
    /// The memory that a sequence model attends with; other models have none.
    pub memory: &'a Composition,
    /// Outputs, C.
    pub classes: usize,
    /// The experiment's seed.
    pub seed: u64,
    /// Which outputs the training loss compares.
    pub head: Head,
    /// Optimiser steps of each replica in the whole run, `[R]`, for schedules over the run.
    pub total_steps: Vec<u64>,
}
