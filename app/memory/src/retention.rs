//! Retention: what a memory keeps of itself at each write (Behrouz et al. 2025, Miras: the retention gate).

use mnemoscope_core::{Component, Kind, Knob, Opt, Registry, Scale};

use crate::bias::softmax;

/// The family of retentions.
#[derive(Debug, Clone, Copy)]
pub struct Retentions;

impl Registry for Retentions {
    const NOUN: &'static str = "retention";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 6] = [
    Kind { name: "none", label: "none", meaning: "everything stays until it is written over", source: "", knobs: &[] },
    Kind {
        name: "decay",
        label: "decay",
        meaning: "one factor on everything older at each write; in a list of pairs age times log γ is added to the \
                  logit",
        source: "Sun et al. 2023, Retentive Network; Press et al. 2022, ALiBi",
        knobs: &DECAY,
    },
    Kind {
        name: "gate",
        label: "gate per channel",
        meaning: "each key channel fades at a rate of its own, from the low to the high one, with forgetting rates in \
                  equal ratios; a sequence model learns them",
        source: "Yang et al. 2024, Gated Linear Attention; the fixed ladder of rates is the lab's",
        knobs: &GATE,
    },
    Kind {
        name: "shrinkage",
        label: "shrinkage",
        meaning: "the whole memory is scaled down as its L_q norm grows (L_q), or small cells are set to zero (elastic \
                  net)",
        source: "Behrouz et al. 2025, Miras: Moneta; elastic net",
        knobs: &SHRINKAGE,
    },
    Kind {
        name: "kl",
        label: "KL",
        meaning: "the memory is a distribution: each key channel spreads a fixed mass over the value's entries, and a \
                  write moves it as little as KL allows",
        source: "Behrouz et al. 2025, Miras: Memora; a distribution per column is the lab's choice",
        knobs: &KL,
    },
    Kind {
        name: "bounded_cache",
        label: "bounded cache",
        meaning: "a list keeps at most so many pairs; the rest is evicted by rule",
        source: "Xiao et al. 2023, StreamingLLM; Zhang et al. 2023, H2O",
        knobs: &CACHE,
    },
];

const fn gamma(default: f64) -> Knob {
    Knob::real("gamma", "decay", "γ", 0.5, 1.0, default, Scale::Linear)
        .meaning("factor on everything older at each write")
        .live()
}

static DECAY: [Knob; 1] = [gamma(0.95)];

static GATE: [Knob; 2] = [
    Knob::real("low", "lowest rate", "α₁", 0.0, 0.9999, 0.8, Scale::Linear)
        .meaning("factor of the channel that forgets fastest")
        .live(),
    Knob::real("high", "highest rate", "α_d", 0.0, 0.9999, 0.999, Scale::Linear)
        .meaning("factor of the channel that forgets slowest")
        .live(),
];

static FORMS: [Opt; 2] = [
    Opt { name: "lq", label: "L_q", meaning: "A ← γ A − β ∇ℓ(S), S = A / max(|A|_q, ε)^(q−2)" },
    Opt {
        name: "elastic_net", label: "elastic net", meaning: "S ← soft(γ S − β ∇ℓ(S), θ): cells below θ become 0"
    },
];

static SHRINKAGE: [Knob; 5] = [
    Knob::choice("form", "form", &FORMS, "lq").meaning("what shrinks").live(),
    gamma(1.0),
    Knob::real("q", "q", "q", 2.0, 8.0, 4.0, Scale::Linear)
        .meaning("norm that is kept small; 2 changes nothing")
        .source("Behrouz et al. 2025, Moneta: q = 4")
        .when("form", "lq")
        .live(),
    Knob::real("floor", "floor of the norm", "ε", 1e-3, 10.0, 1.0, Scale::Log)
        .meaning(
            "a smaller norm counts as this one: near an empty memory the paper's normaliser, which has no floor, \
                  blows up",
        )
        .when("form", "lq")
        .live(),
    Knob::real("threshold", "threshold", "θ", 0.0, 0.1, 0.001, Scale::Log)
        .meaning("amount that every cell is moved towards 0 at each write")
        .when("form", "elastic_net")
        .live(),
];

static KL: [Knob; 2] = [
    gamma(1.0),
    Knob::real("mass", "mass", "c", 0.1, 100.0, 1.0, Scale::Log)
        .meaning("sum of each column of the memory")
        .source("Behrouz et al. 2025, Memora")
        .live(),
];

static EVICTIONS: [Opt; 3] = [
    Opt { name: "oldest", label: "oldest", meaning: "a sliding window: the oldest pair goes" },
    Opt { name: "sinks", label: "oldest but the first four", meaning: "a sliding window beside four sinks" },
    Opt {
        name: "least_attention",
        label: "least attention",
        meaning: "the pair that the keys written since gave least attention to, summed over them, goes",
    },
];

