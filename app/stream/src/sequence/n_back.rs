//! n-back (Kirchner 1958): is this token the one that came n before?
//!
//! Every item from the one after the first n on asks. Its answer stands behind it and does not count as an item. Each answer
//! is "same" or "other" by the toss of a coin; other items are drawn evenly from the rest. Of the last answers, those that are labels,
//! half are "same". Where there are few sequences, somewhat more than half of the others are "other": no sequence comes twice, and
//! there are fewer of those that repeat.

use rand::{Rng, RngExt as _};

use super::draw::{another, any};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "n_back",
    label: "n-back",
    meaning: "Is each item the same as the one n before it (Kirchner 1958)?",
    needs: |size| Needs { values: size.values, words: &["same", "other"], ..Needs::default() },
    longest: |size| 2 * size.items - size.back - 1,
    problem: |size| {
        (size.back >= size.items).then(|| {
            format!("{} back needs a list of {}, and it has {}; raise items", size.back, size.back + 1, size.items)
        })
    },
    even: &["same", "other"],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let mut items: Vec<u16> = Vec::with_capacity(size.items);
    for place in 0..size.items {
        let Some(before) = place.checked_sub(size.back).map(|before| items[before]) else {
            items.push(any(&tokens.values, rng));
            writer.say(items[place]);
            continue;
        };
        let same = rng.random::<bool>();
        items.push(if same { before } else { another(&tokens.values, before, rng) });
        writer.say(items[place]);
        writer.ask(tokens.word(if same { "same" } else { "other" }));
    }
    writer.finish()
}
