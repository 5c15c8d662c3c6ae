//! The deep memory of Titans and Miras (Behrouz et al. 2025): two layers, M(k) = W₁ gelu(W₂ k), or with the residual
//! k + LN(W₁ gelu(W₂ k)), which needs keys and values of one size. LN has no gain.
//!
//! The gradient is written out. With h = W₂ k, a = gelu(h), u = W₁ a and y = LN(u): the slope s by the answer is also
//! that by y; by u it is (s - mean s - y mean(s y)) / σ; W₁ gets s_u aᵀ, and W₂ gets (W₁ᵀ s_u gelu'(h)) kᵀ.
//! gelu is the tanh form of Hendrycks and Gimpel (2016). Weights begin as Gaussians of variance 1 / fan-in.

use crate::learned::Weighted;
use crate::matrix::dot;
use crate::memory::Image;
use crate::pairs::Gaussian;

/// Added to the variance under the root.
const ROUNDING: f32 = 1e-5;

/// Its sizes and initial weights.
#[derive(Debug, Clone)]
pub(crate) struct Mlp {
    d_k: usize,
    d_v: usize,
    hidden: usize,
    residual: bool,
    /// W₂ `[hidden, d_k]`, then W₁ `[d_v, hidden]`.
    initial: Vec<f32>,
}

/// What the gradient needs of the way forward.
struct Pass {
    /// `[hidden]` before and after gelu.
    before: Vec<f32>,
    after: Vec<f32>,
    /// y `[d_v]` and 1/σ of the norm; u itself and 1 without it.
    normed: Vec<f32>,
    inverse: f32,
}

impl Mlp {
    pub(crate) fn new(d_k: usize, d_v: usize, expansion: usize, residual: bool, seed: u64) -> Self {
        let hidden = expansion * d_k;
        let mut normal = Gaussian::new(seed, "deep memory", 0);
        let mut draw = |count: usize, fan_in: usize| -> Vec<f32> {
            let scale = 1.0 / (fan_in as f64).sqrt();
            normal.by_ref().take(count).map(|x| (scale * x) as f32).collect()
        };
        let mut initial = draw(hidden * d_k, d_k);
        initial.extend(draw(d_v * hidden, hidden));
        Self { d_k, d_v, hidden, residual, initial }
    }

    fn pass(&self, weights: &[f32], key: &[f32]) -> Pass {
        let (second, first) = weights.split_at(self.hidden * self.d_k);
        let before: Vec<f32> = second.chunks_exact(self.d_k).map(|row| dot(row, key)).collect();
        let after: Vec<f32> = before.iter().map(|x| gelu(*x).0).collect();
        let mut normed: Vec<f32> = first.chunks_exact(self.hidden).map(|row| dot(row, &after)).collect();
        let mut inverse = 1.0;
        if self.residual {
            let mean = normed.iter().sum::<f32>() / self.d_v as f32;
            let variance = normed.iter().map(|u| (u - mean) * (u - mean)).sum::<f32>() / self.d_v as f32;
            inverse = 1.0 / (variance + ROUNDING).sqrt();
            for u in &mut normed {
                *u = (*u - mean) * inverse;
            }
        }
        Pass { before, after, normed, inverse }
    }
}

impl Weighted for Mlp {
    fn initial(&self) -> Vec<f32> {
        self.initial.clone()
    }

    fn channels(&self) -> usize {
        self.d_k
    }

    fn answer(&self, weights: &[f32], query: &[f32]) -> Vec<f32> {
        let mut answer = self.pass(weights, query).normed;
        if self.residual {
            answer.iter_mut().zip(query).for_each(|(o, q)| *o += q);
        }
        answer
    }

