//! What a learner is fed: host batches, the data of the block in scope, and the block's description.

use serde::{Deserialize, Serialize};

/// One training batch of all replicas, row-major on the host.
///
/// Replicas may have unequal batches: the shorter ones are padded with rows of weight 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Rows per replica, padding included; B below.
    pub rows: usize,
    /// Inputs, `[R, B, F]`.
    pub x: Vec<f32>,
    /// Labels, `[R, B]`.
    pub y: Vec<u32>,
    /// The group (a task's distribution) that each row comes from, `[R, B]`.
    pub group: Vec<u16>,
    /// Weight of each row in its replica's mean, `[R, B]`; 0 marks padding.
    pub weight: Vec<f32>,
    /// Whether each replica takes this step, `[R]`.
    pub active: Vec<bool>,
}

/// The training data of the block in scope, for methods that look at all of it.
pub trait TaskData {
    /// Samples that `replica` has in this block.
    fn len(&self, replica: usize) -> usize;

    /// Whether `replica` has none.
    fn is_empty(&self, replica: usize) -> bool {
        self.len(replica) == 0
    }

    /// The samples at `rows[replica]`, positions in `0..len(replica)`. Shorter lists are padded with weight 0.
    fn gather(&self, rows: &[Vec<u32>]) -> Batch;
}

/// Which of a stream's data a method asks for in each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scope {
    /// The block's own task.
    #[default]
    Current,
    /// All tasks so far, this one included.
    SoFar,
    /// All tasks of the stream, from the start.
    All,
}

/// One block of the stream, as the learner needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlockInfo {
    /// Position in the stream, from 0.
    pub block: usize,
    /// The group whose samples it brings.
    pub group: usize,
    /// Optimiser steps in it, of each replica, `[R]`; none where nobody asks.
    pub steps: Vec<u64>,
    /// Classes of this block's group, per replica.
    pub classes: Vec<Vec<u16>>,
    /// Classes of every group, `[replica][group]`.
    pub group_classes: Vec<Vec<Vec<u16>>>,
    /// Classes seen so far, this block included, per replica.
    pub seen: Vec<Vec<u16>>,
}
