//! What a policy learns of a model before it is used.

use super::attend::{Call, softmax};
use super::gate::Gate;
use crate::matrix::dot;

/// What was learned, one entry per layer.
#[derive(Debug, Clone, Default)]
pub(super) enum Learned {
    /// Nothing.
    #[default]
    Nothing,
    /// Shares of the sequence that each layer may hold.
    Shares(Vec<f64>),
    /// Gates, one per layer with an output per head.
    Gates(Vec<Gate>),
}

/// Full causal attention of one lane, `[T, T]` row-major; 0 beyond the diagonal.
pub(super) fn full_attention(call: &Call<'_>, lane: usize) -> Vec<f32> {
    let steps = call.shape.steps;
    let mut rows = logits(call, lane);
    for (t, row) in rows.chunks_exact_mut(steps).enumerate() {
        softmax(&mut row[..=t]);
    }
    rows
}

/// scale q_t.k_i of one lane for i <= t, `[T, T]`; 0 beyond the diagonal.
pub(super) fn logits(call: &Call<'_>, lane: usize) -> Vec<f32> {
    let (steps, d_k) = (call.shape.steps, call.shape.d_k);
    let q = &call.q[lane * steps * d_k..][..steps * d_k];
    let k = &call.k[lane * steps * d_k..][..steps * d_k];
    let mut out = vec![0.0; steps * steps];
    for (t, (row, query)) in out.chunks_exact_mut(steps).zip(q.chunks_exact(d_k)).enumerate() {
        for (logit, key) in row[..=t].iter_mut().zip(k.chunks_exact(d_k)) {
            *logit = call.scale * dot(query, key);
        }
    }
    out
}
