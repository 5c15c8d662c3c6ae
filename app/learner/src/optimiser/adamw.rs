//! AdamW: Adam with decoupled weight decay.

use mnemoscope_core::{Kind, Knob, Scale};

static KNOBS: [Knob; 5] = [
    Knob::real("rate", "Learning rate", "η", 1e-6, 1e3, 0.001, Scale::Log)
        .meaning("Length of a step, before the division by the gradient's root mean square.")
        .source("Kingma and Ba 2015, algorithm 1")
        .live()
        .swept(),
    Knob::real("beta1", "Memory of the mean", "β₁", 0.0, 0.9999, 0.9, Scale::Linear)
        .meaning("Decay of the running mean of gradients.")
        .source("Kingma and Ba 2015")
        .live()
        .swept(),
    Knob::real("beta2", "Memory of the square", "β₂", 0.0, 0.99999, 0.999, Scale::Linear)
        .meaning("Decay of the running mean of squared gradients.")
        .source("Kingma and Ba 2015")
        .live()
        .swept(),
    Knob::real("epsilon", "Floor", "ε", 1e-12, 1.0, 1e-8, Scale::Log)
        .meaning("Added to the root mean square before the division.")
        .source("Kingma and Ba 2015")
        .live()
        .swept(),
    Knob::real("weight_decay", "Weight decay", "w", 0.0, 1.0, 0.01, Scale::Log)
        .meaning("Decoupled decay: weights shrink by the factor 1 − η w each step, outside the loss.")
        .source("Loshchilov and Hutter 2019, algorithm 2; default of PyTorch")
        .live()
        .swept(),
];

pub(super) const KIND: Kind = Kind {
    name: "adamw",
    label: "AdamW",
    meaning: "Steps scaled by running moments of the gradient, with decoupled weight decay.",
    source: "Loshchilov and Hutter 2019",
    knobs: &KNOBS,
};
