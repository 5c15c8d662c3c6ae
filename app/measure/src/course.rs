//! Which block of a stream trains which groups.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{AccuracyMatrix, Undefined};

/// The blocks of a stream in order, each with the groups that it trains; a group may come back in a later block.
///
/// A block that trains none of the evaluated groups is allowed: above 50 groups only some of them are evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Course {
    block_groups: Vec<Vec<usize>>,
    groups: usize,
    borders: bool,
}

#[derive(Deserialize)]
struct Raw {
    block_groups: Vec<Vec<usize>>,
    groups: usize,
    borders: bool,
}

/// Why a list of blocks is not a course.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CourseError {
    /// A block names a group that does not exist.
    #[error("block {block} trains group {group}, but there are only {groups} groups; number them from 0")]
    NoSuchGroup {
        /// Which block.
        block: usize,
        /// The group it names.
        group: usize,
        /// Groups there are.
        groups: usize,
    },
}

impl Course {
    /// A course through `groups` groups: `block_groups[b]` lists the groups that block `b` trains (usually one).
    ///
    /// # Errors
    /// A block that names a group `>= groups`.
    pub fn new(block_groups: Vec<Vec<usize>>, groups: usize) -> Result<Self, CourseError> {
        for (block, trained) in block_groups.iter().enumerate() {
            if let Some(&group) = trained.iter().find(|group| **group >= groups) {
                return Err(CourseError::NoSuchGroup { block, group, groups });
            }
        }
        Ok(Self { block_groups, groups, borders: true })
    }

    /// The plain stream of `tasks` tasks: block `j` trains group `j` and nothing else.
    pub fn plain(tasks: usize) -> Self {
        Self { block_groups: (0..tasks).map(|task| vec![task]).collect(), groups: tasks, borders: true }
    }

    /// The same course as a stream without borders: the learner never stands at a task's end, so metrics that need
    /// task ends are not defined. Blocks are then only the points where the matrix got a row.
    pub fn without_borders(self) -> Self {
        Self { borders: false, ..self }
    }

    /// The first `blocks` blocks alone, which is what a run stopped after them has been through.
    pub fn up_to(&self, blocks: usize) -> Self {
        Self { block_groups: self.block_groups.iter().take(blocks).cloned().collect(), ..*self }
    }

    /// Number of blocks, B.
    pub fn blocks(&self) -> usize {
        self.block_groups.len()
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether the stream has borders between its tasks.
    pub fn borders(&self) -> bool {
        self.borders
    }

    /// The groups that block `b` trains; none for a block that does not exist.
    pub fn trained(&self, b: usize) -> &[usize] {
        self.block_groups.get(b).map_or(&[], Vec::as_slice)
    }

    /// The first block that trains group `g`, if one does.
    pub fn first(&self, g: usize) -> Option<usize> {
        self.block_groups.iter().position(|trained| trained.contains(&g))
    }

    /// The last block that trains group `g`, if one does.
    pub fn last(&self, g: usize) -> Option<usize> {
        self.block_groups.iter().rposition(|trained| trained.contains(&g))
    }

    /// The groups that some block up to and with `b` trains, ascending: the groups seen by block `b`.
    pub fn seen(&self, b: usize) -> Vec<usize> {
        (0..self.groups).filter(|g| self.first(*g).is_some_and(|first| first <= b)).collect()
    }

    /// Fails where the stream has no borders.
    pub(crate) fn needs_borders(&self) -> Result<(), Undefined> {
        if self.borders {
            Ok(())
        } else {
            Err(Undefined("the stream has no borders between tasks, so no task has an end to measure at".to_owned()))
        }
    }

    /// The last row, `a[B-1]`, of a matrix that is complete for this course.
    pub(crate) fn last_row<'a>(&self, matrix: &'a AccuracyMatrix) -> Result<&'a [f64], Undefined> {
        let (rows, blocks) = (matrix.rows(), self.blocks());
        if matrix.groups() != self.groups {
            return Err(Undefined(format!(
                "the accuracy matrix has {} groups and the stream {}",
                matrix.groups(),
                self.groups
            )));
        }
        if self.borders && rows < blocks {
            return Err(Undefined(format!("only {rows} of {blocks} blocks are done")));
        }
        if self.borders && rows > blocks {
            return Err(Undefined(format!("the accuracy matrix has {rows} rows and the stream only {blocks} blocks")));
        }
        rows.checked_sub(1).and_then(|last| matrix.row(last)).ok_or_else(|| Undefined("no block is done".to_owned()))
    }

    /// [`Self::last_row`] of a stream with borders.
    pub(crate) fn last_row_with_borders<'a>(&self, matrix: &'a AccuracyMatrix) -> Result<&'a [f64], Undefined> {
        self.needs_borders()?;
        self.last_row(matrix)
    }
}

impl TryFrom<Raw> for Course {
    type Error = CourseError;

    fn try_from(raw: Raw) -> Result<Self, CourseError> {
        let course = Self::new(raw.block_groups, raw.groups)?;
        Ok(if raw.borders { course } else { course.without_borders() })
    }
}
