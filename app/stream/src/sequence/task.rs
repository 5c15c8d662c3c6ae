//! The table of sequence tasks.

use mnemoscope_core::Opt;
use rand::Rng;

use super::size::Size;
use super::vocabulary::{Needs, Tokens};
use super::writer::Sequence;
use super::{delayed_match, induction, modular, n_back, recall, rewriting, selective_copying};
use super::{serial_recall, t_maze, updating};

/// One task: what it needs, and how a sequence of it is drawn.
#[derive(Debug)]
pub(crate) struct TaskKind {
    /// As written in a file.
    pub(crate) name: &'static str,
    /// As shown in the window.
    pub(crate) label: &'static str,
    /// One sentence, with its source.
    pub(crate) meaning: &'static str,
    /// The tokens it works with.
    pub(super) needs: fn(&Size) -> Needs,
    /// Tokens of its longest sequence, without the last answer.
    pub(super) longest: fn(&Size) -> usize,
    /// What of these sizes it cannot do, and what would be right.
    pub(super) problem: fn(&Size) -> Option<String>,
    /// The words that are its answers, where each is to be the last one of as many sequences; elsewhere none.
    pub(super) even: &'static [&'static str],
    /// Where the sequences come from.
    pub(super) source: Draws,
}

/// Where the sequences of a task come from.
#[derive(Debug)]
pub(super) enum Draws {
    /// Each is drawn.
    One(fn(&Size, &Tokens, &mut dyn Rng) -> Sequence),
    /// There are only these, and so many.
    All { count: fn(&Size) -> usize, all: fn(&Size, &Tokens) -> Vec<Sequence> },
}

impl TaskKind {
    /// The task called `name`.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        TASKS.iter().find(|task| task.name == name)
    }

    /// How many sequences are drawn.
    pub(super) fn count(&self, size: &Size) -> usize {
        match self.source {
            Draws::One(_) => size.samples,
            Draws::All { count, .. } => count(size),
        }
    }

    const fn option(&self) -> Opt {
        Opt { name: self.name, label: self.label, meaning: self.meaning }
    }
}

/// All tasks, in the order in which lists show them.
pub(crate) static TASKS: [TaskKind; 10] = [
    recall::TASK,
    induction::TASK,
    selective_copying::TASK,
    rewriting::TASK,
    n_back::TASK,
    delayed_match::TASK,
    modular::TASK,
    t_maze::TASK,
    serial_recall::TASK,
    updating::TASK,
];

/// The tasks as options of a choice.
pub(super) static TASK_OPTIONS: [Opt; TASKS.len()] = {
    let mut options = [TASKS[0].option(); TASKS.len()];
    let mut task = 1;
    while task < options.len() {
        options[task] = TASKS[task].option();
        task += 1;
    }
    options
};

/// The same with none before them.
pub(crate) static TASK_OR_NONE: [Opt; TASKS.len() + 1] = {
    let none = Opt { name: "none", label: "none", meaning: "No task in this place." };
    let mut options = [none; TASKS.len() + 1];
    let mut task = 0;
    while task < TASKS.len() {
        options[task + 1] = TASKS[task].option();
        task += 1;
    }
    options
};
