//! Multi-query associative recall (Arora et al. 2023, Zoology, section 3.2): pairs of key and value, then keys, each of which asks for
//! its value.
//!
//! Lab form: filler stands scattered between the questions, and no key is asked twice. With a period the same few
//! keys are asked in rounds, the first at once and
//! each of the others so many tokens after the one before, so that a cache that drops what is not used lately drops what is needed
//! again.

use rand::Rng;

use super::draw::{any, scattered, several};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "recall",
    label: "associative recall",
    meaning: "Pairs of key and value, then keys whose values are asked (Arora et al. 2023, Zoology).",
    needs: |size| Needs { keys: size.keys, values: size.values, noise: size.noise, ..Needs::default() },
    longest: |size| 2 * size.pairs + 2 * size.queries - 1 + gaps(size),
    problem,
    even: &[],
    source: Draws::One(write),
};

/// Filler tokens of a sequence.
fn gaps(size: &Size) -> usize {
    if size.period == 0 { size.filler } else { (size.queries - 1) / size.recurring * pause(size) }
}

/// Filler tokens between two rounds.
fn pause(size: &Size) -> usize {
    size.period.saturating_sub(2 * size.recurring)
}

fn problem(size: &Size) -> Option<String> {
    if size.period == 0 {
        return size.too_few("pairs");
    }
    let (recurring, least) = (size.recurring, 2 * size.recurring);
    let of_rounds = || {
        if recurring > size.pairs {
            return Some(format!("{recurring} recurring keys need as many pairs; lower recurring or raise pairs"));
        }
        (size.period < least).then(|| {
            format!("{recurring} recurring keys and their values take {least} tokens; raise period to {least}")
        })
    };
    size.too_few_keys("pairs").or_else(of_rounds)
}

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let keys = several(&tokens.keys, size.pairs, rng);
    let pairs: Vec<(u16, u16)> = keys.into_iter().map(|key| (key, any(&tokens.values, rng))).collect();
    for (key, value) in &pairs {
        writer.say(*key);
        writer.say(*value);
    }
    let (order, before) = if size.period == 0 {
        let order = several(&(0..size.pairs as u16), size.pairs, rng);
        (order, scattered(size.filler, size.queries, rng))
    } else {
        let order = several(&(0..size.pairs as u16), size.recurring, rng);
        let before =
            |question: usize| if question > 0 && question.is_multiple_of(size.recurring) { pause(size) } else { 0 };
        (order, (0..size.queries).map(before).collect())
    };
    for (question, before) in before.into_iter().enumerate() {
        for _ in 0..before {
            writer.say(any(&tokens.noise, rng));
        }
        let (key, value) = pairs[usize::from(order[question % order.len()])];
        writer.say(key);
        writer.ask(value);
    }
    writer.finish()
}
