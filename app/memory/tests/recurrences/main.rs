//! Every known memory against the recurrence of its paper, worked out here in f64 from the formula, on small tensors.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

mod cached;
mod deep;
mod gradients;
mod lists;
mod pair;
mod squares;
mod stores;
