//! Softmax attention (Vaswani et al. 2017) as a memory: it keeps all pairs and reads a weighted mean of the values.

use crate::Pairs;
use crate::matrix::{times_transposed, transposed};

/// Weights `[n, n]` of the first `n` pairs: query i (row) on value j (column). Rows add up to 1.
///
/// The logit is beta_s k.q + age log gamma, where the age of write j is n - 1 - j. `n` beyond N means N.
pub fn softmax_weights(inverse_temperature: f32, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let n = n.min(pairs.len());
    let mut weights = times_transposed(&pairs.queries[..n * pairs.d_k], &pairs.keys[..n * pairs.d_k], pairs.d_k);
    let log_decay = decay.ln();
    for row in weights.chunks_exact_mut(n.max(1)) {
        let mut largest = f32::NEG_INFINITY;
        for (write, logit) in row.iter_mut().enumerate() {
            *logit = inverse_temperature * *logit + (n - 1 - write) as f32 * log_decay;
            largest = largest.max(*logit);
        }
        let mut sum = 0.0;
        for weight in row.iter_mut() {
            *weight = (*weight - largest).exp();
            sum += *weight;
        }
        for weight in row {
            *weight /= sum;
        }
    }
    weights
}

/// What the first `n` queries recall, `[n, d_v]`.
pub(crate) fn recall(weights: &[f32], pairs: &Pairs, n: usize) -> Vec<f32> {
    times_transposed(weights, &transposed(&pairs.values[..n * pairs.d_v], pairs.d_v), n)
}
