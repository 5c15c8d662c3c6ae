//! From what a scenario says of a task to its rows and labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use mnemoscope_core::random;
use rand::{Rng as _, RngExt as _};

use crate::dataset::Dataset;
use crate::error::StreamError;
use crate::group::{Group, Labels};
use crate::parts::Part;
use crate::scenario::{Keep, Rows, Task};

/// Makes groups of tasks; tasks of equal rows share them.
pub(crate) struct GroupMaker<'a> {
    data: &'a Dataset,
    parts: Vec<Part>,
    seed: u64,
    /// Share of training labels that are wrong.
    noise: f64,
    known: Vec<(Task, [Arc<[u32]>; 3])>,
}

impl<'a> GroupMaker<'a> {
    /// `parts`: the part of every row of the data.
    pub(crate) fn new(data: &'a Dataset, parts: Vec<Part>, seed: u64, noise: f64) -> Self {
        Self { data, parts, seed, noise, known: Vec::new() }
    }

    pub(crate) fn group(&mut self, task: Task) -> Result<Group, StreamError> {
        let same = |other: &Task| other.rows == task.rows && other.classes == task.classes && other.keep == task.keep;
        let rows = if let Some((_, rows)) = self.known.iter().find(|(other, _)| same(other)) {
            rows.clone()
        } else {
            let mut rows = match &task.rows {
                Rows::Parts(rows) => rows.clone(),
                Rows::Range(_) => [Part::Train, Part::Validation, Part::Test].map(|part| self.rows(&task, part)),
            };
            rows[0] = self.kept(&task, &rows[0])?;
            self.known.push((task.clone(), rows.clone()));
            rows
        };
        let labels = self.labels(&task, &rows[0])?;
        let prepared = task.transform.prepare(self.data.shape);
        let classes = if task.labels.is_empty() { task.classes } else { task.labels };
        Ok(Group { name: task.name, classes, transform: task.transform, prepared, rows, labels, of_training: false })
    }

    fn rows(&self, task: &Task, part: Part) -> Arc<[u32]> {
        let Rows::Range(range) = &task.rows else { return Arc::default() };
        let belongs = |row: &u32| {
            let row = *row as usize;
            self.parts[row] == part && task.classes.contains(&self.data.labels[row])
        };
        range.clone().filter(belongs).collect()
    }

    /// The training rows that the task keeps, ascending.
    fn kept(&self, task: &Task, train: &Arc<[u32]>) -> Result<Arc<[u32]>, StreamError> {
        if task.keep == Keep::All {
            return Ok(train.clone());
        }
        let mut of_class: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        for row in train.iter() {
            of_class.entry(self.data.labels[*row as usize]).or_default().push(*row);
        }
        let mut kept = Vec::new();
        for rows in of_class.into_values() {
            let rows = self.drawn("kept", rows);
            match &task.keep {
                Keep::All => kept.extend(rows),
                Keep::Share(share) => {
                    let count = ((rows.len() as f64 * share).round() as usize).max(1);
                    kept.extend(&rows[..count.min(rows.len())]);
                }
                Keep::Shots(shots) => {
                    let too_few = || {
                        let group = task.name.clone();
                        StreamError::TooFewShots { group, samples: rows.len(), shots: shots.end }
                    };
                    kept.extend(rows.get(shots.clone()).ok_or_else(too_few)?);
                }
            }
        }
        kept.sort_unstable();
        Ok(kept.into())
    }

    /// Rows in an order drawn by the stream's seed, in which each row's place depends on the rows alone.
    fn drawn(&self, purpose: &str, mut rows: Vec<u32>) -> Vec<u32> {
        rows.sort_by_cached_key(|row| (random::stream(self.seed, purpose, &[u64::from(*row)]).next_u64(), *row));
        rows
    }

    /// The labels: as the task says, and wrong where noise is asked for. A row that several tasks train has the same
    /// wrong class in all of them.
    fn labels(&self, task: &Task, train: &Arc<[u32]>) -> Result<Labels, StreamError> {
        let mut of_class: Vec<u16> = (0..self.data.classes as u16).collect();
        for (class, label) in task.classes.iter().zip(&task.labels) {
            of_class[usize::from(*class)] = *label;
        }
        let class = |row: u32| self.data.labels[row as usize];
        let mut of_train = None;
        let wrong = (self.noise * train.len() as f64).round() as usize;
        if wrong > 0 {
            if task.classes.len() < 2 {
                return Err(StreamError::NoOtherClass { group: task.name.clone() });
            }
            let mut labels: Vec<u16> = train.iter().map(|row| of_class[usize::from(class(*row))]).collect();
            for row in &self.drawn("label noise", train.to_vec())[..wrong] {
                let others: Vec<u16> = task.classes.iter().copied().filter(|other| *other != class(*row)).collect();
                let mut rng = random::stream(self.seed, "wrong label", &[u64::from(*row)]);
                let other = others[rng.random_range(0..others.len())];
                if let Ok(index) = train.binary_search(row) {
                    labels[index] = of_class[usize::from(other)];
                }
            }
            of_train = Some(labels.into());
        }
        let of_class = (!task.labels.is_empty()).then(|| of_class.into());
        Ok(Labels { of_class, of_train })
    }
}
