//! Which class is taken for which.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Counts of (true class, predicted class), `[classes, classes]`, rows are true classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

#[derive(Deserialize)]
struct Raw {
    classes: usize,
    counts: Vec<u64>,
}

/// Why something cannot be counted into a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfusionError {
    /// A class that does not exist.
    #[error("class {class} cannot be counted: the confusion matrix has only {classes} classes, numbered from 0")]
    NoSuchClass {
        /// The class given.
        class: usize,
        /// Classes there are.
        classes: usize,
    },
    /// Matrices of different sizes.
    #[error("a confusion matrix of {other} classes cannot be added to one of {classes}; make both the same size")]
    Sizes {
        /// Classes of this matrix.
        classes: usize,
        /// Classes of the other.
        other: usize,
    },
    /// Counts that do not fill the square.
    #[error("a confusion matrix of {classes} classes has {given} counts; give classes x classes of them")]
    Counts {
        /// Classes claimed.
        classes: usize,
        /// Counts given.
        given: usize,
    },
}

impl Confusion {
    /// An empty matrix.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one sample of class `truth` that was taken for `predicted`.
    ///
    /// # Errors
    /// A class `>= classes`. Nothing is then counted.
    pub fn add(&mut self, truth: usize, predicted: usize) -> Result<(), ConfusionError> {
        let class = truth.max(predicted);
        if class >= self.classes {
            return Err(ConfusionError::NoSuchClass { class, classes: self.classes });
        }
        self.counts[truth * self.classes + predicted] += 1;
        Ok(())
    }

    /// Adds all counts of `other`.
    ///
    /// # Errors
    /// Another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<(), ConfusionError> {
        if other.classes != self.classes {
            return Err(ConfusionError::Sizes { classes: self.classes, other: other.classes });
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        Ok(())
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All counts, row-major `[true class, predicted class]`.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples of class `truth` taken for `predicted`; 0 for classes that do not exist.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth < self.classes && predicted < self.classes { self.counts[truth * self.classes + predicted] } else { 0 }
    }

    /// All samples counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of all samples taken for what they are; none before the first sample.
    pub fn accuracy(&self) -> Option<f64> {
        let right: u64 = (0..self.classes).map(|class| self.count(class, class)).sum();
        share(right, self.total())
    }

    /// Share of each class's samples taken for what they are, `[classes]`; none for a class without samples.
    pub fn per_class_accuracy(&self) -> Vec<Option<f64>> {
        (0..self.classes)
            .map(|class| {
                let row = &self.counts[class * self.classes..(class + 1) * self.classes];
                share(row[class], row.iter().sum())
            })
            .collect()
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl TryFrom<Raw> for Confusion {
    type Error = ConfusionError;

    fn try_from(Raw { classes, counts }: Raw) -> Result<Self, ConfusionError> {
        if classes.checked_mul(classes) == Some(counts.len()) {
            Ok(Self { classes, counts })
        } else {
            Err(ConfusionError::Counts { classes, given: counts.len() })
        }
    }
}
