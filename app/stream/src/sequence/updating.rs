//! Memory updating, of the working-memory battery of Sikarwar and Zhang 2023 (S069): cells with numbers that are raised or lowered by
//! one, and at the end cells whose numbers are asked.
//!
//! Lab form: numbers go round modulo p. The last question is always for a cell that was changed, and no cell is asked
//! twice.

use rand::{Rng, RngExt as _};

use super::draw::{any, questions, scattered, several};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "updating",
    label: "memory updating",
    meaning: "Cells hold numbers that go up and down by one; what do they hold (working-memory battery, Sikarwar and Zhang 2023)?",
    needs: |size| Needs {
        keys: size.keys,
        numbers: size.modulus,
        noise: size.noise,
        words: &["+1", "−1"],
        ..Needs::default()
    },
    longest: |size| 2 * (size.pairs + size.updates) + size.filler + 2 * size.queries - 1,
    problem: |size| size.too_few("cells"),
    even: &[],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let p = size.modulus as u16;
    let number = |n: u16| tokens.numbers.start + n;
    let cells = several(&tokens.keys, size.pairs, rng);
    let mut held: Vec<u16> = cells.iter().map(|_cell| rng.random_range(0..p)).collect();
    for (cell, held) in cells.iter().zip(&held) {
        writer.say(*cell);
        writer.say(number(*held));
    }
    let mut changed = Vec::new();
    for _ in 0..size.updates {
        let place = rng.random_range(0..size.pairs);
        let up = rng.random::<bool>();
        held[place] = (held[place] + if up { 1 } else { p - 1 }) % p;
        writer.say(cells[place]);
        writer.say(tokens.word(if up { "+1" } else { "−1" }));
        changed.push(place);
    }
    let last = changed[rng.random_range(0..changed.len())];
    let places = questions(size, last, rng);
    for (place, before) in places.into_iter().zip(scattered(size.filler, size.queries, rng)) {
        for _ in 0..before {
            writer.say(any(&tokens.noise, rng));
        }
        writer.say(cells[place]);
        writer.ask(number(held[place]));
    }
    writer.finish()
}
