//! The entries of a stream: which group is trained, and for how long.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::share::Share;

/// How long a block lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Length {
    /// Passes over the training data in scope; a fraction is a part of a pass. In a block that mixes other groups in, a
    /// pass is one over the block's own group.
    Epochs(f64),
    /// Optimiser steps.
    Steps(u64),
}

impl Length {
    /// The length in optimiser steps, where one epoch has `per_epoch` of them; at least 1.
    pub fn steps(self, per_epoch: u64) -> u64 {
        match self {
            Self::Epochs(epochs) => ((epochs * per_epoch as f64).round() as u64).max(1),
            Self::Steps(steps) => steps,
        }
    }

    /// What is wrong with the length, if anything.
    pub(crate) fn problem(self) -> Option<String> {
        match self {
            Self::Epochs(epochs) if !(epochs.is_finite() && epochs > 0.0 && epochs <= 1e6) => {
                Some(format!("Epochs({epochs}) must be above 0 and at most 1000000"))
            }
            Self::Steps(steps) if steps == 0 || steps > 1_000_000_000_000 => {
                Some(format!("Steps({steps}) must be 1 to 1000000000000"))
            }
            _ => None,
        }
    }
}

/// One entry of a stream, written `(group: 0, length: Epochs(5.0))`. A group that stands in several blocks re-occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The group that is trained, counted from 0.
    pub group: usize,
    /// For how long.
    pub length: Length,
    /// Other groups that are mixed in; the block's own group has the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Share>,
}

impl Block {
    /// A block of one group alone.
    pub fn plain(group: usize, length: Length) -> Self {
        Self { group, length, with: Vec::new() }
    }

    /// Its own group, then those that it mixes in.
    pub fn groups(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.group).chain(self.with.iter().map(|share| share.group))
    }
}

/// Whose training data a block trains on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The block's own group: fine-tuning.
    Current,
    /// Every group of the blocks so far: cumulative training.
    SoFar,
    /// Every group of all blocks: joint training.
    All,
}

impl Scope {
    /// The groups in scope, each once, in the order in which the stream first meets them.
    pub(crate) fn groups(self, blocks: &[Block], block: usize) -> Vec<usize> {
        let mut groups = Vec::new();
        for group in blocks[self.range(blocks.len(), block)].iter().flat_map(Block::groups) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// The blocks in scope.
    pub(crate) fn range(self, blocks: usize, block: usize) -> Range<usize> {
        match self {
            Self::Current => block..block + 1,
            Self::SoFar => 0..block + 1,
            Self::All => 0..blocks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::{Curve, Pool};

    #[test]
    fn the_file_form_is_short_and_strict() {
        let block: Block = ron::from_str("(group: 2, length: Epochs(5.0))").unwrap();
        assert_eq!(block, Block::plain(2, Length::Epochs(5.0)));
        assert_eq!(ron::to_string(&block).unwrap(), "(group:2,length:Epochs(5.0))");
        let text = "(group: 2, length: Steps(7), with: [(group: 0, from: 0.5, to: 0.5), (group: 1, from: 0.0, to: 0.25, \
                    curve: Sigmoid, pool: PerOwn(1.5))])";
        let mixed: Block = ron::from_str(text).unwrap();
        assert_eq!(mixed.groups().collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(mixed.with[0], Share::even(0, 0.5));
        assert_eq!((mixed.with[1].curve, mixed.with[1].pool), (Curve::Sigmoid, Pool::PerOwn(1.5)));
        assert_eq!(ron::from_str::<Block>(&ron::to_string(&mixed).unwrap()).unwrap(), mixed);
        assert!(ron::from_str::<Block>("(group: 2, length: Steps(7), colour: 1)").is_err());
    }

    #[test]
    fn lengths_in_steps() {
        assert_eq!(Length::Epochs(5.0).steps(63), 315);
        assert_eq!(Length::Epochs(0.5).steps(63), 32);
        assert_eq!(Length::Epochs(0.001).steps(63), 1);
        assert_eq!(Length::Steps(9).steps(63), 9);
        for bad in [Length::Epochs(0.0), Length::Epochs(-1.0), Length::Epochs(f64::NAN), Length::Steps(0)] {
            assert!(bad.problem().is_some(), "{bad:?}");
        }
        assert_eq!(Length::Epochs(1.5).problem(), None);
    }

    #[test]
    fn scope_counts_a_recurring_group_once() {
        let mut blocks = [2, 0, 2, 1].map(|group| Block::plain(group, Length::Steps(1)));
        assert_eq!(Scope::Current.groups(&blocks, 2), [2]);
        assert_eq!(Scope::SoFar.groups(&blocks, 0), [2]);
        assert_eq!(Scope::SoFar.groups(&blocks, 2), [2, 0]);
        assert_eq!(Scope::All.groups(&blocks, 0), [2, 0, 1]);
        blocks[1].with.push(Share::even(5, 0.1));
        assert_eq!(Scope::Current.groups(&blocks, 1), [0, 5], "groups that are mixed in are in scope");
        assert_eq!(Scope::SoFar.groups(&blocks, 2), [2, 0, 5]);
    }
}
