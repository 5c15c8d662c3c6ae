//! The gradients of the inner objectives by the error, and their derivatives. Zeros behind an error stay zeros.
#![allow(clippy::inline_always)]

use super::Bias;
use crate::bias::softmax_in_place;
use crate::matrix::dot;

/// What the smooth sign multiplies its argument by: sign(x) = tanh(10 x).
const SHARPNESS: f32 = 10.0;
/// What the smooth |x|^2 adds: |x| = sqrt(x^2 + 1e-6).
const ROUNDING: f32 = 1e-6;

impl Bias {
    /// Whether the gradient asks the memory for the key; else the error is only -v.
    #[inline(always)]
    pub(super) fn reads(self) -> bool {
        !matches!(self, Self::Dot)
    }

    /// Whether the value stands in the gradient beside the error, so that it is not the error alone that counts.
    #[inline(always)]
    pub(super) fn has_value_apart(self) -> bool {
        matches!(self, Self::Kl)
    }

    /// The gradient by the error, g, from the error and the value `[d_v]`.
    #[inline(always)]
    pub(super) fn gradient(self, error: &[f32], value: &[f32], g: &mut [f32]) {
        match self {
            Self::Dot | Self::Squared => g.copy_from_slice(error),
            Self::Lp { p } => {
                for (g, e) in g.iter_mut().zip(error) {
                    *g = p * (SHARPNESS * e).tanh() * (e * e + ROUNDING).powf(0.5 * (p - 1.0));
                }
            }
            Self::Huber { delta } => {
                let length = dot(error, error).sqrt();
                let scale = if length <= delta { 1.0 } else { delta / length };
                for (g, e) in g.iter_mut().zip(error) {
                    *g = scale * e;
                }
            }
            Self::Kl => {
                let (g, behind) = g.split_at_mut(value.len());
                answer(error, value, g);
                softmax_in_place(g);
                g.iter_mut().zip(value).for_each(|(g, v)| *g -= v);
                behind.fill(0.0);
            }
        }
    }

    /// Turns the gradient of the loss by g into that by the error, where the value itself stays as it is.
    #[inline(always)]
    pub(super) fn pull_back(self, error: &[f32], g: &[f32], value: &[f32], d_g: &mut [f32]) {
        match self {
            Self::Dot | Self::Squared => {}
            // d/dx p tanh(c x) r^(p-1) with r = sqrt(x^2 + s):
            // p (c (1 - tanh^2) r^(p-1) + tanh (p - 1) x r^(p-3)).
            Self::Lp { p } => {
                for (d, e) in d_g.iter_mut().zip(error) {
                    let sign = (SHARPNESS * e).tanh();
                    let square = e * e + ROUNDING;
                    let power = square.powf(0.5 * (p - 1.0));
                    let slope = SHARPNESS * (1.0 - sign * sign) + sign * (p - 1.0) * e / square;
                    *d *= p * power * slope;
                }
            }
            // Outside: delta (I - e e^T / |e|^2) / |e|, which is symmetric.
            Self::Huber { delta } => {
                let square = dot(error, error);
                let length = square.sqrt();
                if length > delta {
                    let along = dot(error, d_g) / square;
                    for (d, e) in d_g.iter_mut().zip(error) {
                        *d = delta / length * (*d - along * e);
                    }
                }
            }
            // diag(p) - p p^T, with p = g + v.
            Self::Kl => {
                let p = || g.iter().zip(value).map(|(g, v)| g + v);
                let along: f32 = p().zip(&*d_g).map(|(p, d)| p * d).sum();
                for (d, p) in d_g.iter_mut().zip(p()) {
                    *d = p * (*d - along);
                }
            }
        }
    }
}

/// What the memory answers to the key, from the error.
#[inline(always)]
fn answer(error: &[f32], value: &[f32], to: &mut [f32]) {
    for ((to, e), v) in to.iter_mut().zip(error).zip(value) {
        *to = e + v;
    }
}
