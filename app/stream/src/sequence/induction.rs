//! Induction (Olsson et al. 2022, In-context learning and induction heads): `.. A B .. A` is followed by B.
//!
//! Lab form of their repeated random sequence: different items in random order, filler, then a stretch of the items once more, each of
//! which asks for the next.

use rand::{Rng, RngExt as _};

use super::draw::{any, several};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "induction",
    label: "induction copying",
    meaning: "A list comes again in part; each item asks for the one that followed it (Olsson et al. 2022).",
    needs: |size| Needs { values: size.values, noise: size.noise, ..Needs::default() },
    longest: |size| size.items + size.filler + size.queries,
    problem: |size| {
        let (items, values, queries) = (size.items, size.values, size.queries);
        if items > values {
            return Some(format!("{items} different items need as many values, and there are {values}; raise values"));
        }
        (queries >= items).then(|| {
            format!(
                "{queries} questions need a list of {}, and it has {items}; raise items or lower queries",
                queries + 1
            )
        })
    },
    even: &[],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let items = several(&tokens.values, size.items, rng);
    for item in &items {
        writer.say(*item);
    }
    for _ in 0..size.filler {
        writer.say(any(&tokens.noise, rng));
    }
    let start = rng.random_range(0..size.items - size.queries);
    writer.say(items[start]);
    for item in &items[start + 1..=start + size.queries] {
        writer.ask(*item);
    }
    writer.finish()
}
