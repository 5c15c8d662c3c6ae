//! Learning rules: how a write lowers the inner objective.

use mnemoscope_core::{Component, Kind, Knob, Opt, Registry, Scale};

/// The family of learning rules.
#[derive(Debug, Clone, Copy)]
pub struct Rules;

impl Registry for Rules {
    const NOUN: &'static str = "learning rule";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 6] = [
    Kind {
        name: "outer_product",
        label: "outer product",
        meaning: "one product of value and key is added, whatever is stored: Hebb's rule",
        source: "Kohonen 1972; Katharopoulos et al. 2020, linear attention",
        knobs: &[],
    },
    Kind {
        name: "gradient_step",
        label: "gradient step",
        meaning: "one step down the inner objective; with squared error the delta rule",
        source: "Widrow and Hoff 1960; Schlag et al. 2021; Yang et al. 2024",
        knobs: &GRADIENT,
    },
    Kind {
        name: "momentum",
        label: "momentum",
        meaning: "surprise is carried on from write to write; decay acts on the memory, not on the surprise",
        source: "Behrouz et al. 2025, Titans",
        knobs: &MOMENTUM,
    },
    Kind {
        name: "several_steps",
        label: "several steps",
        meaning: "several gradient steps on each pair, after the retention acted once",
        source: "lab form: as DeltaProduct (Siems et al. 2025), with one key for all steps",
        knobs: &SEVERAL,
    },
    Kind {
        name: "least_squares",
        label: "least squares",
        meaning: "the memory is always the best one for all pairs so far: recursive least squares, exact after every \
                  write or after every chunk",
        source: "Plackett 1950; von Oswald et al. 2023, Mesa; Wang et al. 2025, test-time regression",
        knobs: &LEAST_SQUARES,
    },
    Kind {
        name: "local_regression",
        label: "local regression",
        meaning: "the pairs are kept, and each query fits them anew, the near ones with more weight: a constant \
                  (softmax attention) or a line",
        source: "Nadaraya 1964; Watson 1964; Wang et al. 2025, test-time regression",
        knobs: &LOCAL,
    },
];

/// The step of a memory that is a distribution is multiplicative, and needs to be much larger than 2.
const fn beta(max: f64, scale: Scale) -> Knob {
    Knob::real("beta", "write strength", "β", 0.0, max, 1.0, scale)
        .meaning("step size: for unit keys and squared error the part of the error that one step removes")
        .source("Yang et al. 2024, Parallelizing Linear Transformers with the Delta Rule")
        .live()
}

static PLACES: [Opt; 2] = [
    Opt {
        name: "decayed",
        label: "after forgetting",
        meaning: "the error of the decayed memory is corrected (gated delta rule)",
    },
    Opt {
        name: "before",
        label: "before forgetting",
        meaning: "the error of the memory as it stands is corrected (Titans, Moneta, Yaad)",
    },
];

static GRADIENT: [Knob; 2] = [
    beta(128.0, Scale::Log),
    Knob::choice("error_at", "error taken", &PLACES, "decayed")
        .meaning("whose error is corrected; the same without a retention")
        .source("Yang et al. 2025, Gated Delta Networks; Behrouz et al. 2025, Miras")
        .live(),
];

static MOMENTUM: [Knob; 2] = [
    Knob::real("theta", "step size", "θ", 0.0, 2.0, 0.5, Scale::Linear)
        .meaning("weight of the new gradient in the surprise")
        .source("Behrouz et al. 2025, Titans")
        .live(),
    Knob::real("eta", "momentum", "η", 0.0, 0.99, 0.5, Scale::Linear)
        .meaning("part of the past surprise that goes on")
        .source("Behrouz et al. 2025, Titans")
        .live(),
];

static SEVERAL: [Knob; 2] = [
    Knob::whole("steps", "steps", "m", 1, 16, 4, Scale::Log).meaning("gradient steps on each pair").live(),
    beta(2.0, Scale::Linear),
];

static LEAST_SQUARES: [Knob; 3] = [
    Knob::real("ridge", "ridge", "λ", 1e-6, 10.0, 1e-3, Scale::Log)
        .meaning("weight of a small memory against a right one; it does not fade as the pairs do")
        .live(),
    Knob::real("forgetting", "forgetting factor", "μ", 0.5, 1.0, 1.0, Scale::Linear)
        .meaning("weight of a pair relative to the next one")
        .live(),
    Knob::whole("chunk", "chunk", "", 1, 64, 1, Scale::Log)
        .unit("pairs")
        .meaning("writes between two solutions; 1 solves after each")
        .live(),
];

static ORDERS: [Opt; 2] = [
    Opt { name: "constant", label: "constant", meaning: "the weighted mean of the values: softmax attention" },
    Opt { name: "linear", label: "linear", meaning: "a weighted fit of a + B (k − q), answered by a" },
];

static LOCAL: [Knob; 2] = [
    Knob::choice("order", "order", &ORDERS, "constant").meaning("what is fitted around each query").live(),
    Knob::real("ridge", "ridge", "λ", 1e-6, 10.0, 1e-2, Scale::Log)
        .meaning("weight of a flat fit against a close one: B is kept small, a is free")
        .when("order", "linear")
        .live(),
];

/// A rule of gradient steps with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    Gradient { beta: f32, at_decayed: bool },
    Momentum { theta: f32, eta: f32 },
    Several { steps: usize, beta: f32 },
}

impl Step {
    pub(crate) fn of(rule: &Component<Rules>) -> Self {
        let real = |name: &str| rule.real(name) as f32;
        match rule.name() {
            "gradient_step" => Self::Gradient { beta: real("beta"), at_decayed: rule.text("error_at") == "decayed" },
            "momentum" => Self::Momentum { theta: real("theta"), eta: real("eta") },
            "several_steps" => Self::Several { steps: rule.whole("steps"), beta: real("beta") },
            _ => Self::Gradient { beta: 1.0, at_decayed: true },
        }
    }
}
