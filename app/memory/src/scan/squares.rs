//! Recursive least squares with forgetting, and its adjoint.
//!
//! S_t minimises, exactly, sum_i w_(t,i) |S k_i - v_i|^2 + w_(t,0) ridge |S|^2, where a pair enters with weight beta_i
//! and every step multiplies all earlier weights, also the ridge's, by alpha. Step by step, with P_0 = I / ridge:
//!
//! u = P_(t-1) k, c = alpha + beta k . u, z = beta / c, e = S_(t-1) k - v,
//! S_t = S_(t-1) - z e u^T, P_t = (P_(t-1) - z u u^T) / alpha, o = S_t q.
//!
//! Write X' for the gradient of the loss by X, and H = P' / alpha with the P' that later steps ask for. Backwards:
//!
//! 1. q' = S_t^T o', and S' gains o' q^T;
//! 2. e' = -z S' u; u' = -z S'^T e; z' = -e . S' u;
//! 3. u' gains -2 z H u; z' gains -u . H u; alpha' = -<H, P_t>;
//! 4. c' = -z' z / c; beta' = z' / c + c' k . u; alpha' gains c'; k' = c' beta u; u' gains c' beta k;
//! 5. v' = -e'; k' gains S_(t-1)^T e'; S' for the step before is S' + e' k^T;
//! 6. k' gains P_(t-1) u'; P' for the step before is H + (u' k^T + k u'^T) / 2.
//!
//! P is symmetric, so that only the symmetric part of P' counts, and only that is kept. z u_i u_j is rounded alike for
//! (i, j) and (j, i), so that P stays symmetric to the bit.

use super::Inputs;
use super::inputs::{GradientsMut, Takes};
use super::recurrence::{Recurrence, Taken};
use crate::matrix::dot;

/// The rule of `Form::LeastSquares`. A state is S and behind it P `[d_k, d_k]`; a step keeps u and then e.
pub(super) struct Squares {
    pub ridge: f32,
    pub d_k: usize,
    pub d_v: usize,
}

/// Vectors of a step on the way back.
pub(super) struct Scratch {
    /// H u, then the gradient by u, each `[d_k]`.
    product: Vec<f32>,
    d_u: Vec<f32>,
    /// S' u, then the gradient by e, `[d_v]`.
    d_e: Vec<f32>,
}

/// beta, alpha and c of a step.
fn scalars(x: &Inputs<'_>, u: &[f32]) -> [f32; 3] {
    let [beta, alpha] = [x.strength, x.retention].map(|given| given.first().copied().unwrap_or(1.0));
    [beta, alpha, alpha + beta * dot(x.k, u)]
}

