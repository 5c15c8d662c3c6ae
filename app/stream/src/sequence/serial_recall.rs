//! Serial recall, of the working-memory battery of Sikarwar and Zhang 2023 (S069): a list, a delay, then the list in its order.
//!
//! Lab form with tokens in place of images; items may come twice.

use rand::Rng;

use super::draw::any;
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "serial_recall",
    label: "serial recall",
    meaning: "A list is told, and after a delay recalled in its order (working-memory battery, Sikarwar and Zhang 2023).",
    needs: |size| Needs { values: size.values, noise: size.noise, words: &["recall"], ..Needs::default() },
    longest: |size| 2 * size.items + size.filler,
    problem: |_| None,
    even: &[],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let items: Vec<u16> = (0..size.items).map(|_item| any(&tokens.values, rng)).collect();
    for item in &items {
        writer.say(*item);
    }
    for _ in 0..size.filler {
        writer.say(any(&tokens.noise, rng));
    }
    writer.say(tokens.word("recall"));
    for item in items {
        writer.ask(item);
    }
    writer.finish()
}
