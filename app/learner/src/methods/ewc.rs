//! Elastic weight consolidation: a quadratic penalty that holds weights which mattered before.

use mnemoscope_core::{Kind, Knob, Opt, Scale};

static FISHER: [Opt; 4] = [
    Opt {
        name: "expected",
        label: "All classes",
        meaning: "The exact diagonal Fisher information: squared gradients of log p(c), weighted by p(c), all c.",
    },
    Opt { name: "sampled", label: "Sampled", meaning: "One label per sample, drawn from the model's own prediction." },
    Opt { name: "true", label: "True labels", meaning: "The empirical Fisher: the data's labels." },
    Opt {
        name: "batch",
        label: "Squared batch gradient",
        meaning: "Squares of mini-batch mean gradients: what some tools compute; not a Fisher information.",
    },
];

static MODES: [Opt; 2] = [
    Opt { name: "separate", label: "One penalty per task", meaning: "Sum of all past tasks' penalties." },
    Opt { name: "online", label: "Online", meaning: "One penalty about the latest weights, with decayed importance." },
];

static KNOBS: [Knob; 6] = [
    Knob::real("lambda", "Strength", "λ", 0.0, 1e10, 100.0, Scale::Log)
        .meaning("Weight of the penalty; its useful range spans many decades and depends on how F is computed.")
        .source("Kirkpatrick et al. 2017, eq. 3")
        .live()
        .swept(),
    Knob::choice("fisher_labels", "Labels of F", &FISHER, "expected")
        .meaning("Where the labels come from whose log-likelihood is differentiated for F.")
        .source("Kunstner et al. 2019; van de Ven 2025"),
    Knob::choice("mode", "Penalties", &MODES, "separate")
        .meaning("Whether every past task keeps a penalty of its own.")
        .source("separate: Kirkpatrick et al. 2017; online: Schwarz et al. 2018, section 3.2"),
    Knob::real("gamma", "Decay", "γ", 0.0, 1.0, 1.0, Scale::Linear)
        .meaning("What the old importance is multiplied with at each task end; used when online.")
        .source("Schwarz et al. 2018, eq. 9")
        .live()
        .swept(),
    Knob::whole("samples", "Samples for F", "n", 0, 1_000_000, 0, Scale::Log)
        .unit("samples")
        .meaning("Samples of the ended task that F is averaged over, drawn at random; 0 takes all.")
        .source("Kirkpatrick et al. 2017")
        .live(),
    Knob::whole("fisher_batch", "Batch for F", "b", 1, 4096, 16, Scale::Log)
        .unit("samples")
        .meaning("Rows of each mean gradient; used when F is the squared batch gradient.")
        .source("Kunstner et al. 2019, section 2")
        .live(),
];

pub(super) const KIND: Kind = Kind {
    name: "ewc",
    label: "EWC",
    meaning: "Pulls each weight back to its old value in proportion to how much old predictions depend on it.",
    source: "Kirkpatrick et al. 2017, \"Overcoming catastrophic forgetting in neural networks\"",
    knobs: &KNOBS,
};
