//! Learned retention (TRIM-KV, S158): a small gate says of every token, when it is written and without regard to any
//! query, how fast it may fade.
//!
//! A gate per layer with an output per head: log β_i = log σ(W₂ tanh(W₁ x_i + b₁) + b), x_i what the layer saw of the
//! token. Each head keeps the M tokens of the largest (t − i) log β_i: what would have faded least by now. The attention
//! itself is plain. How the gate is trained stands in [`training`].
//!
//! Lab form: 32 hidden units with tanh (512 in the paper's), inputs standardised by the samples' mean and spread, and
//! eviction at every step (the paper's program lets a buffer fill first).

mod training;

use mnemoscope_core::random::stream;
use mnemoscope_core::{Kind, Knob, Opt, Scale};
use rand::RngExt as _;

use super::attend::Call;
use super::calibration::Learned;
use super::policy::{BUDGET, Eviction, Parts, Plain, Site, Step, best, over, tokens};
use super::{CacheError, Policy};

static FORMS: [Opt; 2] = [
    Opt {
        name: "multiplicative",
        label: "Multiplicative",
        meaning: "While training, logits are multiplied by β^age: a faded token's logit tends to 0, as in the authors' \
                  program.",
    },
    Opt {
        name: "additive",
        label: "Additive",
        meaning: "While training, age · log β is added to logits: a faded token's weight tends to 0.",
    },
];

pub(super) const KIND: Kind = Kind {
    name: "retention_gate",
    label: "Learned retention",
    meaning: "Keeps the tokens that a trained gate has faded least; the gate sees the token alone, not the queries.",
    source: "S158, \"Cache What Lasts: Token Retention for Memory-Bounded KV Cache in LLMs\"; trained per layer: lab form",
    knobs: &[
        BUDGET,
        Knob::choice("form", "Fading", &FORMS, "multiplicative")
            .meaning("How fading enters attention while the gate is trained.")
            .source("multiplicative: S158's program; additive: the lab's variant"),
        Knob::real("capacity", "Capacity", "λ", 0.0, 100.0, 1.0, Scale::Log)
            .meaning("Weight of holding more than the budget against reading otherwise than full attention.")
            .source("S158; default: the lab's"),
        Knob::real("bias", "First bias", "b", -5.0, 20.0, 4.0, Scale::Linear)
            .meaning("The gate's bias at first: σ(b) is every token's β.")
            .source("S158's program: 10; the lab's 4 needs fewer steps"),
        Knob::whole("steps", "Steps", "", 1, 10_000, 300, Scale::Log).meaning("Training steps of the gate."),
        Knob::whole("seed", "Seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("Of the gate's first weights."),
    ],
};

/// Hidden units.
const HIDDEN: usize = 32;

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let Learned::Gates(gates) = site.learned else {
        return Err(CacheError::NotCalibrated { policy: KIND.name });
    };
    let gate = gates[site.layer].clone();
    if gate.heads != site.heads {
        return Err(CacheError::Changed {
            policy: KIND.name,
            what: "heads per layer:",
            expected: gate.heads,
            found: site.heads,
        });
    }
    let eviction = Retention { budget: site.budget(), gate, log_beta: vec![Vec::new(); site.heads] };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

/// Trains one gate per layer on full attention of samples.
pub(super) fn calibrate(policy: &Policy, layers: usize, calls: &[Call<'_>]) -> Learned {
    let train = |layer: usize| {
        let calls: Vec<Call<'_>> = calls.iter().filter(|call| call.layer == layer).copied().collect();
        training::train(policy, layer, &calls)
    };
    Learned::Gates((0..layers).map(train).collect())
}

/// The gate of one layer: a network of one hidden layer with an output per head.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gate {
    width: usize,
    heads: usize,
    /// Mean and spread of every input.
    scaling: Vec<(f64, f64)>,
    /// W₁ `[32, width]`, b₁ `[32]`, W₂ `[heads, 32]`, b `[heads]`, one after another.
    parameters: Vec<f64>,
}

impl Gate {
    /// W₁ drawn with variance 1/width; W₂ zero, so that every token begins with β = σ(`bias`).
    fn new(width: usize, heads: usize, bias: f64, seed: u64, layer: usize) -> Self {
        let mut draw = stream(seed, "retention gate", &[layer as u64]);
        let bound = (3.0 / width as f64).sqrt();
        let mut parameters: Vec<f64> = (0..HIDDEN * width).map(|_| draw.random_range(-bound..bound)).collect();
        parameters.resize(HIDDEN * (width + 1 + heads), 0.0);
        parameters.resize(HIDDEN * (width + 1 + heads) + heads, bias);
        Self { width, heads, scaling: vec![(0.0, 1.0); width], parameters }
    }

    /// W₁, b₁, W₂ and b.
    fn parts(&self) -> (&[f64], &[f64], &[f64], &[f64]) {
        let (w1, rest) = self.parameters.split_at(HIDDEN * self.width);
        let (b1, rest) = rest.split_at(HIDDEN);
        let (w2, b) = rest.split_at(HIDDEN * self.heads);
        (w1, b1, w2, b)
    }

    /// The inputs as the network takes them.
    fn scaled(&self, x: &[f32]) -> Vec<f64> {
        x.iter().zip(&self.scaling).map(|(x, (mean, spread))| (f64::from(*x) - mean) / spread).collect()
    }

    /// The hidden units' values of scaled inputs.
    fn units(&self, x: &[f64]) -> Vec<f64> {
        let (w1, b1, ..) = self.parts();
        let inner = |row: &[f64]| -> f64 { row.iter().zip(x).map(|(w, x)| w * x).sum() };
        w1.chunks_exact(self.width).zip(b1).map(|(row, b)| (inner(row) + b).tanh()).collect()
    }

    /// Each head's u, where β = σ(u), from the hidden units.
    fn outputs(&self, units: &[f64]) -> Vec<f64> {
        let (_, _, w2, b) = self.parts();
        let inner = |row: &[f64]| -> f64 { row.iter().zip(units).map(|(w, h)| w * h).sum() };
        w2.chunks_exact(HIDDEN).zip(b).map(|(row, b)| inner(row) + b).collect()
    }

    /// log β of a token in each head.
    fn log_beta(&self, x: &[f32]) -> Vec<f64> {
        self.outputs(&self.units(&self.scaled(x))).into_iter().map(log_sigmoid).collect()
    }
}

/// log σ(u) without overflow.
fn log_sigmoid(u: f64) -> f64 {
    u.min(0.0) - (-u.abs()).exp().ln_1p()
}

#[derive(Debug, Clone)]
struct Retention {
    budget: usize,
    gate: Gate,
    /// log β per head and position.
    log_beta: Vec<Vec<f64>>,
}

impl Eviction for Retention {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        for (all, log_beta) in self.log_beta.iter_mut().zip(self.gate.log_beta(step.hidden)) {
            all.push(log_beta);
        }
        over(step.held, self.budget, |head, held| {
            best(held, self.budget, |_| false, |i| ((step.t - i) as f64 * self.log_beta[head][i]) as f32)
        })
    }

    fn bytes(&self, held: &[Vec<usize>]) -> usize {
        held.iter().map(Vec::len).sum::<usize>() * size_of::<f32>()
    }
}

/// Most tokens that a head holds, as the objective has it.
fn capacity(policy: &Policy, steps: usize) -> f64 {
    tokens(policy.real("budget"), steps) as f64
}
