//! Architectures: what a memory is made of.

pub(crate) mod cached;
pub(crate) mod chunks;
pub(crate) mod codebook;
pub(crate) mod gated;
pub(crate) mod hybrid;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod mlp;
pub(crate) mod state_space;

use mnemoscope_core::{Kind, Knob, Opt, Registry, Scale};

/// The family of architectures.
#[derive(Debug, Clone, Copy)]
pub struct Architectures;

impl Registry for Architectures {
    const NOUN: &'static str = "memory architecture";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 9] = [
    Kind {
        name: "matrix",
        label: "matrix",
        meaning: "one matrix with a row per value entry and a column per key entry; all pairs lie on top of each other",
        source: "Kohonen 1972; Schlag et al. 2021, Linear Transformers Are Secretly Fast Weight Programmers",
        knobs: &[],
    },
    Kind {
        name: "gated_matrix",
        label: "gated matrix",
        meaning: "a matrix with an input gate and a normaliser that keeps answers from growing with what was written",
        source: "Beck et al. 2024, xLSTM: mLSTM, eq. 19 to 27; gates that are not learned are the lab's",
        knobs: &GATED,
    },
    Kind {
        name: "mlp",
        label: "two-layer MLP",
        meaning: "a deep memory: the weights of a small network, which a write trains",
        source: "Behrouz et al. 2025, Titans and Miras; Sun et al. 2024, TTT",
        knobs: &MLP,
    },
    Kind {
        name: "key_value_list",
        label: "list of pairs",
        meaning: "every pair is kept, and a query weighs them by how near their keys are: softmax attention",
        source: "Vaswani et al. 2017; Ramsauer et al. 2021, Hopfield Networks is All You Need",
        knobs: &LIST,
    },
    Kind {
        name: "codebook",
        label: "discrete key-value bottleneck",
        meaning: "each head's nearest code fetches a value, and only fetched values are written; codes are learned \
                  without labels and then frozen",
        source: "Träuble et al. 2023, Discrete Key-Value Bottleneck",
        knobs: &CODEBOOK,
    },
    Kind {
        name: "cached",
        label: "cached states",
        meaning: "the state of a memory is kept at the end of each segment, and a query asks all kept states",
        source: "Behrouz et al. 2026, Memory Caching; the router is the lab's",
        knobs: &CACHED,
    },
    Kind {
        name: "hybrid",
        label: "fading and eidetic",
        meaning: "a fading matrix beside a window of the newest pairs and a store of the most surprising ones",
        source: "after Zancato et al. 2024, B'MOJO; on keys and values it is the lab's",
        knobs: &HYBRID,
    },
    Kind {
        name: "state_space",
        label: "linear state space",
        meaning: "the past of keys and values as a few coefficients of polynomials, rebuilt and attended to",
        source: "Gu et al. 2020, HiPPO; Gu et al. 2021, LSSL; attending to the rebuilt past is the lab's",
        knobs: &STATE_SPACE,
    },
    Kind {
        name: "chunks",
        label: "chunks",
        meaning: "pairs stand in chunks: a query picks the nearest chunks, and attends within them",
        source: "Lampinen et al. 2021, Hierarchical Chunk Attention Memory; nothing in it is learned here",
        knobs: &CHUNKS,
    },
];

const fn inverse_temperature() -> Knob {
    Knob::real("inverse_temperature", "inverse temperature", "β_s", 0.1, 128.0, 8.0, Scale::Log)
        .meaning("sharpness of reading; for unit keys the largest logit. A sequence model reads with it where its keys have unit length, else with 1/√d_k")
        .source("Ramsauer et al. 2021")
        .live()
}

static GATES: [Opt; 2] = [
    Opt { name: "open", label: "open", meaning: "every pair is written in full" },
    Opt {
        name: "novelty",
        label: "novelty",
        meaning: "1 − max(0, cosine of answer and value): what is known is not written again (lab form)",
    },
];

static GATED: [Knob; 1] =
    [Knob::choice("input", "input gate", &GATES, "open").meaning("how much of a pair is written").live()];

static MLP: [Knob; 2] = [expansion(), residual()];

const fn expansion() -> Knob {
    Knob::whole("expansion", "expansion", "", 1, 8, 2, Scale::Linear)
        .meaning("hidden units per key entry")
        .source("Behrouz et al. 2025, Titans: 2 to 4")
        .live()
}

const fn residual() -> Knob {
    Knob::switch("residual", "residual and norm", false)
        .meaning("the answer is q + LN(W₁ gelu(W₂ q)); keys and values must be of one size")
        .source("Behrouz et al. 2025, Miras")
        .live()
}

