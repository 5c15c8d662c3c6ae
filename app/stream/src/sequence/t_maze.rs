//! The endless T-maze of "Memory retention is not enough to master memory tasks in reinforcement learning" (S117), supervised: corridors
//! with a junction at the end of each, cues that tell the turn, a new cue in place of the old. Which way at the last junction?
//!
//! Lab form: a corridor after the first has a new cue with probability p, so that 0 asks for retention alone and 1 for rewriting alone.
//! Only the last junction asks: an answer at an earlier one would show the turn again. Walls are drawn from the kinds of filler.

use rand::{Rng, RngExt as _};

use super::draw::any;
use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

/// Cues and turns, left and right.
const CUES: [&str; 2] = ["cue left", "cue right"];
const TURNS: [&str; 2] = ["left", "right"];

pub(super) const TASK: TaskKind = TaskKind {
    name: "t_maze",
    label: "endless T-maze",
    meaning: "Corridors with cues, some of them new; the newest tells the turn at the last junction (S117, supervised).",
    needs: |size| Needs {
        noise: size.noise,
        words: &["cue left", "cue right", "junction", "left", "right"],
        ..Needs::default()
    },
    longest: |size| size.corridors * (size.corridor + 2),
    problem: |_| None,
    even: &TURNS,
    source: Draws::One(write),
};

fn write(size: &Size, tokens: &Tokens, rng: &mut dyn Rng) -> Sequence {
    let mut writer = Writer::default();
    let mut turn = 0;
    for corridor in 0..size.corridors {
        if corridor == 0 || rng.random::<f64>() < size.cue {
            turn = usize::from(rng.random::<bool>());
            writer.say(tokens.word(CUES[turn]));
        } else {
            writer.say(any(&tokens.noise, rng));
        }
        for _ in 0..rng.random_range(1..=size.corridor) {
            writer.say(any(&tokens.noise, rng));
        }
        writer.say(tokens.word("junction"));
    }
    writer.ask(tokens.word(TURNS[turn]));
    writer.finish()
}
