//! Delayed match to sample (Blough 1959): a sample, a delay, a probe; is the probe the sample?
//!
//! In half of the sequences it is.

use rand::{Rng, RngExt as _};

use super::draw::{another, any};
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "delayed_match",
    label: "delayed match to sample",
    meaning: "A sample, filler as delay, and a probe: is it the sample (Blough 1959)?",
    needs: |size| Needs { values: size.values, noise: size.noise, words: &["same", "other"], ..Needs::default() },
    longest: |size| size.filler + 2,
    problem: |_| None,
    even: &["same", "other"],
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let sample = any(&tokens.values, rng);
    writer.say(sample);
    for _ in 0..size.filler {
        writer.say(any(&tokens.noise, rng));
    }
    let same = rng.random::<bool>();
    writer.say(if same { sample } else { another(&tokens.values, sample, rng) });
    writer.ask(tokens.word(if same { "same" } else { "other" }));
    writer.finish()
}