static LIST: [Knob; 2] = [
    inverse_temperature(),
    Knob::switch("qk_norm", "QK-norm", false)
        .meaning("keys and queries are made unit vectors for the weights, which then depend on distance alone")
        .source("Henry et al. 2020, Query-Key Normalization")
        .live(),
];

static CODEBOOK: [Knob; 4] = [
    Knob::whole("heads", "heads", "C", 1, 64, 8, Scale::Log).meaning("independent codebooks").live(),
    Knob::whole("codes", "codes", "n_k", 2, 512, 64, Scale::Log).meaning("codes of each head").live(),
    Knob::whole("width", "code size", "", 1, 64, 8, Scale::Log).meaning("entries of a code").live(),
    Knob::whole("warm_up", "warm-up", "", 1, 10_000, 128, Scale::Log)
        .unit("pairs")
        .meaning("writes until codes are frozen")
        .live(),
];

static INNER: [Opt; 2] = [
    Opt { name: "matrix", label: "matrix", meaning: "a linear memory: gated states and their soup are the same" },
    Opt { name: "mlp", label: "two-layer MLP", meaning: "a deep memory, of expansion 2 and without residual" },
];

static SEGMENTS: [Opt; 2] = [
    Opt { name: "reset", label: "start anew", meaning: "states hold the pairs of their own segment" },
    Opt { name: "checkpoint", label: "go on", meaning: "states hold all pairs up to their segment's end" },
];

static READ_OUTS: [Opt; 4] = [
    Opt { name: "residual", label: "residual", meaning: "the sum of all answers" },
    Opt { name: "gated", label: "gated", meaning: "answers weighted by how near the segment's mean key is" },
    Opt { name: "soup", label: "soup", meaning: "the answer of weighted weights" },
    Opt { name: "sparse", label: "sparse", meaning: "gated over the present segment and the nearest kept ones" },
];

static CACHED: [Knob; 6] = [
    Knob::choice("inner", "memory", &INNER, "matrix").meaning("whose states are kept").live(),
    Knob::whole("segment", "segment", "L", 1, 512, 8, Scale::Log)
        .unit("pairs")
        .meaning("writes between two kept states")
        .live(),
    Knob::choice("at_border", "at a border", &SEGMENTS, "reset").meaning("what the memory does there").live(),
    Knob::choice("read_out", "read-out", &READ_OUTS, "gated").meaning("how kept states are read").live(),
    Knob::real("sharpness", "router sharpness", "b", 0.1, 1024.0, 64.0, Scale::Log)
        .meaning("how sharply the router picks segments")
        .live(),
    Knob::whole("top", "segments asked", "k", 1, 64, 2, Scale::Log)
        .meaning("nearest kept segments, beside the present one")
        .when("read_out", "sparse")
        .live(),
];

static HYBRID: [Knob; 4] = [
    Knob::whole("window", "window", "w", 1, 256, 4, Scale::Log)
        .unit("pairs")
        .meaning("newest pairs, kept exactly")
        .live(),
    Knob::whole("store", "eidetic store", "m", 1, 256, 8, Scale::Log)
        .unit("pairs")
        .meaning("older pairs that the fading memory predicted worst")
        .live(),
    inverse_temperature(),
    Knob::real("fading_at", "fading counts at", "", -1.0, 1.0, 0.5, Scale::Linear)
        .meaning("the fading memory's answer weighs as much as a pair whose key is this near")
        .live(),
];

static TIMES: [Opt; 2] = [
    Opt { name: "scaled", label: "scaled (LegS)", meaning: "all of the past is held on one scale" },
    Opt { name: "invariant", label: "time-invariant", meaning: "the past fades, as in a layer of LSSL" },
];

static STATE_SPACE: [Knob; 4] = [
    Knob::whole("order", "coefficients", "N", 2, 64, 16, Scale::Log).meaning("polynomials per signal").live(),
    Knob::choice("time", "time", &TIMES, "scaled").meaning("how the past is scaled").live(),
    Knob::real("step", "step", "Δ", 0.001, 1.0, 0.05, Scale::Log)
        .meaning("how much of the past fades per write")
        .when("time", "invariant")
        .live(),
    inverse_temperature(),
];

static CHUNKS: [Knob; 4] = [
    Knob::whole("chunk", "chunk", "C", 1, 128, 8, Scale::Log).unit("pairs").meaning("pairs of a chunk").live(),
    Knob::whole("top", "chunks asked", "k", 1, 64, 2, Scale::Log).meaning("nearest chunks by mean key").live(),
    inverse_temperature(),
    Knob::real("sharpness", "chunk sharpness", "b", 0.1, 1024.0, 64.0, Scale::Log)
        .meaning("how sharply chunks are weighed against one another")
        .live(),
];
