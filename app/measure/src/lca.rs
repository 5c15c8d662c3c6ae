//! LCA_b: the area under the learning curve of a block's first steps.

use serde::{Deserialize, Serialize};

use crate::undefined::average;
use crate::{Measured, Undefined};

/// The first steps of one block (Chaudhry et al. 2019, A-GEM), streaming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
    /// The evaluated groups that the block trains.
    pub(crate) groups: Vec<usize>,
    /// Sum of these groups' mean accuracy over steps `0..next` of the block, all of them evaluated.
    sum: f64,
    next: u64,
}

impl Opening {
    pub(crate) fn new(start: u64, groups: &[usize]) -> Self {
        Self { start, end: None, groups: groups.to_vec(), sum: 0.0, next: 0 }
    }

    /// Whether the evaluation after `step` is one of this block's: its last is also step 0 of the next.
    pub(crate) fn holds(&self, step: u64) -> bool {
        self.start <= step && self.end.is_none_or(|end| step <= end)
    }

    /// Takes the evaluation after `step`, if it is the next of the steps 0 to `b`.
    pub(crate) fn observe(&mut self, step: u64, b: u64, accuracy: impl Fn(usize) -> Option<f64>) {
        if self.next > b || step != self.start + self.next {
            return;
        }
        if let Some(current) = average(self.groups.iter().filter_map(|g| accuracy(*g))) {
            self.sum += current;
            self.next += 1;
        }
    }

    /// Whether the block may still get all of its steps 0 to `b`, having been evaluated up to `now`.
    pub(crate) fn goes_on(&self, b: u64, now: Option<u64>) -> bool {
        // Steps `0..next` are evaluated, so an evaluation at `next` or later left one out.
        let missed = now.is_some_and(|now| now >= self.start && now - self.start >= self.next);
        self.end.is_none() && self.next <= b && !missed
    }

    /// The mean over steps 0 to `b`; `block` is its index, for the reason where there is none.
    pub(crate) fn lca(&self, block: usize, b: u64, now: Option<u64>) -> Measured {
        if self.groups.is_empty() {
            return Err(Undefined(format!("block {block} trains none of the evaluated groups")));
        }
        if self.next > b {
            return Ok(self.sum / self.next as f64);
        }
        if self.goes_on(b, now) {
            return Err(Undefined(format!("block {block} has not reached its step {b} yet")));
        }
        match self.end.map(|end| end - self.start) {
            Some(length) if length < b => {
                Err(Undefined(format!("block {block} has only {length} steps, and {b} are needed")))
            }
            _ => Err(Undefined(format!(
                "block {block} was not evaluated at its step {}; evaluate at each of its steps 0 to {b}",
                self.next
            ))),
        }
    }
}
