//! Continual evaluation of one replica, step by step: min-ACC, WC-ACC, WF^w, WP^w and LCA_b.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::lca::Opening;
use crate::undefined::mean;
use crate::window::Window;
use crate::{Measured, Undefined};

/// Streaming accumulators over `A_g(n)`, the accuracy on group `g`'s fixed evaluation sample after optimiser step `n`.
///
/// Step 0 is the untrained network. A block that begins at step `s` and ends at step `e` trains in steps `s+1..=e`, and
/// the next block begins at `e`; the evaluation after step `e` serves both, as the last of the one and as step 0 of the
/// other, and may come before or after the two calls that mark the border. Evaluations may be any number of steps
/// apart; minima are over the evaluated steps.
///
/// Memory is O(w) per group and window and a few numbers per block, whatever the length of the run. Saved and read back
/// in the middle of a run, it goes on exactly as if never interrupted.
///
/// De Lange et al. 2023, "Continual evaluation for lifelong learning: identifying the stability gap"; LCA: Chaudhry et
/// al. 2019 (A-GEM).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continual {
    lca_steps: u64,
    borders: bool,
    groups: Vec<Tracked>,
    blocks: Vec<Opening>,
    /// The last evaluated step.
    now: Option<u64>,
    /// Evaluations since the first group is seen, and the most steps between two of them.
    evaluations: u64,
    spacing: u64,
}

/// What is known of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tracked {
    /// Trained by the current block, which is the last one begun.
    current: bool,
    /// Trained by some block so far.
    seen: bool,
    /// The step at which the first block that trains it ended.
    learned: Option<u64>,
    /// Accuracy at the last evaluated step.
    now: f64,
    /// Lowest accuracy at evaluated steps after `learned`.
    minimum: Option<f64>,
    windows: Vec<Window>,
}

/// Why an event does not fit the run so far. The accumulators are then unchanged.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ContinualError {
    /// A step before one already told.
    #[error("step {step} comes after step {last} was told; tell evaluations and borders in the order of their steps")]
    Order {
        /// The step given.
        step: u64,
        /// The latest step so far.
        last: u64,
    },
    /// One step, two results.
    #[error("step {step}, group {group}: evaluated twice with different accuracies; keep the evaluation sample fixed")]
    Changed {
        /// The step given.
        step: u64,
        /// The first group that differs.
        group: usize,
    },
    /// A wrong number of accuracies.
    #[error("step {step}: {given} accuracies for {groups} groups; give one for each")]
    Length {
        /// The step given.
        step: u64,
        /// Accuracies given.
        given: usize,
        /// Groups there are.
        groups: usize,
    },
    /// Not a fraction from 0 to 1.
    #[error("step {step}, group {group}: {value} is no accuracy; give a fraction from 0 to 1")]
    NotAccuracy {
        /// The step given.
        step: u64,
        /// Which group.
        group: usize,
        /// What was given.
        value: f64,
    },
    /// A block that trains a group that does not exist.
    #[error("the block at step {step} trains group {group}, but there are only {groups} groups; number them from 0")]
    NoSuchGroup {
        /// Where the block begins.
        step: u64,
        /// The group it names.
        group: usize,
        /// Groups there are.
        groups: usize,
    },
    /// A block inside a block.
    #[error("a block begins at step {step} while the one from step {open} is open; end that first")]
    StillOpen {
        /// Where the new block begins.
        step: u64,
        /// Where the open block began.
        open: u64,
    },
    /// An end without a beginning.
    #[error("a block ends at step {step}, but none is open; begin it first")]
    NotOpen {
        /// The step given.
        step: u64,
    },
    /// A border in a stream without borders.
    #[error("a border at step {step} in a stream without borders; tell only its evaluations")]
    NoBorders {
        /// The step given.
        step: u64,
    },
}

impl Continual {
    /// For this many groups, windows of `windows` optimiser steps (the usual ones are 10 and 100) and LCA over steps 0
    /// to `lca_steps` of each block (the usual one is 10).
    pub fn new(groups: usize, windows: &[u64], lca_steps: u64) -> Self {
        let group = Tracked {
            current: false,
            seen: false,
            learned: None,
            now: 0.0,
            minimum: None,
            windows: windows.iter().map(|width| Window::new(*width)).collect(),
        };
        Self {
            lca_steps,
            borders: true,
            groups: vec![group; groups],
            blocks: Vec::new(),
            now: None,
            evaluations: 0,
            spacing: 0,
        }
    }

    /// For a stream without borders: every group counts as seen from the start, blocks are not told, and what needs
    /// borders is not defined.
    pub fn without_borders(mut self) -> Self {
        self.borders = false;
        for group in &mut self.groups {
            group.seen = true;
        }
        self
    }

