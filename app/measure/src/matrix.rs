//! Accuracy on every group after every block.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `a[b][g]`: accuracy (a fraction in [0, 1]) on the whole test set of group `g` after block `b`. `[blocks done, groups]`.
///
/// One matrix per replica. Read from a file, it is checked as if its rows were pushed one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct AccuracyMatrix {
    groups: usize,
    rows: Vec<Vec<f64>>,
    untrained: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Raw {
    groups: usize,
    rows: Vec<Vec<f64>>,
    untrained: Option<Vec<f64>>,
}

/// Why a row does not fit the accuracy matrix.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MatrixError {
    /// Too few or too many entries.
    #[error("{place} of the accuracy matrix has {given} entries; give one for each of its {groups} groups")]
    Length {
        /// Which row.
        place: String,
        /// Entries given.
        given: usize,
        /// Entries needed.
        groups: usize,
    },
    /// Not a fraction from 0 to 1.
    #[error("{place} of the accuracy matrix, group {group}: {value} is no accuracy; give a fraction from 0 to 1")]
    NotAccuracy {
        /// Which row.
        place: String,
        /// Which column.
        group: usize,
        /// What was given.
        value: f64,
    },
}

impl AccuracyMatrix {
    /// An empty matrix for this many groups.
    pub fn new(groups: usize) -> Self {
        Self { groups, rows: Vec::new(), untrained: None }
    }

    /// Adds the accuracies `[groups]` measured after the next block.
    ///
    /// # Errors
    /// A row of another length, or an entry that is not a fraction from 0 to 1. The matrix is then unchanged.
    pub fn push_row(&mut self, row: Vec<f64>) -> Result<(), MatrixError> {
        self.check(&format!("row {}", self.rows.len()), &row)?;
        self.rows.push(row);
        Ok(())
    }

    /// Sets the accuracies `[groups]` of the untrained network, `A_g(0)`, which forward transfer is measured from.
    ///
    /// # Errors
    /// As [`Self::push_row`].
    pub fn set_untrained(&mut self, row: Vec<f64>) -> Result<(), MatrixError> {
        self.check("the untrained row", &row)?;
        self.untrained = Some(row);
        Ok(())
    }

    /// Accuracy on group `g` after block `b`; none where that block is not done or the group does not exist.
    pub fn get(&self, b: usize, g: usize) -> Option<f64> {
        self.rows.get(b)?.get(g).copied()
    }

    /// The accuracies `[groups]` after block `b`, if that block is done.
    pub fn row(&self, b: usize) -> Option<&[f64]> {
        self.rows.get(b).map(Vec::as_slice)
    }

    /// Blocks done.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Groups evaluated.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The accuracies `[groups]` of the untrained network, if they were measured.
    pub fn untrained(&self) -> Option<&[f64]> {
        self.untrained.as_deref()
    }

    fn check(&self, place: &str, row: &[f64]) -> Result<(), MatrixError> {
        if row.len() != self.groups {
            return Err(MatrixError::Length { place: place.to_owned(), given: row.len(), groups: self.groups });
        }
        match row.iter().position(|value| !(0.0..=1.0).contains(value)) {
            Some(group) => Err(MatrixError::NotAccuracy { place: place.to_owned(), group, value: row[group] }),
            None => Ok(()),
        }
    }
}

impl TryFrom<Raw> for AccuracyMatrix {
    type Error = MatrixError;

    fn try_from(raw: Raw) -> Result<Self, MatrixError> {
        let mut matrix = Self::new(raw.groups);
        for row in raw.rows {
            matrix.push_row(row)?;
        }
        if let Some(row) = raw.untrained {
            matrix.set_untrained(row)?;
        }
        Ok(matrix)
    }
}
