//! Hebb's rule, S <- gamma S + v k^T (Kohonen 1972; as linear attention Katharopoulos et al. 2020).

use crate::Pairs;
use crate::matrix::{times_transposed, transposed};

/// S `[d_v, d_k]` after the first `n` writes: the sum of v k^T, each weighted by gamma to the power of its age.
pub(crate) fn write(decay: f32, pairs: &Pairs, n: usize) -> Vec<f32> {
    if n == 0 {
        return vec![0.0; pairs.d_v * pairs.d_k];
    }
    let mut values = transposed(&pairs.values[..n * pairs.d_v], pairs.d_v);
    if decay != 1.0 {
        let weights: Vec<f32> = (0..n).map(|write| kept(decay, n - 1 - write)).collect();
        for row in values.chunks_exact_mut(n) {
            row.iter_mut().zip(&weights).for_each(|(value, weight)| *value *= weight);
        }
    }
    times_transposed(&values, &transposed(&pairs.keys[..n * pairs.d_k], pairs.d_k), n)
}

/// gamma^age.
fn kept(decay: f32, age: usize) -> f32 {
    f64::from(decay).powi(age as i32) as f32
}

/// v k^T of write number `n`, counted from 1.
pub(crate) fn last_write(pairs: &Pairs, n: usize) -> Vec<f32> {
    let value = &pairs.values[(n - 1) * pairs.d_v..][..pairs.d_v];
    outer(value, &pairs.keys[(n - 1) * pairs.d_k..][..pairs.d_k])
}

/// `[value, key]`.
pub(crate) fn outer(value: &[f32], key: &[f32]) -> Vec<f32> {
    value.iter().flat_map(|v| key.iter().map(move |k| v * k)).collect()
}