    fn gradient(&self, weights: &[f32], key: &[f32], slope: &[f32]) -> Vec<f32> {
        let pass = self.pass(weights, key);
        let mut by_u = slope.to_vec();
        if self.residual {
            let size = self.d_v as f32;
            let mean = slope.iter().sum::<f32>() / size;
            let along = dot(slope, &pass.normed) / size;
            for (s, y) in by_u.iter_mut().zip(&pass.normed) {
                *s = (*s - mean - y * along) * pass.inverse;
            }
        }
        let first = &weights[self.hidden * self.d_k..];
        let mut by_hidden = vec![0.0; self.hidden];
        for (row, s) in first.chunks_exact(self.hidden).zip(&by_u) {
            by_hidden.iter_mut().zip(row).for_each(|(sum, w)| *sum += s * w);
        }
        by_hidden.iter_mut().zip(&pass.before).for_each(|(s, h)| *s *= gelu(*h).1);
        let mut gradient = super::matrix::outer(&by_hidden, key);
        gradient.extend(super::matrix::outer(&by_u, &pass.after));
        gradient
    }

    /// Both layers below each other: the rows of W₂, then the columns of W₁, which are as long where d_k = d_v.
    fn image(&self, weights: &[f32], label: &str) -> Image {
        let (second, first) = weights.split_at(self.hidden * self.d_k);
        let columns = self.d_k.max(self.d_v);
        let mut values = Vec::with_capacity(2 * self.hidden * columns);
        for row in second.chunks_exact(self.d_k) {
            values.extend(row);
            values.extend(std::iter::repeat_n(0.0, columns - self.d_k));
        }
        for unit in 0..self.hidden {
            values.extend(first.iter().skip(unit).step_by(self.hidden));
            values.extend(std::iter::repeat_n(0.0, columns - self.d_v));
        }
        let label = label.to_owned();
        Image { rows: 2 * self.hidden, columns, values, label, row: "hidden unit: in, then out", column: "dimension" }
    }
}

/// gelu(x) and its slope.
fn gelu(x: f32) -> (f32, f32) {
    const ROOT: f32 = 0.797_884_6; // √(2/π)
    const CUBE: f32 = 0.044_715;
    let tanh = (ROOT * (x + CUBE * x * x * x)).tanh();
    let slope = 0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * ROOT * (1.0 + 3.0 * CUBE * x * x);
    (0.5 * x * (1.0 + tanh), slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer in f64, written from the formula.
    fn answer(mlp: &Mlp, weights: &[f64], key: &[f64]) -> Vec<f64> {
        let (second, first) = weights.split_at(mlp.hidden * mlp.d_k);
        let product = |rows: &[f64], x: &[f64]| -> Vec<f64> {
            rows.chunks(x.len()).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
        };
        let gelu =
            |x: &f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
        let mut out = product(first, &product(second, key).iter().map(gelu).collect::<Vec<_>>());
        if mlp.residual {
            let mean = out.iter().sum::<f64>() / out.len() as f64;
            let variance = out.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / out.len() as f64;
            out = out.iter().zip(key).map(|(x, k)| k + (x - mean) / (variance + 1e-5).sqrt()).collect();
        }
        out
    }

    #[test]
    fn gradients_are_slopes() {
        for (d_v, residual) in [(3, false), (4, true)] {
            let mlp = Mlp::new(4, d_v, 2, residual, 7);
            let (key, slope) = ([0.3f32, -0.8, 0.4, 0.5], [0.7f32, -1.1, 0.4, 0.9]);
            let weights: Vec<f64> = mlp.initial.iter().map(|w| f64::from(*w)).collect();
            let double = key.map(f64::from);
            let single = mlp.answer(&mlp.initial, &key);
            for (a, b) in single.iter().zip(answer(&mlp, &weights, &double)) {
                assert!((f64::from(*a) - b).abs() < 1e-5, "{a} {b}");
            }
            let gradient = mlp.gradient(&mlp.initial, &key, &slope[..d_v]);
            assert_eq!(gradient.len(), weights.len());
            for i in 0..weights.len() {
                let moved = |by: f64| -> f64 {
                    let mut weights = weights.clone();
                    weights[i] += by;
                    answer(&mlp, &weights, &double).iter().zip(slope).map(|(o, s)| o * f64::from(s)).sum()
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((f64::from(gradient[i]) - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{i}");
            }
        }
    }
}
