//! Drawing the sequences of several tasks as one data set.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use mnemoscope_core::random;
use rand::Rng;

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

/// Tokens of a data set, with padding: 256 MiB.
const MOST_IN_ALL: usize = 1 << 26;

/// Sequences of one task and one size.
#[derive(Debug, Clone)]
pub(crate) struct Lot {
    pub(crate) task: &'static TaskKind,
    pub(crate) size: Size,
}

/// The sequences of several lots, one after the other.
pub(crate) struct Drawn {
    pub(crate) data: Dataset,
    /// The rows of each lot.
    pub(crate) rows: Vec<Range<u32>>,
    /// The tokens that are an answer in each lot, ascending.
    pub(crate) answers: Vec<Vec<u16>>,
}

/// Draws `size.samples` different sequences of each lot, none of which another lot has, too: no test row is trained on, whatever the
/// task. Padded rows of one length; classes are the vocabulary.
pub(crate) fn draw(lots: &[Lot], shared: bool, seed: u64) -> Result<Drawn, SequenceError> {
    let name = if let [lot] = lots { lot.task.name } else { "sequences" };
    let length = check(lots, name)?;
    let needs: Vec<_> = lots.iter().map(|lot| (lot.task.needs)(&lot.size)).collect();
    let (names, tokens) = lay_out(&needs, shared);
    if names.len() > MOST_TOKENS {
        let problem = format!(
            "a vocabulary of {} tokens is above the limit of {MOST_TOKENS}; lower keys, values or modulus, or share them",
            names.len()
        );
        return Err(SequenceError { task: name, problem });
    }
    let (mut floats, mut labels, mut rows, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut known = HashSet::new();
    for (position, (lot, tokens)) in lots.iter().zip(&tokens).enumerate() {
        let sequences = different(lot, tokens, &mut known, random::stream(seed, lot.task.name, &[position as u64]))?;
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
    let shape = Shape::Tokens { length, vocabulary: names.len() };
    let data = Dataset::new(name.to_owned(), shape, names, Pixels::Floats(floats), labels);
    Ok(Drawn { data, rows, answers })
}

/// The length of a row, where all lots can be drawn and fit in memory.
fn check(lots: &[Lot], name: &'static str) -> Result<usize, SequenceError> {
    let (mut length, mut count) = (1, 0);
    for Lot { task, size } in lots {
        let refuse = |problem| Err(SequenceError { task: task.name, problem });
        if let Some(problem) = (task.problem)(size) {
            return refuse(problem);
        }
        let longest = (task.longest)(size);
        if longest > LONGEST {
            let fix = "lower pairs, items, queries, updates, filler, period or corridors";
            return refuse(format!("sequences of {longest} tokens are above the limit of {LONGEST}; {fix}"));
        }
        length = length.max(longest);
        count += task.count(size);
    }
    if count * length > MOST_IN_ALL {
        let problem = format!(
            "{count} rows of {length} tokens take {} MiB, above the limit of {}; lower samples, or what makes the longest task long",
            (count * length) >> 18,
            MOST_IN_ALL >> 18
        );
        return Err(SequenceError { task: name, problem });
    }
    Ok(length)
}

/// Sequences of a lot of which no two are equal and none is `known`, where they are added.
fn different(
    Lot { task, size }: &Lot,
    tokens: &Tokens,
    known: &mut HashSet<Vec<u16>>,
    mut rng: impl Rng,
) -> Result<Vec<Sequence>, SequenceError> {
    let refuse = |problem| Err(SequenceError { task: task.name, problem });
    let one = match task.source {
        Draws::One(one) => one,
        Draws::All { all, .. } => {
            let sequences = all(size, tokens);
            if !sequences.iter().all(|sequence| known.insert(sequence.tokens.clone())) {
                let problem =
                    "an earlier task has all these sequences; choose it once, or give each task tokens of its own";
                return refuse(problem.to_owned());
            }
            return Ok(sequences);
        }
    };
    let answers: Vec<u16> = task.even.iter().map(|word| tokens.word(word)).collect();
    let quota = size.samples.div_ceil(answers.len().max(1));
    let mut given = vec![0; answers.len()];
    let mut sequences = Vec::with_capacity(size.samples);
    // With half of all sequences still free, a hundred failures in a row have a chance of 1e-30.
    let mut failures = 0;
    while sequences.len() < size.samples {
        let sequence = one(size, tokens, &mut rng);
        let answer = answers.iter().position(|answer| *answer == sequence.label);
        if answer.is_some_and(|answer| given[answer] == quota) {
            continue;
        }
        if known.insert(sequence.tokens.clone()) {
            sequences.push(sequence);
            failures = 0;
            if let Some(answer) = answer {
                given[answer] += 1;
            }
            continue;
        }
        failures += 1;
        if failures > 100 {
            let (count, of) = match answer {
                Some(answer) => (given[answer], format!(" with the answer {}", task.even[answer])),
                None => (sequences.len(), String::new()),
            };
            return refuse(format!(
                "there are hardly more than {count} different sequences{of} that no earlier task has; lower samples, or raise \
                 values, items, corridors, filler or its kinds"
            ));
        }
    }
    Ok(sequences)
}

/// How many filler tokens stand before each of so many questions: each falls on one at random.
pub(super) fn scattered(filler: usize, questions: usize, rng: &mut dyn Rng) -> Vec<usize> {
    let mut before = vec![0; questions];
    for _ in 0..filler {
        before[rand::RngExt::random_range(rng, 0..questions)] += 1;
    }
    before
}

/// The places of the pairs that are asked, each once: `last` at the end, any others before it. An answer stands behind its question, so
/// a second question for the same pair would be answered in the row.
pub(super) fn questions(size: &Size, last: usize, rng: &mut dyn Rng) -> Vec<usize> {
    let mut places: Vec<usize> = rand::seq::index::sample(rng, size.pairs, size.pairs).into_vec();
    places.retain(|place| *place != last);
    places.truncate(size.queries - 1);
    places.push(last);
    places
}

/// A token of a range.
pub(super) fn any(range: &Range<u16>, rng: &mut dyn Rng) -> u16 {
    rand::RngExt::random_range(rng, range.clone())
}

/// Another token of a range of at least two.
pub(super) fn another(range: &Range<u16>, than: u16, rng: &mut dyn Rng) -> u16 {
    let token = rand::RngExt::random_range(rng, range.start..range.end - 1);
    if token < than { token } else { token + 1 }
}

/// So many different tokens of a range, in an order drawn at random.
pub(super) fn several(range: &Range<u16>, count: usize, rng: &mut dyn Rng) -> Vec<u16> {
    rand::seq::index::sample(rng, range.len(), count).into_iter().map(|at| range.start + at as u16).collect()
}
