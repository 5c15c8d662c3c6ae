//! Sequences: every task is a sequence task of its own, such as recall, then copying, then rewriting.

use std::sync::Arc;

use mnemoscope_core::{Component, Kind, Knob, Opt, random};
use rand::seq::SliceRandom as _;

use super::{BATCH, EPOCHS, HEAD, ORDER_PER_REPLICA, SEED, SIZES, STEPS, Scenarios, TEST, TRAINING, Task, VALIDATION};
use crate::dataset::Dataset;
use crate::error::StreamError;
use crate::sequence::{Drawn, Size, TASK_OR_NONE, TaskKind, draw, knobs};

const fn task(name: &'static str, label: &'static str, default: &'static str) -> Knob {
    Knob::choice(name, label, &TASK_OR_NONE, default).meaning("What is asked in this task.")
}

/// The choices of the tasks, in their order.
const CHOICES: [&str; 6] = ["task_1", "task_2", "task_3", "task_4", "task_5", "task_6"];

pub(super) const KIND: Kind = Kind {
    name: "sequences",
    label: "A sequence task per task",
    meaning: "Up to six sequence tasks, one after the other; they are drawn here, whatever the data set.",
    source: "lab form: tasks by their own sources, such as Arora et al. 2023, Zoology",
    knobs: &[
        task(CHOICES[0], "first task", "recall"),
        task(CHOICES[1], "second task", "induction"),
        task(CHOICES[2], "third task", "rewriting"),
        task(CHOICES[3], "fourth task", "none"),
        task(CHOICES[4], "fifth task", "none"),
        task(CHOICES[5], "sixth task", "none"),
        Knob::choice("tokens", "tokens", &TOKENS, "shared")
            .meaning("Whether keys, values and numbers are the same tokens in all tasks.")
            .source("lab default"),
        knobs::SAMPLES,
        knobs::KEYS,
        knobs::VALUES,
        knobs::PAIRS,
        knobs::QUERIES,
        knobs::FILLER,
        knobs::NOISE,
        knobs::PERIOD,
        knobs::RECURRING,
        knobs::UPDATES,
        knobs::ITEMS,
        knobs::BACK,
        knobs::CORRIDORS,
        knobs::CORRIDOR,
        knobs::CUE,
        knobs::MODULUS,
        knobs::OPERATION,
        SIZES,
        EPOCHS,
        STEPS,
        BATCH,
        HEAD,
        VALIDATION,
        TEST,
        TRAINING,
        ORDER_PER_REPLICA,
        SEED,
    ],
};
static TOKENS: [Opt; 2] = [
    Opt { name: "shared", label: "shared", meaning: "What a token meant in an earlier task may be in its way." },
    Opt { name: "own", label: "each task's own", meaning: "Every task has keys, values and numbers of its own." },
];

/// The tasks that were chosen.
fn chosen(scenario: &Component<Scenarios>) -> Vec<&'static TaskKind> {
    CHOICES.iter().filter_map(|knob| TaskKind::find(scenario.text(knob))).collect()
}

/// How many tasks were chosen.
pub(super) fn count(scenario: &Component<Scenarios>) -> usize {
    chosen(scenario).len()
}

fn drawn(scenario: &Component<Scenarios>) -> Result<Drawn, StreamError> {
    let tasks = chosen(scenario);
    if tasks.is_empty() {
        return Err(StreamError::NoSequenceTask);
    }
    let shared = scenario.text("tokens") == "shared";
    Ok(draw(&tasks, &Size::of(scenario), shared, scenario.real("seed") as u64)?)
}

/// The sequences of all tasks, one task after the other, and the stratum (task, label) of each.
pub(super) fn prepare(scenario: &Component<Scenarios>) -> Result<(Arc<Dataset>, Vec<u32>), StreamError> {
    let Drawn { data, rows, .. } = drawn(scenario)?;
    let strata = rows
        .into_iter()
        .enumerate()
        .flat_map(|(task, rows)| rows.map(move |row| (task, row)))
        .map(|(task, row)| (task * data.classes) as u32 + u32::from(data.labels[row as usize]))
        .collect();
    Ok((Arc::new(data), strata))
}

/// Classes of a task are all its answers, those within sequences, too.
pub(super) fn tasks(scenario: &Component<Scenarios>, seed: u64, key: &[u64]) -> Result<Vec<Task>, StreamError> {
    let kinds = chosen(scenario);
    let Drawn { rows, answers, .. } = drawn(scenario)?;
    let mut tasks: Vec<Task> = Vec::with_capacity(kinds.len());
    for (task, (rows, answers)) in rows.into_iter().zip(answers).enumerate() {
        let name = match kinds[..task].iter().filter(|earlier| earlier.name == kinds[task].name).count() {
            0 => kinds[task].label.to_owned(),
            earlier => format!("{} {}", kinds[task].label, earlier + 1),
        };
        tasks.push(Task::new(name, answers, rows));
    }
    if !key.is_empty() {
        tasks.shuffle(&mut random::stream(seed, "sequence task order", key));
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Shape;
    use crate::scenario::Rows;

    fn read(text: &str) -> Component<Scenarios> {
        ron::from_str(text).unwrap()
    }

    #[test]
    fn tasks_stand_in_the_order_of_their_choices_with_rows_of_their_own() {
        let scenario = read(
            "sequences(task_1: \"modular\", task_2: \"none\", task_3: \"recall\", task_5: \"recall\", samples: 30)",
        );
        assert_eq!(count(&scenario), 3);
        let (data, strata) = prepare(&scenario).unwrap();
        let tasks = tasks(&scenario, 1, &[]).unwrap();
        let named: Vec<_> = tasks.iter().map(|task| (task.name.as_str(), task.rows.clone())).collect();
        let wanted =
            [("modular arithmetic", 0..121), ("associative recall", 121..151), ("associative recall 2", 151..181)];
        assert_eq!(named, wanted.map(|(name, rows)| (name, Rows::Range(rows))));
        assert_eq!((data.len(), strata.len()), (181, 181));
        // Padding, 4 kinds of noise, + and =, 16 keys, 16 values, 11 numbers.
        assert_eq!(data.shape, Shape::Tokens { length: 17, vocabulary: 50 });
        assert_eq!(tasks[0].classes.len(), 11);
        assert!(
            strata[..121].iter().all(|stratum| *stratum < 50) && strata[121..151].iter().all(|s| (50..100).contains(s))
        );
    }

    #[test]
    fn tokens_of_their_own_make_answers_disjoint() {
        let answers = |tokens: &str| {
            let scenario = read(&format!("sequences(task_3: \"none\", tokens: \"{tokens}\", samples: 400)"));
            let tasks = tasks(&scenario, 1, &[]).unwrap();
            tasks[0].classes.iter().filter(|class| tasks[1].classes.contains(class)).count()
        };
        assert_eq!((answers("shared"), answers("own")), (16, 0));
    }

    #[test]
    fn a_stream_without_tasks_is_refused() {
        let none = "sequences(task_1: \"none\", task_2: \"none\", task_3: \"none\")";
        let error = prepare(&read(none)).unwrap_err().to_string();
        assert_eq!(error, "sequences: no task is chosen; set task_1 to one, such as recall");
    }
}
