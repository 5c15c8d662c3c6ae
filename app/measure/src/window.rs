//! The largest fall and the largest rise of one curve inside any window of w steps.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Windowed forgetting and plasticity of one group (De Lange et al. 2023), streaming: memory O(w), time O(1) a step.
///
/// A window is w optimiser *steps*, t-w+1..t, not w evaluations. For the fall the queue keeps what may still be the
/// highest value inside the window, for the rise what may still be the lowest: with the highest kept for both, the rise
/// of 0.5, 0.2, 0.9 would come out as 0.4 and not as 0.7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    width: u64,
    /// (step, accuracy), accuracies strictly decreasing: the front is the window's highest.
    highs: VecDeque<(u64, f64)>,
    /// (step, accuracy), accuracies strictly increasing: the front is the window's lowest.
    lows: VecDeque<(u64, f64)>,
    fall: f64,
    rise: f64,
}

impl Window {
    pub(crate) fn new(width: u64) -> Self {
        Self { width, highs: VecDeque::new(), lows: VecDeque::new(), fall: 0.0, rise: 0.0 }
    }

    /// Takes the accuracy after `step`; steps must grow.
    pub(crate) fn observe(&mut self, step: u64, accuracy: f64) {
        for queue in [&mut self.highs, &mut self.lows] {
            while queue.front().is_some_and(|(old, _)| step - old >= self.width) {
                queue.pop_front();
            }
        }
        if let Some((_, high)) = self.highs.front() {
            self.fall = self.fall.max(high - accuracy);
        }
        if let Some((_, low)) = self.lows.front() {
            self.rise = self.rise.max(accuracy - low);
        }
        while self.highs.back().is_some_and(|(_, value)| *value <= accuracy) {
            self.highs.pop_back();
        }
        self.highs.push_back((step, accuracy));
        while self.lows.back().is_some_and(|(_, value)| *value >= accuracy) {
            self.lows.pop_back();
        }
        self.lows.push_back((step, accuracy));
    }

    pub(crate) fn width(&self) -> u64 {
        self.width
    }

    /// The largest fall so far; 0 for a curve that never falls.
    pub(crate) fn fall(&self) -> f64 {
        self.fall
    }

    /// The largest rise so far; 0 for a curve that never rises.
    pub(crate) fn rise(&self) -> f64 {
        self.rise
    }
}
