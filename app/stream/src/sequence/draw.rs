//! Drawing the sequences of several tasks as one data set.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use mnemoscope_core::random;

use super::SequenceError;
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Tokens, lay_out};
use super::writer::Sequence;
use crate::dataset::{Dataset, Pixels, Shape};

/// Tokens of the longest row: what a small model still attends over in a moment.
const LONGEST: usize = 1024;
/// Outputs of a model: one per token.
const MOST_TOKENS: usize = 4096;

/// The sequences of several tasks, one task after the other.
pub(crate) struct Drawn {
    pub(crate) data: Dataset,
    /// The rows of each task.
    pub(crate) rows: Vec<Range<u32>>,
    /// The tokens that are an answer in each task, ascending.
    pub(crate) answers: Vec<Vec<u16>>,
}

/// Draws `size.samples` different sequences of each task. Padded rows of one length; classes are the vocabulary.
pub(crate) fn draw(tasks: &[&'static TaskKind], size: &Size, shared: bool, seed: u64) -> Result<Drawn, SequenceError> {
    let refuse = |task: &TaskKind, problem| SequenceError { task: task.name, problem };
    for task in tasks {
        if let Some(problem) = (task.problem)(size) {
            return Err(refuse(task, problem));
        }
        let longest = (task.longest)(size);
        if longest > LONGEST {
            let fix = "lower pairs, items, queries, updates, filler or period";
            return Err(refuse(task, format!("sequences of {longest} tokens are above the limit of {LONGEST}; {fix}")));
        }
    }
    let needs: Vec<_> = tasks.iter().map(|task| (task.needs)(size)).collect();
    let (names, tokens) = lay_out(&needs, shared);
    if names.len() > MOST_TOKENS {
        let problem = format!(
            "a vocabulary of {} tokens is above the limit of {MOST_TOKENS}; lower keys, values or modulus, or share them",
            names.len()
        );
        return Err(SequenceError { task: tasks.last().map_or("sequence", |task| task.name), problem });
    }
    let length = tasks.iter().map(|task| (task.longest)(size)).max().unwrap_or(1);
    let (mut floats, mut labels, mut rows, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (position, (task, tokens)) in tasks.iter().zip(&tokens).enumerate() {
        let sequences = different(task, size, tokens, seed, position)?;
        let start = labels.len() as u32;
        let mut answered = BTreeSet::new();
        for sequence in &sequences {
            sequence.append(length, &mut floats);
            labels.push(sequence.label);
            answered.extend(sequence.answers());
        }
        rows.push(start..labels.len() as u32);
        answers.push(answered.into_iter().collect());
    }
    let name = if let [task] = tasks { task.name } else { "sequences" };
    let shape = Shape::Tokens { length, vocabulary: names.len() };
    let data = Dataset::new(name.to_owned(), shape, names, Pixels::Floats(floats), labels);
    Ok(Drawn { data, rows, answers })
}

/// Sequences of one task of which no two are equal, so that no test row is trained on.
fn different(
    task: &TaskKind,
    size: &Size,
    tokens: &Tokens,
    seed: u64,
    position: usize,
) -> Result<Vec<Sequence>, SequenceError> {
    let one = match task.source {
        Draws::All(all) => return Ok(all(size, tokens)),
        Draws::One(one) => one,
    };
    let mut rng = random::stream(seed, task.name, &[position as u64]);
    let mut known = HashSet::with_capacity(size.samples);
    let mut sequences = Vec::with_capacity(size.samples);
    // With half of all sequences still free, a hundred failures in a row have a chance of 1e-30.
    let mut failures = 0;
    while sequences.len() < size.samples {
        let sequence = one(size, tokens, &mut rng);
        if known.insert(sequence.tokens.clone()) {
            sequences.push(sequence);
            failures = 0;
        } else {
            failures += 1;
            if failures > 100 {
                let problem = format!(
                    "there are hardly more than {} different sequences; lower samples, or raise values, items, filler or its \
                     kinds",
                    sequences.len()
                );
                return Err(SequenceError { task: task.name, problem });
            }
        }
    }
    Ok(sequences)
}

/// How many filler tokens stand before each of so many questions: each falls on one at random.
pub(super) fn scattered(filler: usize, questions: usize, rng: &mut dyn rand::Rng) -> Vec<usize> {
    let mut before = vec![0; questions];
    for _ in 0..filler {
        before[rand::RngExt::random_range(rng, 0..questions)] += 1;
    }
    before
}

/// The places of the pairs that are asked, each once: `last` at the end, any others before it. An answer stands behind its question, so
/// a second question for the same pair would be answered in the row.
pub(super) fn questions(size: &Size, last: usize, rng: &mut dyn rand::Rng) -> Vec<usize> {
    let mut places: Vec<usize> = rand::seq::index::sample(rng, size.pairs, size.pairs).into_vec();
    places.retain(|place| *place != last);
    places.truncate(size.queries - 1);
    places.push(last);
    places
}

/// A token of a range.
pub(super) fn any(range: &Range<u16>, rng: &mut dyn rand::Rng) -> u16 {
    rand::RngExt::random_range(rng, range.clone())
}

/// Another token of a range of at least two.
pub(super) fn another(range: &Range<u16>, than: u16, rng: &mut dyn rand::Rng) -> u16 {
    let token = rand::RngExt::random_range(rng, range.start..range.end - 1);
    if token < than { token } else { token + 1 }
}

/// So many different tokens of a range, in an order drawn at random.
pub(super) fn several(range: &Range<u16>, count: usize, rng: &mut dyn rand::Rng) -> Vec<u16> {
    rand::seq::index::sample(rng, range.len(), count).into_iter().map(|at| range.start + at as u16).collect()
}
