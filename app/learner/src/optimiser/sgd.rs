//! Stochastic gradient descent with heavy-ball momentum and L2 weight decay.

use mnemoscope_core::{Kind, Knob, Scale};

static KNOBS: [Knob; 3] = [
    Knob::real("rate", "Learning rate", "η", 1e-6, 1e3, 0.05, Scale::Log)
        .meaning("Length of a step along the negative gradient.")
        .source("Robbins and Monro 1951")
        .live()
        .swept(),
    Knob::real("momentum", "Momentum", "μ", 0.0, 0.999, 0.0, Scale::Linear)
        .meaning("Share of the last velocity that is kept: v ← μ v + g, θ ← θ − η v.")
        .source("Polyak 1964; form of Sutskever et al. 2013 as in PyTorch")
        .live()
        .swept(),
    Knob::real("weight_decay", "Weight decay", "w", 0.0, 1.0, 0.0, Scale::Log)
        .meaning("Strength of the penalty ½ w |θ|², which is part of the loss.")
        .source("Krogh and Hertz 1991, eq. 1")
        .live()
        .swept(),
];

pub(super) const KIND: Kind = Kind {
    name: "sgd",
    label: "SGD",
    meaning: "Steps along the negative gradient of the batch, with optional momentum.",
    source: "Robbins and Monro 1951; Polyak 1964",
    knobs: &KNOBS,
};