static CACHE: [Knob; 2] = [
    Knob::whole("budget", "budget", "B", 1, 512, 16, Scale::Log)
        .unit("pairs")
        .meaning("most pairs that are kept")
        .live(),
    Knob::choice("eviction", "eviction", &EVICTIONS, "oldest").meaning("which pair goes when the list is full").live(),
];

/// A retention of weights with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keep {
    /// One factor; 1 keeps all.
    Decay(f32),
    /// One factor per key channel, `[d_k]`.
    Gate(Vec<f32>),
    Lq {
        gamma: f32,
        q: f32,
        floor: f32,
    },
    ElasticNet {
        gamma: f32,
        threshold: f32,
    },
    Kl {
        gamma: f32,
        mass: f32,
    },
}

impl Keep {
    pub(crate) fn of(retention: &Component<Retentions>, channels: usize) -> Self {
        let real = |name: &str| retention.real(name) as f32;
        match retention.name() {
            "decay" => Self::Decay(real("gamma")),
            "gate" => Self::Gate(rates(retention.real("low"), retention.real("high"), channels)),
            "shrinkage" if retention.text("form") == "lq" => {
                Self::Lq { gamma: real("gamma"), q: real("q"), floor: real("floor") }
            }
            "shrinkage" => Self::ElasticNet { gamma: real("gamma"), threshold: real("threshold") },
            "kl" => Self::Kl { gamma: real("gamma"), mass: real("mass") },
            _ => Self::Decay(1.0),
        }
    }

    /// What the retention keeps beside the weights: A of L_q, log S of KL; empty elsewhere.
    pub(crate) fn hidden(&self, cells: usize) -> Vec<f32> {
        match self {
            Self::Lq { .. } | Self::Kl { .. } => vec![0.0; cells],
            _ => Vec::new(),
        }
    }

    /// Turns initial weights into those that the retention allows: KL begins with the uniform distribution.
    pub(crate) fn begin(&self, weights: &mut [f32], channels: usize) {
        if let Self::Kl { mass, .. } = self {
            weights.fill(mass * channels as f32 / weights.len() as f32);
        }
    }

    /// Weights after forgetting and before the write, where the two can be told apart.
    pub(crate) fn kept(&self, weights: &[f32]) -> Option<Vec<f32>> {
        match self {
            Self::Decay(1.0) => Some(weights.to_vec()),
            Self::Decay(gamma) => Some(weights.iter().map(|cell| gamma * cell).collect()),
            Self::Gate(rates) => {
                Some(weights.iter().zip(rates.iter().cycle()).map(|(cell, rate)| rate * cell).collect())
            }
            _ => None,
        }
    }

    /// Weights `[rows, channels]` after forgetting and adding `increment`.
    pub(crate) fn advance(&self, weights: &mut [f32], hidden: &mut [f32], increment: &[f32], channels: usize) {
        match self {
            Self::Decay(gamma) => {
                for (cell, add) in weights.iter_mut().zip(increment) {
                    *cell = gamma * *cell + add;
                }
            }
            Self::Gate(rates) => {
                for ((cell, add), rate) in weights.iter_mut().zip(increment).zip(rates.iter().cycle()) {
                    *cell = rate * *cell + add;
                }
            }
            Self::Lq { gamma, q, floor } => {
                for (cell, add) in hidden.iter_mut().zip(increment) {
                    *cell = gamma * *cell + add;
                }
                let largest = hidden.iter().fold(0.0f32, |largest, cell| largest.max(cell.abs()));
                // Against the largest cell, so that no power overflows.
                let sum: f32 = hidden.iter().map(|cell| (cell.abs() / largest.max(f32::MIN_POSITIVE)).powf(*q)).sum();
                let scale = (largest * sum.powf(1.0 / q)).max(*floor).powf(q - 2.0);
                weights.iter_mut().zip(hidden).for_each(|(cell, sum)| *cell = *sum / scale);
            }
            Self::ElasticNet { gamma, threshold } => {
                for (cell, add) in weights.iter_mut().zip(increment) {
                    let moved = gamma * *cell + add;
                    *cell = moved.signum() * (moved.abs() - threshold).max(0.0);
                }
            }
            Self::Kl { gamma, mass } => {
                for (cell, add) in hidden.iter_mut().zip(increment) {
                    *cell = gamma * *cell + add;
                }
                for channel in 0..channels {
                    let column: Vec<f32> = hidden.iter().skip(channel).step_by(channels).copied().collect();
                    let cells = weights.iter_mut().skip(channel).step_by(channels);
                    cells.zip(softmax(&column)).for_each(|(cell, share)| *cell = mass * share);
                }
            }
        }
    }
}

/// Factors `[channels]` from `low` to `high` whose forgetting rates 1 - factor have equal ratios.
pub(crate) fn rates(low: f64, high: f64, channels: usize) -> Vec<f32> {
    let (fast, slow) = (1.0 - low, 1.0 - high);
    let part = |channel: usize| if channels < 2 { 0.0 } else { channel as f64 / (channels - 1) as f64 };
    (0..channels).map(|channel| (1.0 - fast * (slow / fast).powf(part(channel))) as f32).collect()
}
