//! Causal softmax attention over lanes, with its backward pass.
//!
//! Vaswani et al. 2017, eq. 1: o_t = Σ_i w_ti v_i with w_t = softmax_i(s q_t·k_i) over i ≤ t. With ∂L/∂o = g the slopes
//! are ∂L/∂v = wᵀ g, ∂L/∂w = g vᵀ, ∂L/∂a = w ⊙ (∂L/∂w − Σ_i w ⊙ ∂L/∂w) for a = s q kᵀ, ∂L/∂q = s ∂L/∂a k and
//! ∂L/∂k = s ∂L/∂aᵀ q.

use burn::tensor::{Device, Tensor, TensorData};

/// Added to the score of a later token.
const LATER: f32 = -1e30;

/// Taken from the score of a filler.
const FILLER: f32 = 1e9;

/// The weights, `[lanes, T, T]`, of queries and keys `[lanes, T, d]`, times `decay` to the power of the age; `real` is 1
/// for tokens, `[lanes, T]`.
pub(crate) fn weights(q: &Tensor<3>, k: &Tensor<3>, scale: f32, decay: f32, real: &Tensor<2>) -> Tensor<3> {
    let [lanes, length, _] = q.dims();
    let fillers = (real.clone() - 1.0) * FILLER;
    let scores = q.clone().matmul(k.clone().transpose()) * scale;
    let scores = scores + causal(length, decay.ln(), &q.device()) + fillers.reshape([lanes, 1, length]);
    let highest = scores.clone().max_dim(2);
    let exponentials = (scores - highest).exp();
    // A filler reads nothing, as it would of a memory in which nothing is written yet.
    exponentials.clone() / exponentials.sum_dim(2) * real.clone().reshape([lanes, length, 1])
}

/// What is added where a position may look, `slope` times the age (ALiBi; Press et al. 2022), and [`LATER`] elsewhere,
/// `[1, T, T]`.
fn causal(length: usize, slope: f32, device: &Device) -> Tensor<3> {
    let at = move |from: usize, to: usize| if to <= from { slope * (from - to) as f32 } else { LATER };
    let values: Vec<f32> = (0..length).flat_map(|from| (0..length).map(move |to| at(from, to))).collect();
    Tensor::from_data(TensorData::new(values, [1, length, length]), device)
}

/// The slopes at queries, keys and values from that at the output, `[lanes, T, d_v]`.
pub(crate) fn chain(
    q: &Tensor<3>,
    k: &Tensor<3>,
    v: &Tensor<3>,
    weights: &Tensor<3>,
    scale: f32,
    slope: Tensor<3>,
) -> [Tensor<3>; 3] {
    let at_values = weights.clone().transpose().matmul(slope.clone());
    let at_weights = slope.matmul(v.clone().transpose());
    let along = (at_weights.clone() * weights.clone()).sum_dim(2);
    let at_scores = weights.clone() * (at_weights - along) * scale;
    [at_scores.clone().matmul(k.clone()), at_scores.transpose().matmul(q.clone()), at_values]
}
