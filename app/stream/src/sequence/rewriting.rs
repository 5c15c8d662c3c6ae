//! Key rewriting: keys are bound again to new values, and the newest value counts.
//!
//! Lab form of what Schlag et al. 2021 (Linear transformers are secretly fast weight programmers, section 6.1.2) test with keys drawn
//! with replacement: a memory that only adds keeps every old value beside the new one. The last question is always for a key that was
//! bound anew, and a new value always differs from the one before. No key is asked twice: its answer would stand behind the first
//! question.

use rand::{Rng, RngExt as _};

use super::draw::{another, any, questions, scattered, several};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "rewriting",
    label: "key rewriting",
    meaning: "Keys are bound again to new values; the newest counts (lab form after Schlag et al. 2021).",
    needs: |size| Needs { keys: size.keys, values: size.values, noise: size.noise, ..Needs::default() },
    longest: |size| 2 * (size.pairs + size.updates) + size.filler + 2 * size.queries - 1,
    problem: |size| size.too_few("pairs"),
    even: &[],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let keys = several(&tokens.keys, size.pairs, rng);
    let mut values: Vec<u16> = keys.iter().map(|_key| any(&tokens.values, rng)).collect();
    for (key, value) in keys.iter().zip(&values) {
        writer.say(*key);
        writer.say(*value);
    }
    let mut anew = Vec::new();
    for _ in 0..size.updates {
        let place = rng.random_range(0..size.pairs);
        values[place] = another(&tokens.values, values[place], rng);
        writer.say(keys[place]);
        writer.say(values[place]);
        anew.push(place);
    }
    let last = anew[rng.random_range(0..anew.len())];
    let places = questions(size, last, rng);
    for (place, before) in places.into_iter().zip(scattered(size.filler, size.queries, rng)) {
        for _ in 0..before {
            writer.say(any(&tokens.noise, rng));
        }
        writer.say(keys[place]);
        writer.ask(values[place]);
    }
    writer.finish()
}
