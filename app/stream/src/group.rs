//! What is trained and evaluated: a task's distribution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::parts::Part;
use crate::transform::{Prepared, Transform};

/// A task's distribution, for one replica. It may be trained in several blocks.
#[derive(Debug, Clone)]
pub struct Group {
    /// As shown in plots, such as "digits 0, 1" or "40°".
    pub name: String,
    /// The labels that occur, in the order of the stream.
    pub classes: Vec<u16>,
    /// What happens to the features.
    pub transform: Transform,
    pub(crate) prepared: Prepared,
    pub(crate) rows: [Arc<[u32]>; 3],
    pub(crate) labels: Labels,
    /// Whether its samples, of every part, are the training samples of another group.
    pub(crate) of_training: bool,
}

/// How a group labels its samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels {
    /// The label of each class of the data, where it is another.
    pub(crate) of_class: Option<Arc<[u16]>>,
    /// The label of each training sample, where some are wrong on purpose.
    pub(crate) of_train: Option<Arc<[u16]>>,
}

impl Group {
    /// The label of a sample of a part, whose class in the data is `class`.
    pub(crate) fn label(&self, part: Part, index: usize, class: u16) -> u16 {
        let trained = part == Part::Train || self.of_training;
        match (trained, &self.labels.of_train, &self.labels.of_class) {
            (true, Some(labels), _) => labels[index],
            (.., Some(labels)) => labels[usize::from(class)],
            _ => class,
        }
    }

    /// A group that is only looked at: its validation and test samples are the training samples of this one.
    pub(crate) fn of_training(&self) -> Self {
        let train = self.rows[0].clone();
        let rows = [Arc::default(), train.clone(), train];
        Self { name: format!("{}, training", self.name), rows, of_training: true, ..self.clone() }
    }

    /// Whether it is looked at only to see how another group's training samples are answered.
    pub fn watches_training(&self) -> bool {
        self.of_training
    }

    /// Rows of the data set that make up the part, ascending. Without a validation part, validation means test.
    pub fn rows(&self, part: Part) -> &[u32] {
        let [train, validation, test] = &self.rows;
        match part {
            Part::Train => train,
            Part::Validation if validation.is_empty() => test,
            Part::Validation => validation,
            Part::Test => test,
        }
    }
}

/// Which outputs compete: a mask in training, the candidate set in evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Head {
    /// All outputs.
    All,
    /// The classes seen so far: class-incremental.
    Seen,
    /// The task's own classes: task-incremental; whoever evaluates knows the task.
    Task,
}

impl Head {
    pub(crate) fn find(name: &str) -> Option<Self> {
        [("all", Self::All), ("seen", Self::Seen), ("task", Self::Task)]
            .into_iter()
            .find_map(|(known, head)| (known == name).then_some(head))
    }
}
