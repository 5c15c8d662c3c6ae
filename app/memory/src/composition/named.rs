//! Known memories as points of the composer's space.

use mnemoscope_core::{Component, Registry, Setting};

use super::Composition;

/// A known memory.
#[derive(Debug, Clone, Copy)]
pub struct NamedPoint {
    /// As written in tables and on a command line.
    pub name: &'static str,
    /// As shown in the window.
    pub label: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// Paper, year.
    pub source: &'static str,
    architecture: Part,
    bias: Part,
    retention: Part,
    rule: Part,
}

/// A kind and the settings that differ from its defaults.
type Part = (&'static str, &'static [(&'static str, Value)]);

#[derive(Debug, Clone, Copy)]
enum Value {
    Number(f64),
    Text(&'static str),
}

impl NamedPoint {
    /// The four choices.
    pub fn composition(&self) -> Composition {
        Composition {
            architecture: component(self.architecture),
            bias: component(self.bias),
            retention: component(self.retention),
            rule: component(self.rule),
        }
    }
}

/// A test holds every part to its registry, so nothing here is ever ignored.
fn component<R: Registry>((kind, settings): Part) -> Component<R> {
    let mut component = Component::new(kind).unwrap_or_else(|_| Component::of(&R::kinds()[0]));
    for (name, value) in settings {
        let value = match *value {
            Value::Number(value) => Setting::Number(value),
            Value::Text(text) => Setting::Text(text.to_owned()),
        };
        let _ = component.set(name, value);
    }
    component
}

const MATRIX: Part = ("matrix", &[]);
const DOT: Part = ("dot_product", &[]);
const SQUARED: Part = ("squared_error", &[]);
const NONE: Part = ("none", &[]);
const BEFORE: (&str, Value) = ("error_at", Value::Text("before"));

pub(super) static POINTS: &[NamedPoint] = &[
    NamedPoint {
        name: "linear_attention",
        label: "Linear attention",
        meaning: "Hebb's rule: every pair is added, and none is ever corrected or forgotten.",
        source: "Katharopoulos et al. 2020, Transformers are RNNs",
        architecture: MATRIX,
        bias: DOT,
        retention: NONE,
        rule: ("outer_product", &[]),
    },
    NamedPoint {
        name: "retnet",
        label: "RetNet",
        meaning: "Linear attention in which everything older fades by one factor.",
        source: "Sun et al. 2023, Retentive Network",
        architecture: MATRIX,
        bias: DOT,
        retention: ("decay", &[("gamma", Value::Number(0.95))]),
        rule: ("outer_product", &[]),
    },
    NamedPoint {
        name: "gated_linear_attention",
        label: "Gated linear attention",
        meaning: "Linear attention in which every key channel fades at a rate of its own.",
        source: "Yang et al. 2024, Gated Linear Attention Transformers",
        architecture: MATRIX,
        bias: DOT,
        retention: ("gate", &[]),
        rule: ("outer_product", &[]),
    },
    NamedPoint {
        name: "delta_rule",
        label: "Delta rule",
        meaning: "A write first takes away what the memory answers to the key: the newest value counts.",
        source: "Schlag et al. 2021; Yang et al. 2024",
        architecture: MATRIX,
        bias: SQUARED,
        retention: NONE,
        rule: ("gradient_step", &[]),
    },
    NamedPoint {
        name: "gated_delta_rule",
        label: "Gated delta rule",
        meaning: "The memory fades, and then the write corrects what is left.",
        source: "Yang et al. 2025, Gated Delta Networks",
        architecture: MATRIX,
        bias: SQUARED,
        retention: ("decay", &[("gamma", Value::Number(0.95))]),
        rule: ("gradient_step", &[]),
    },
    NamedPoint {
        name: "titans_matrix",
        label: "Titans' memory (matrix)",
        meaning: "Surprise is carried on with momentum, and the memory fades.",
        source: "Behrouz et al. 2025, Titans, with a linear memory",
        architecture: MATRIX,
        bias: SQUARED,
        retention: ("decay", &[("gamma", Value::Number(0.99))]),
        rule: ("momentum", &[]),
    },
    NamedPoint {
        name: "titans_mlp",
        label: "Titans' memory (MLP)",
        meaning: "As the matrix, with a two-layer network in its place: it can hold what no matrix can.",
        source: "Behrouz et al. 2025, Titans",
        architecture: ("mlp", &[]),
        bias: SQUARED,
        retention: ("decay", &[("gamma", Value::Number(0.999))]),
        rule: ("momentum", &[("theta", Value::Number(0.2))]),
    },
    NamedPoint {
        name: "moneta",
        label: "Moneta",
        meaning: "Steps on an L_3 error, with the L_4 norm of the memory kept small.",
        source: "Behrouz et al. 2025, Miras, with a linear memory and a floor under the norm",
        architecture: MATRIX,
        bias: ("lp", &[("p", Value::Number(3.0))]),
        retention: ("shrinkage", &[("q", Value::Number(4.0)), ("floor", Value::Number(0.05))]),
        rule: ("gradient_step", &[BEFORE]),
    },
    NamedPoint {
        name: "yaad",
        label: "Yaad",
        meaning: "The delta rule with a cap on how loud one pair may be: robust against outliers.",
        source: "Behrouz et al. 2025, Miras, with a linear memory",
        architecture: MATRIX,
        bias: ("huber", &[]),
        retention: ("decay", &[("gamma", Value::Number(0.99))]),
        rule: ("gradient_step", &[BEFORE]),
    },
    NamedPoint {
        name: "memora",
        label: "Memora",
        meaning: "The memory is a distribution and moves as little as KL allows; for keys and values that are \
                  distributions too.",
        source: "Behrouz et al. 2025, Miras, with a linear memory and a distribution per column",
        architecture: MATRIX,
        bias: SQUARED,
        retention: ("kl", &[]),
        rule: ("gradient_step", &[("beta", Value::Number(32.0)), BEFORE]),
    },
    NamedPoint {
        name: "least_squares",
        label: "Mesa (least squares)",
        meaning: "The best matrix for all pairs so far, after every write.",
        source: "von Oswald et al. 2023, Mesa-optimization; Wang et al. 2025, test-time regression",
        architecture: MATRIX,
        bias: SQUARED,
        retention: NONE,
        rule: ("least_squares", &[]),
    },
    NamedPoint {
        name: "softmax_attention",
        label: "Softmax attention",
        meaning: "All pairs are kept; the answer is their mean, weighted by how near the keys are.",
        source: "Vaswani et al. 2017; Ramsauer et al. 2021",
        architecture: ("key_value_list", &[]),
        bias: SQUARED,
        retention: NONE,
        rule: ("local_regression", &[]),
    },
    NamedPoint {
        name: "local_linear_attention",
        label: "Softmax with local linear regression",
        meaning: "A line is fitted around each query in place of a constant: no bias towards where the keys lie.",
        source: "Wang et al. 2025, test-time regression; Cleveland 1979",
        architecture: ("key_value_list", &[]),
        bias: SQUARED,
        retention: NONE,
        rule: ("local_regression", &[("order", Value::Text("linear"))]),
    },
    NamedPoint {
        name: "memory_caching",
        label: "Memory caching",
        meaning: "Linear attention whose state is kept at the end of each segment; a router asks the kept states.",
        source: "Behrouz et al. 2026, Memory Caching, gated read-out; the router is the lab's",
        architecture: ("cached", &[]),
        bias: DOT,
        retention: NONE,
        rule: ("outer_product", &[]),
    },
    NamedPoint {
        name: "bmojo",
        label: "Fading and eidetic (B'MOJO)",
        meaning: "A fading matrix, a window of the newest pairs, and a store of what the matrix predicted worst.",
        source: "after Zancato et al. 2024, B'MOJO",
        architecture: ("hybrid", &[]),
        bias: SQUARED,
        retention: ("decay", &[("gamma", Value::Number(0.95))]),
        rule: ("gradient_step", &[]),
    },
    NamedPoint {
        name: "hippo_legs",
        label: "HiPPO-LegS",
        meaning: "All of the past, on one scale, as coefficients of Legendre polynomials: smooth signals stay, single \
                  pairs do not.",
        source: "Gu et al. 2020, HiPPO; attending to the rebuilt past is the lab's",
        architecture: ("state_space", &[]),
        bias: SQUARED,
        retention: NONE,
        rule: ("local_regression", &[]),
    },
    NamedPoint {
        name: "lssl",
        label: "LSSL with HiPPO",
        meaning: "The same transition with a fixed step, as in a layer of LSSL: the past fades as it is summed up.",
        source: "Gu et al. 2021, LSSL; attending to the rebuilt past is the lab's",
        architecture: ("state_space", &[("time", Value::Text("invariant"))]),
        bias: SQUARED,
        retention: NONE,
        rule: ("local_regression", &[]),
    },
    NamedPoint {
        name: "hcam",
        label: "Hierarchical chunk attention (HCAM)",
        meaning: "First the nearest chunks, then attention within them.",
        source: "Lampinen et al. 2021, Towards mental time travel; nothing in it is learned here",
        architecture: ("chunks", &[]),
        bias: SQUARED,
        retention: NONE,
        rule: ("local_regression", &[]),
    },
    NamedPoint {
        name: "key_value_bottleneck",
        label: "Discrete key-value bottleneck",
        meaning: "Nearest codes fetch values, and only those are written: what is far away is left alone.",
        source: "Träuble et al. 2023, Discrete Key-Value Bottleneck",
        architecture: ("codebook", &[]),
        bias: SQUARED,
        retention: NONE,
        rule: ("gradient_step", &[]),
    },
    NamedPoint {
        name: "mlstm",
        label: "mLSTM (gated matrix)",
        meaning: "Linear attention that fades and is divided by what was written.",
        source: "Beck et al. 2024, xLSTM, with gates that are not learned",
        architecture: ("gated_matrix", &[]),
        bias: DOT,
        retention: ("decay", &[("gamma", Value::Number(0.95))]),
        rule: ("outer_product", &[]),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architectures;
    use crate::bias::Biases;
    use crate::retention::Retentions;
    use crate::rule::Rules;

    fn holds<R: Registry>((kind, settings): Part) {
        let whole: Component<R> = component((kind, settings));
        assert_eq!(whole.name(), kind);
        for (name, value) in settings {
            match *value {
                Value::Number(value) => assert_eq!(whole.real(name), value),
                Value::Text(text) => assert_eq!(whole.text(name), text),
            }
        }
    }

    #[test]
    fn every_point_is_what_it_says_and_goes_together() {
        for point in POINTS {
            holds::<Architectures>(point.architecture);
            holds::<Biases>(point.bias);
            holds::<Retentions>(point.retention);
            holds::<Rules>(point.rule);
            point.composition().check().unwrap();
            assert_eq!(point.composition().name().map(|found| found.name), Some(point.name));
            assert!(!point.composition().equation().is_empty());
        }
    }
}