    /// A block that trains `groups` begins at `step`, before its first update. Block indices count from 0.
    ///
    /// # Errors
    /// A group that does not exist, a step that goes back, a block still open, or a stream without borders.
    pub fn begin_block(&mut self, step: u64, groups: &[usize]) -> Result<(), ContinualError> {
        self.check_border(step)?;
        if let Some(Opening { start, end: None, .. }) = self.blocks.last() {
            return Err(ContinualError::StillOpen { step, open: *start });
        }
        if let Some(&group) = groups.iter().find(|group| **group >= self.groups.len()) {
            return Err(ContinualError::NoSuchGroup { step, group, groups: self.groups.len() });
        }
        let evaluated = self.now == Some(step);
        if evaluated && self.evaluations == 0 && !groups.is_empty() {
            self.evaluations = 1;
        }
        for (g, group) in self.groups.iter_mut().enumerate() {
            group.current = groups.contains(&g);
            if group.current && !group.seen {
                group.seen = true;
                if evaluated {
                    group.windows.iter_mut().for_each(|window| window.observe(step, group.now));
                }
            }
        }
        self.blocks.push(Opening::new(step, groups));
        if evaluated {
            self.open_lca(step);
        }
        Ok(())
    }

    /// Takes the accuracies `[groups]` after optimiser step `step`. The same step with the same accuracies again
    /// changes nothing.
    ///
    /// # Errors
    /// A wrong number of accuracies, one that is not a fraction from 0 to 1, a step that goes back, or a step evaluated
    /// before with other results.
    pub fn observe(&mut self, step: u64, accuracies: &[f64]) -> Result<(), ContinualError> {
        if accuracies.len() != self.groups.len() {
            return Err(ContinualError::Length { step, given: accuracies.len(), groups: self.groups.len() });
        }
        if let Some(group) = accuracies.iter().position(|value| !(0.0..=1.0).contains(value)) {
            return Err(ContinualError::NotAccuracy { step, group, value: accuracies[group] });
        }
        self.check_order(step)?;
        if self.now == Some(step) {
            return match self.groups.iter().zip(accuracies).position(|(group, value)| group.now != *value) {
                Some(group) => Err(ContinualError::Changed { step, group }),
                None => Ok(()),
            };
        }
        if self.groups.iter().any(|group| group.seen) {
            if let Some(before) = self.now.filter(|_| self.evaluations > 0) {
                self.spacing = self.spacing.max(step - before);
            }
            self.evaluations += 1;
        }
        self.now = Some(step);
        for (group, &accuracy) in self.groups.iter_mut().zip(accuracies) {
            group.now = accuracy;
            if group.learned.is_some_and(|end| step > end) {
                group.minimum = Some(group.minimum.map_or(accuracy, |lowest| lowest.min(accuracy)));
            }
            if group.seen {
                group.windows.iter_mut().for_each(|window| window.observe(step, accuracy));
            }
        }
        self.open_lca(step);
        Ok(())
    }

    /// The block that is open ends at `step`, after its last update.
    ///
    /// # Errors
    /// No open block, a step that goes back, or a stream without borders.
    pub fn end_block(&mut self, step: u64) -> Result<(), ContinualError> {
        self.check_border(step)?;
        let Some(Opening { end: end @ None, .. }) = self.blocks.last_mut() else {
            return Err(ContinualError::NotOpen { step });
        };
        *end = Some(step);
        for group in self.groups.iter_mut().filter(|group| group.current) {
            group.learned.get_or_insert(step);
        }
        Ok(())
    }

    /// min-ACC: mean over the k-1 groups learned before the current block of the lowest `A_g(n)` over evaluated `n` with
    /// end of `first(g)` < n <= now. A fraction; higher is better.
    ///
    /// The current block's own groups are left out, also when they were trained before: they are the current term of
    /// [`Self::wc_acc`].
    ///
    /// # Errors
    /// A stream without borders, no group learned before the current block (k = 1), or one not evaluated since.
    pub fn min_acc(&self) -> Measured {
        self.needs_block()?;
        mean(self.minima()?, "no other group was learned before the current block")
    }

    /// WC-ACC, worst-case accuracy: `(1/k) A_current(now) + (1 - 1/k) min-ACC`; for k = 1 `A_current(now)`. A fraction;
    /// higher is better.
    ///
    /// Where a block trains several groups, each of them has its share 1/k.
    ///
    /// # Errors
    /// A stream without borders, a current block not evaluated yet, or an earlier group not evaluated since it was
    /// learned.
    pub fn wc_acc(&self) -> Measured {
        let block = self.needs_block()?;
        if self.now.is_none_or(|now| now < block.start) {
            return Err(Undefined("the current block has not been evaluated yet".to_owned()));
        }
        let current = self.groups.iter().filter(|group| group.current).map(|group| group.now);
        mean(current.chain(self.minima()?), "none of the evaluated groups is trained yet")
    }

