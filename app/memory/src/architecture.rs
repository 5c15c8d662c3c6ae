//! Architectures: what a memory is made of.

pub(crate) mod list;
pub(crate) mod matrix;

use mnemoscope_core::{Kind, Knob, Registry, Scale};

/// The family of architectures.
#[derive(Debug, Clone, Copy)]
pub struct Architectures;

impl Registry for Architectures {
    const NOUN: &'static str = "memory architecture";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 2] = [
    Kind {
        name: "matrix",
        label: "matrix",
        meaning: "one matrix with a row per value entry and a column per key entry; all pairs lie on top of each other",
        source: "Kohonen 1972; Schlag et al. 2021, Linear Transformers Are Secretly Fast Weight Programmers",
        knobs: &[],
    },
    Kind {
        name: "key_value_list",
        label: "list of pairs",
        meaning: "every pair is kept, and a query weighs them by how near their keys are: softmax attention",
        source: "Vaswani et al. 2017; Ramsauer et al. 2021, Hopfield Networks is All You Need",
        knobs: &LIST,
    },
];

static LIST: [Knob; 2] = [
    Knob::real("inverse_temperature", "inverse temperature", "β_s", 0.1, 128.0, 8.0, Scale::Log)
        .meaning("sharpness of reading; for unit keys the largest logit")
        .source("Ramsauer et al. 2021")
        .live(),
    Knob::switch("qk_norm", "QK-norm", false)
        .meaning("keys and queries are made unit vectors for the weights, which then depend on distance alone")
        .source("Henry et al. 2020, Query-Key Normalization")
        .live(),
];
