//! Learning without forgetting: the network before the task teaches the old outputs on the new inputs.

use mnemoscope_core::{Kind, Knob, Scale};

static KNOBS: [Knob; 2] = [
    Knob::real("weight", "Strength", "β", 0.0, 1e3, 1.0, Scale::Log)
        .meaning("Weight of the distillation term.")
        .source("λ_o of Li and Hoiem 2016, fig. 3")
        .live()
        .swept(),
    Knob::real("temperature", "Temperature", "T", 0.1, 20.0, 2.0, Scale::Log)
        .meaning("Softens both predictions; the term carries T² so that its gradients keep their size.")
        .source("Hinton et al. 2015; T = 2: Li and Hoiem 2016")
        .live()
        .swept(),
];

pub(super) const KIND: Kind = Kind {
    name: "lwf",
    label: "LwF",
    meaning: "Keeps the old outputs on the new inputs close to what the network said before the task.",
    source: "Li and Hoiem 2016, \"Learning without Forgetting\"",
    knobs: &KNOBS,
};