impl Recurrence for Squares {
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        Scratch { product: vec![0.0; self.d_k], d_u: vec![0.0; self.d_k], d_e: vec![0.0; self.d_v] }
    }

    fn takes(&self) -> Takes {
        Takes { channels: false, momentum: false }
    }

    fn size(&self) -> usize {
        (self.d_v + self.d_k) * self.d_k
    }

    fn kept(&self) -> usize {
        self.d_k + self.d_v
    }

    fn start(&self, state: &mut [f32]) {
        state.fill(0.0);
        let p = &mut state[self.d_v * self.d_k..];
        for diagonal in p.iter_mut().step_by(self.d_k + 1) {
            *diagonal = self.ridge.recip();
        }
    }

    fn advance(&self, x: &Inputs<'_>, before: &[f32], after: &mut [f32], kept: &mut [f32], _: &mut Scratch) {
        let d_k = self.d_k;
        let (s, p) = before.split_at(self.d_v * d_k);
        let (s_next, p_next) = after.split_at_mut(self.d_v * d_k);
        let (u, e) = kept.split_at_mut(d_k);
        for (u, row) in u.iter_mut().zip(p.chunks_exact(d_k)) {
            *u = dot(row, x.k);
        }
        let [beta, alpha, c] = scalars(x, u);
        let z = beta / c;
        let rows = s.chunks_exact(d_k).zip(s_next.chunks_exact_mut(d_k));
        for ((e, v), (row, next)) in e.iter_mut().zip(x.v).zip(rows) {
            *e = dot(row, x.k) - v;
            let write = -z * *e;
            for ((next, s), u) in next.iter_mut().zip(row).zip(&*u) {
                *next = s + write * u;
            }
        }
        let grown = alpha.recip();
        for ((u_i, row), next) in u.iter().zip(p.chunks_exact(d_k)).zip(p_next.chunks_exact_mut(d_k)) {
            for ((next, p), u_j) in next.iter_mut().zip(row).zip(&*u) {
                *next = (p - z * (u_i * u_j)) * grown;
            }
        }
    }

    fn recall(&self, x: &Inputs<'_>, after: &[f32], out: &mut [f32]) {
        for (out, row) in out.iter_mut().zip(after.chunks_exact(self.d_k)) {
            *out = dot(row, x.q);
        }
    }

    fn retreat(
        &self,
        x: &Inputs<'_>,
        Taken { before, after, kept }: Taken<'_>,
        d_out: &[f32],
        d_state: &mut [f32],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Scratch,
    ) {
        let d_k = self.d_k;
        let split = self.d_v * d_k;
        let [(s, p), (s_next, p_next)] = [before.split_at(split), after.split_at(split)];
        let (d_s, d_p) = d_state.split_at_mut(split);
        let (u, e) = kept.split_at(d_k);
        let Scratch { product, d_u, d_e } = scratch;
        let [beta, alpha, c] = scalars(x, u);
        let z = beta / c;

        d_u.fill(0.0);
        let rows = d_s.chunks_exact_mut(d_k).zip(s_next.chunks_exact(d_k));
        for (((d_s, s), (d_out, e)), d_e) in rows.zip(d_out.iter().zip(e)).zip(&mut *d_e) {
            for (((d_s, q), d_q), s) in d_s.iter_mut().zip(x.q).zip(&mut *d_x.q).zip(s) {
                *d_s += d_out * q;
                *d_q += d_out * s;
            }
            *d_e = dot(d_s, u);
            let write = -z * e;
            for (d_u, d_s) in d_u.iter_mut().zip(&*d_s) {
                *d_u += write * d_s;
            }
        }
        let mut d_z = -dot(e, d_e);

        let grown = alpha.recip();
        let mut d_alpha = 0.0;
        for ((d_p, p), product) in d_p.chunks_exact_mut(d_k).zip(p_next.chunks_exact(d_k)).zip(&mut *product) {
            for d in d_p.iter_mut() {
                *d *= grown;
            }
            d_alpha -= dot(d_p, p);
            *product = dot(d_p, u);
        }
        d_z -= dot(u, product);
        let d_c = -d_z * z / c;
        for (((d_u, product), k), (d_k, u)) in d_u.iter_mut().zip(&*product).zip(x.k).zip(d_x.k.iter_mut().zip(u)) {
            *d_u += d_c * beta * k - 2.0 * z * product;
            *d_k += d_c * beta * u;
        }
        if let [d] = d_x.strength {
            *d = d_z / c + d_c * dot(x.k, u);
        }
        if let [d] = d_x.retention {
            *d = d_alpha + d_c;
        }

        let rows = d_s.chunks_exact_mut(d_k).zip(s.chunks_exact(d_k));
        for (((d_s, s), d_e), d_v) in rows.zip(&mut *d_e).zip(&mut *d_x.v) {
            *d_e *= -z;
            *d_v = -*d_e;
            for (((d_s, k), d_k), s) in d_s.iter_mut().zip(x.k).zip(&mut *d_x.k).zip(s) {
                *d_s += *d_e * k;
                *d_k += *d_e * s;
            }
        }
        let rows = d_p.chunks_exact_mut(d_k).zip(p.chunks_exact(d_k));
        for ((i, (d_p, p)), d_k) in rows.enumerate().zip(&mut *d_x.k) {
            *d_k += dot(p, d_u);
            let (half_u, half_k) = (0.5 * d_u[i], 0.5 * x.k[i]);
            for ((d_p, k), d_u) in d_p.iter_mut().zip(x.k).zip(&*d_u) {
                *d_p += half_u * k + half_k * d_u;
            }
        }
    }
}
