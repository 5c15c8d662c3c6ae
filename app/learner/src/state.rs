//! A learner's complete state as named arrays, for checkpoints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::BlockInfo;

/// A row-major array of f32 with its shape.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The values; as many as the product of the shape.
    pub values: Vec<f32>,
}

/// Weights, optimiser moments, methods' states and knobs. Loading it into a learner made from the same plan goes on
/// with the same bits (on the CPU).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Named real arrays, such as `weights` or `ewc.importance`.
    pub reals: BTreeMap<String, Array>,
    /// Named whole numbers, such as step counts; also the bits of f64 knob values.
    pub words: BTreeMap<String, Vec<u64>>,
    /// The block under way.
    pub block: Option<BlockInfo>,
}
