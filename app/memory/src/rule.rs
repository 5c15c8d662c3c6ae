//! The rules by which a memory is written and read.

use crate::matrix::times_transposed;
use crate::softmax::softmax_weights;
use crate::{Component, Pairs, delta, hebb, softmax};

/// How a pair is written and read. Settings are taken as they are; [`crate::check`] refuses what does not converge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// S <- gamma S + v k^T.
    Hebb,
    /// S <- gamma S, then S <- S + beta (v - S k) k^T.
    Delta {
        /// Part of the error along the key that one write removes, for unit keys.
        beta: f32,
    },
    /// Keeps all pairs; reads their mean weighted by exp(beta_s k.q).
    Softmax {
        /// beta_s.
        inverse_temperature: f32,
    },
}

impl Rule {
    /// The rule that the settings name.
    pub fn of(component: &Component) -> Self {
        let [hebb, delta, softmax] = Self::all(component);
        match component.text("rule") {
            "delta" => delta,
            "softmax" => softmax,
            _ => hebb,
        }
    }

    /// All rules, with the settings' beta and inverse temperature.
    pub fn all(component: &Component) -> [Self; 3] {
        [
            Self::Hebb,
            Self::Delta { beta: component.real("beta") as f32 },
            Self::Softmax { inverse_temperature: component.real("inverse_temperature") as f32 },
        ]
    }

    /// As written in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hebb => "hebb",
            Self::Delta { .. } => "delta",
            Self::Softmax { .. } => "softmax",
        }
    }
}

/// S `[d_v, d_k]` after the first `n` writes; `n` beyond N means N. Empty for softmax, whose state is the pairs.
pub fn write(rule: Rule, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let n = n.min(pairs.len());
    match rule {
        Rule::Hebb => hebb::write(decay, pairs, n),
        Rule::Delta { beta } => delta::write(beta, decay, pairs, n),
        Rule::Softmax { .. } => Vec::new(),
    }
}

/// The outer product `[d_v, d_k]` that write number `n` (from 1) added to the decayed S; zeros for `n` = 0. Empty for
/// softmax.
pub fn last_write(rule: Rule, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let n = n.min(pairs.len());
    match rule {
        Rule::Softmax { .. } => Vec::new(),
        _ if n == 0 => vec![0.0; pairs.d_v * pairs.d_k],
        Rule::Hebb => hebb::last_write(pairs, n),
        Rule::Delta { beta } => delta::last_write(beta, decay, pairs, n),
    }
}

/// What the queries of the first `n` pairs recall after the first `n` writes, `[n, d_v]`.
pub fn recall(rule: Rule, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let n = n.min(pairs.len());
    match rule {
        Rule::Softmax { inverse_temperature } => {
            softmax::recall(&softmax_weights(inverse_temperature, decay, pairs, n), pairs, n)
        }
        _ => read(&write(rule, decay, pairs, n), pairs, n),
    }
}

/// S q for the first `n` queries, `[n, d_v]`.
pub(crate) fn read(state: &[f32], pairs: &Pairs, n: usize) -> Vec<f32> {
    times_transposed(&pairs.queries[..n * pairs.d_k], state, pairs.d_k)
}

#[cfg(test)]
mod tests;
