//! Modular arithmetic (Power et al. 2022, Grokking): `a + b =` asks for the result modulo p. There are all p² pairs, in the order of a
//! and b; the split into parts draws which of them are trained.

use super::size::Size;
use super::task::{Draws, TaskKind};
use super::vocabulary::{Needs, Tokens};
use super::writer::{Sequence, Writer};

pub(super) const TASK: TaskKind = TaskKind {
    name: "modular",
    label: "modular arithmetic",
    meaning: "All pairs of numbers below p and their sum, difference or product modulo p (Power et al. 2022, Grokking).",
    needs: |size| Needs { numbers: size.modulus, words: size.operation.words(), ..Needs::default() },
    longest: |_| 4,
    problem: |_| None,
    even: &[],
    source: Draws::All { count: |size| size.modulus * size.modulus, all },
};

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
}

impl Operation {
    /// The operation that a knob names.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "subtract" => Self::Subtract,
            "multiply" => Self::Multiply,
            _ => Self::Add,
        }
    }

    /// The result modulo p of two numbers below p.
    pub(super) fn of(self, a: usize, b: usize, p: usize) -> usize {
        match self {
            Self::Add => (a + b) % p,
            Self::Subtract => (a + p - b) % p,
            Self::Multiply => a * b % p,
        }
    }

    /// Its sign and the question.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Add => &["+", "="],
            Self::Subtract => &["−", "="],
            Self::Multiply => &["·", "="],
        }
    }
}

fn all(size: &Size, tokens: &Tokens) -> Vec<Sequence> {
    let p = size.modulus;
    let number = |n: usize| tokens.numbers.start + n as u16;
    let [sign, equals] = [0, 1].map(|word| tokens.word(size.operation.words()[word]));
    let pair = |a: usize, b: usize| {
        let mut writer = Writer::default();
        for token in [number(a), sign, number(b), equals] {
            writer.say(token);
        }
        writer.ask(number(size.operation.of(a, b, p)));
        writer.finish()
    };
    (0..p).flat_map(|a| (0..p).map(move |b| (a, b))).map(|(a, b)| pair(a, b)).collect()
}
