//! Selective copying (Gu and Dao 2023, Mamba, section 4.1.1): items at random places among noise, to be recalled in order at the end.
//!
//! Lab form: the answers stand in the sequence, each asking for the next, where the original shows a marker in their places.

use rand::Rng;

use super::draw::{any, several};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "selective_copying",
    label: "selective copying",
    meaning: "Items scattered among noise are recalled in order (Gu and Dao 2023, Mamba).",
    needs: |size| Needs { values: size.values, noise: size.noise, words: &["recall"], ..Needs::default() },
    longest: |size| 2 * size.items + size.filler,
    problem: |_| None,
    even: &[],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let items: Vec<u16> = (0..size.items).map(|_item| any(&tokens.values, rng)).collect();
    let length = size.items + size.filler;
    let mut places = several(&(0..length as u16), size.items, rng);
    places.sort_unstable();
    let mut left = items.iter();
    for place in 0..length {
        let item = if places.contains(&(place as u16)) { left.next() } else { None };
        writer.say(item.copied().unwrap_or_else(|| any(&tokens.noise, rng)));
    }
    writer.say(tokens.word("recall"));
    for item in items {
        writer.ask(item);
    }
    writer.finish()
}