    /// WF^w, windowed forgetting: mean over seen groups of the largest fall `A(m) - A(n)`, m < n, inside any window of
    /// `w` optimiser steps. A difference of fractions, at least 0; lower is better.
    ///
    /// A group counts from the step at which its first block begins. The group being learned counts too, with its own
    /// early noise.
    ///
    /// # Errors
    /// A window that is not kept, fewer than two evaluations, or evaluations more than w/2 steps apart.
    pub fn wf(&self, w: u64) -> Measured {
        self.windowed(w, Window::fall)
    }

    /// WP^w, windowed plasticity: the same as [`Self::wf`] for the largest rise `A(n) - A(m)`. Higher is better.
    ///
    /// # Errors
    /// As [`Self::wf`].
    pub fn wp(&self, w: u64) -> Measured {
        self.windowed(w, Window::rise)
    }

    /// LCA_b, learning curve area: mean over the blocks that have reached their step b of [`Self::lca_of`]. A fraction;
    /// higher is better.
    ///
    /// # Errors
    /// A stream without borders, no block at its step b yet, or a block whose LCA_b is not defined.
    pub fn lca(&self) -> Measured {
        self.needs_block()?;
        let training = self.blocks.iter().enumerate().filter(|(_, block)| !block.groups.is_empty());
        let reached = training.filter(|(_, block)| !block.goes_on(self.lca_steps, self.now));
        let each = reached.map(|(b, block)| block.lca(b, self.lca_steps, self.now)).collect::<Result<Vec<f64>, _>>()?;
        mean(each, &format!("no block has reached its step {} yet", self.lca_steps))
    }

    /// LCA_b of one block: mean of `A_current` over steps 0 to b of the block, step 0 before its first update.
    ///
    /// # Errors
    /// A block not begun, one that trains no evaluated group, one shorter than b steps or still in them, or a step of
    /// these that was not evaluated.
    pub fn lca_of(&self, block: usize) -> Measured {
        match self.blocks.get(block) {
            Some(opening) => opening.lca(block, self.lca_steps, self.now),
            None => Err(Undefined(format!("block {block} has not begun in this stream"))),
        }
    }

    /// The last evaluated step.
    pub fn now(&self) -> Option<u64> {
        self.now
    }

    /// The most optimiser steps between two evaluations since the first group is seen; none before the second.
    pub fn spacing(&self) -> Option<u64> {
        (self.evaluations > 1).then_some(self.spacing)
    }

    /// Gives the evaluation at `step` to the blocks that hold it: the last one, and at a border those that end there.
    fn open_lca(&mut self, step: u64) {
        for block in self.blocks.iter_mut().rev().take_while(|block| block.holds(step)) {
            block.observe(step, self.lca_steps, |g| self.groups.get(g).map(|group| group.now));
        }
    }

    /// The lowest accuracies of the seen groups that the current block does not train.
    fn minima(&self) -> Result<Vec<f64>, Undefined> {
        let others = self.groups.iter().enumerate().filter(|(_, group)| group.seen && !group.current);
        others
            .map(|(g, group)| {
                group.minimum.ok_or_else(|| {
                    Undefined(format!("group {g} has not been evaluated since the block that first trained it ended"))
                })
            })
            .collect()
    }

    fn windowed(&self, w: u64, largest: fn(&Window) -> f64) -> Measured {
        if self.evaluations < 2 {
            return Err(Undefined("there are fewer than two evaluations of a seen group".to_owned()));
        }
        if self.spacing.saturating_mul(2) > w {
            return Err(Undefined(format!(
                "evaluations are up to {} steps apart, and a window of {w} steps needs them at most {} apart",
                self.spacing,
                w as f64 / 2.0
            )));
        }
        let seen = self.groups.iter().filter(|group| group.seen);
        let each = seen.filter_map(|group| group.windows.iter().find(|window| window.width() == w).map(largest));
        mean(each, &format!("no window of {w} steps was kept during the run"))
    }

    fn needs_block(&self) -> Result<&Opening, Undefined> {
        if !self.borders {
            return Err(Undefined("the stream has no borders between tasks".to_owned()));
        }
        self.blocks.last().ok_or_else(|| Undefined("no block has begun".to_owned()))
    }

    fn check_border(&self, step: u64) -> Result<(), ContinualError> {
        if self.borders { self.check_order(step) } else { Err(ContinualError::NoBorders { step }) }
    }

    fn check_order(&self, step: u64) -> Result<(), ContinualError> {
        let border = self.blocks.last().map(|block| block.end.unwrap_or(block.start));
        match border.max(self.now) {
            Some(last) if step < last => Err(ContinualError::Order { step, last }),
            _ => Ok(()),
        }
    }
}
