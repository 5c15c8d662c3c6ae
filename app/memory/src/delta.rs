//! The delta rule, S <- gamma S, then S <- S + beta (v - S k) k^T (Widrow and Hoff 1960; as a gated linear
//! transformer Yang et al. 2024): a write corrects what the memory already answers.

use crate::Pairs;
use crate::hebb::outer;
use crate::matrix::dot;

/// S `[d_v, d_k]` after the first `n` writes.
pub(crate) fn write(beta: f32, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let (d_k, d_v) = (pairs.d_k, pairs.d_v);
    let mut state = vec![0.0; d_v * d_k];
    // A row of S meets only its own entry of the values, so each row is followed through all writes while it is in
    // the nearest cache.
    for (r, row) in state.chunks_exact_mut(d_k).enumerate() {
        for (key, value) in pairs.keys.chunks_exact(d_k).zip(pairs.values.chunks_exact(d_v)).take(n) {
            let correction = beta * (value[r] - decay * dot(row, key));
            for (cell, k) in row.iter_mut().zip(key) {
                *cell = decay * *cell + correction * k;
            }
        }
    }
    state
}

/// beta (v - S k) k^T of write number `n`, counted from 1, with S decayed after the first `n - 1`.
pub(crate) fn last_write(beta: f32, decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    let key = &pairs.keys[(n - 1) * pairs.d_k..][..pairs.d_k];
    let value = &pairs.values[(n - 1) * pairs.d_v..][..pairs.d_v];
    let before = write(beta, decay, pairs, n - 1);
    let corrections: Vec<f32> =
        before.chunks_exact(pairs.d_k).zip(value).map(|(row, v)| beta * (v - decay * dot(row, key))).collect();
    outer(&corrections, key)
}
