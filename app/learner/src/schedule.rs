//! Learning-rate schedules: the factor on the optimiser's rate at each step.

use mnemoscope_core::{Kind, Knob, Opt, Registry, Scale};

/// The schedules.
#[derive(Debug, Clone, Copy)]
pub struct Schedules;

static SPANS: [Opt; 2] = [
    Opt { name: "block", label: "Each block", meaning: "Starts anew with every task block." },
    Opt { name: "run", label: "Whole run", meaning: "Runs once from the first to the last step." },
];

static COSINE: [Knob; 2] = [
    Knob::real("floor", "Floor", "f", 0.0, 1.0, 0.0, Scale::Linear)
        .meaning("Share of the rate that is left at the end.")
        .source("η_min of Loshchilov and Hutter 2017, eq. 5")
        .live()
        .swept(),
    Knob::choice("per", "Span", &SPANS, "block")
        .meaning("What one half wave of the cosine covers.")
        .source("warm restarts: Loshchilov and Hutter 2017"),
];

static STEP: [Knob; 2] = [
    Knob::whole("every", "Every", "s", 1, 1_000_000, 1000, Scale::Log)
        .unit("steps")
        .meaning("Steps between two reductions, counted over the run.")
        .source("PyTorch StepLR")
        .live()
        .swept(),
    Knob::real("factor", "Factor", "γ", 0.0, 1.0, 0.5, Scale::Linear)
        .meaning("What the rate is multiplied with at each reduction.")
        .source("PyTorch StepLR")
        .live()
        .swept(),
];

static KINDS: [Kind; 3] = [
    Kind { name: "constant", label: "Constant", meaning: "The rate as set.", source: "none", knobs: &[] },
    Kind {
        name: "cosine",
        label: "Cosine",
        meaning: "Half a cosine wave from the full rate to the floor: f + (1 − f) (1 + cos(π t / T)) / 2.",
        source: "Loshchilov and Hutter 2017, eq. 5",
        knobs: &COSINE,
    },
    Kind {
        name: "step",
        label: "Step",
        meaning: "The rate is multiplied by γ after every s steps: γ^⌊t / s⌋.",
        source: "PyTorch StepLR",
        knobs: &STEP,
    },
];

impl Registry for Schedules {
    const NOUN: &'static str = "schedule";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
