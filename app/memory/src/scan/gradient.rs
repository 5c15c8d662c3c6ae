//! Steps down the gradient of a bias, and their adjoint.
//!
//! With r = alpha * k (entry by entry) where the error is taken at the decayed memory and r = k where it is taken at
//! the memory before:
//!
//! e = S_(t-1) r - v (only -v for the dot product), g = g(e), U = -beta g k^T,
//! M_t = eta M_(t-1) + U, S_t = S_(t-1) diag(alpha) + M_t; without momentum M_t is U; o = S_t q.
//!
//! Write X' for the gradient of the loss by X. Backwards, S' and M' beginning at what later steps ask for:
//!
//! 1. q' = S_t^T o', and S' gains o' q^T;
//! 2. M' gains S'; eta' = <M', M_(t-1)>; U' = M'; then M' for the step before is eta M';
//! 3. w = U' k; beta' = -g . w; g' = -beta w; k' = -beta U'^T g;
//! 4. e' = (dg/de)^T g'; v' = -e'; r' = S_(t-1)^T e';
//! 5. alpha'_j = sum_i S'_ij S_(t-1),ij, and S' for the step before is S' diag(alpha) + e' r^T;
//! 6. at the decayed memory k' gains alpha * r' and alpha' gains k * r'; else k' gains r'.

use super::inputs::{GradientsMut, Takes};
use super::recurrence::{Recurrence, Taken};
use super::{Bias, Inputs};
use crate::matrix::dot;

/// The rule of `Form::Gradient`. A state is S, and with momentum M behind it; a step keeps its error.
pub(super) struct Descent {
    pub bias: Bias,
    pub error_at_decayed: bool,
    pub momentum: bool,
    pub d_k: usize,
    pub d_v: usize,
}

/// Vectors of a step.
pub(super) struct Scratch {
    /// Retention of each channel, `[d_k]`.
    alpha: Vec<f32>,
    /// The key that the error is read with, `[d_k]`, and the gradient by it.
    read: Vec<f32>,
    d_read: Vec<f32>,
    /// The gradient of the bias by the error, `[d_v]`, and the gradient of the loss by that or by the error.
    g: Vec<f32>,
    d_g: Vec<f32>,
    /// The gradient by the retention of each channel, `[d_k]`.
    d_alpha: Vec<f32>,
}

impl Descent {
    /// Write strength; retention and read key go to the scratch.
    fn prepare(&self, x: &Inputs<'_>, scratch: &mut Scratch) -> f32 {
        match *x.retention {
            [] => scratch.alpha.fill(1.0),
            [all] => scratch.alpha.fill(all),
            ref channels => scratch.alpha.copy_from_slice(channels),
        }
        scratch.read.copy_from_slice(x.k);
        if self.error_at_decayed {
            for (read, alpha) in scratch.read.iter_mut().zip(&scratch.alpha) {
                *read *= alpha;
            }
        }
        x.strength.first().copied().unwrap_or(1.0)
    }
}

impl Recurrence for Descent {
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        let [alpha, read, d_read, d_alpha] = std::array::from_fn(|_| vec![0.0; self.d_k]);
        let [g, d_g] = std::array::from_fn(|_| vec![0.0; self.d_v]);
        Scratch { alpha, read, d_read, g, d_g, d_alpha }
    }

    fn takes(&self) -> Takes {
        Takes { channels: true, momentum: self.momentum }
    }

    fn size(&self) -> usize {
        self.d_v * self.d_k * if self.momentum { 2 } else { 1 }
    }

    fn kept(&self) -> usize {
        self.d_v
    }

    fn start(&self, state: &mut [f32]) {
        state.fill(0.0);
    }

    fn advance(&self, x: &Inputs<'_>, before: &[f32], after: &mut [f32], error: &mut [f32], scratch: &mut Scratch) {
        let d_k = self.d_k;
        let beta = self.prepare(x, scratch);
        let (s, m) = before.split_at(self.d_v * d_k);
        let (s_next, m_next) = after.split_at_mut(self.d_v * d_k);
        if self.bias.reads() {
            for ((e, v), s) in error.iter_mut().zip(x.v).zip(s.chunks_exact(d_k)) {
                *e = dot(s, &scratch.read) - v;
            }
        } else {
            for (e, v) in error.iter_mut().zip(x.v) {
                *e = -v;
            }
        }
        self.bias.gradient(error, &mut scratch.g);
        for (i, ((g, s), next)) in
            scratch.g.iter().zip(s.chunks_exact(d_k)).zip(s_next.chunks_exact_mut(d_k)).enumerate()
        {
            let write = -beta * g;
            let columns = s.iter().zip(&scratch.alpha).zip(x.k);
            if self.momentum {
                let eta = x.momentum[0];
                let row = i * d_k..(i + 1) * d_k;
                let momenta = m[row.clone()].iter().zip(&mut m_next[row]);
                for ((next, ((s, alpha), k)), (m, m_next)) in next.iter_mut().zip(columns).zip(momenta) {
                    *m_next = eta * m + write * k;
                    *next = alpha * s + *m_next;
                }
            } else {
                for (next, ((s, alpha), k)) in next.iter_mut().zip(columns) {
                    *next = alpha * s + write * k;
                }
            }
        }
    }

    fn recall(&self, x: &Inputs<'_>, after: &[f32], out: &mut [f32]) {
        for (out, s) in out.iter_mut().zip(after.chunks_exact(self.d_k)) {
            *out = dot(s, x.q);
        }
    }

    fn retreat(
        &self,
        x: &Inputs<'_>,
        Taken { before, after, kept: error }: Taken<'_>,
        d_out: &[f32],
        d_state: &mut [f32],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Scratch,
    ) {
        let d_k = self.d_k;
        let beta = self.prepare(x, scratch);
        let (s, m) = before.split_at(self.d_v * d_k);
        let (d_s, d_m) = d_state.split_at_mut(self.d_v * d_k);
        let Scratch { alpha, read, d_read, g, d_g, d_alpha } = scratch;
        self.bias.gradient(error, g);

        for (i, ((d_s, d_out), s_next)) in d_s.chunks_exact_mut(d_k).zip(d_out).zip(after.chunks_exact(d_k)).enumerate()
        {
            for (((d_s, q), d_q), s) in d_s.iter_mut().zip(x.q).zip(&mut *d_x.q).zip(s_next) {
                *d_s += d_out * q;
                *d_q += d_out * s;
            }
            d_g[i] = if self.momentum {
                let d_m = &mut d_m[i * d_k..][..d_k];
                for (d_m, d_s) in d_m.iter_mut().zip(&*d_s) {
                    *d_m += d_s;
                }
                dot(d_m, x.k)
            } else {
                dot(d_s, x.k)
            };
        }
        if let [d_beta] = d_x.strength {
            *d_beta = -dot(g, d_g);
        }
        for d in d_g.iter_mut() {
            *d *= -beta;
        }
        self.bias.pull_back(error, d_g);
        for (d_v, d_e) in d_x.v.iter_mut().zip(&*d_g) {
            *d_v = -d_e;
        }

        d_read.fill(0.0);
        d_alpha.fill(0.0);
        let mut d_eta = 0.0;
        for (i, (d_s, s)) in d_s.chunks_exact_mut(d_k).zip(s.chunks_exact(d_k)).enumerate() {
            let write = -beta * g[i];
            let d_error = if self.bias.reads() { d_g[i] } else { 0.0 };
            if self.momentum {
                let row = i * d_k..(i + 1) * d_k;
                let d_m = &mut d_m[row.clone()];
                d_eta += dot(d_m, &m[row]);
                for (d_k, d_m) in d_x.k.iter_mut().zip(&mut *d_m) {
                    *d_k += write * *d_m;
                    *d_m *= x.momentum[0];
                }
            } else {
                for (d_k, d_s) in d_x.k.iter_mut().zip(&*d_s) {
                    *d_k += write * d_s;
                }
            }
            let columns = s.iter().zip(&*alpha).zip(&*read);
            for (((d_s, d_alpha), d_read), ((s, alpha), read)) in
                d_s.iter_mut().zip(&mut *d_alpha).zip(&mut *d_read).zip(columns)
            {
                *d_alpha += *d_s * s;
                *d_read += d_error * s;
                *d_s = alpha * *d_s + d_error * read;
            }
        }
        if let [d] = d_x.momentum {
            *d = d_eta;
        }
        if self.error_at_decayed {
            for (((d_read, alpha), d_alpha), k) in d_read.iter_mut().zip(alpha).zip(&mut *d_alpha).zip(x.k) {
                *d_alpha += k * *d_read;
                *d_read *= *alpha;
            }
        }
        for (d_k, d_read) in d_x.k.iter_mut().zip(d_read) {
            *d_k += *d_read;
        }
        match &mut *d_x.retention {
            [] => {}
            [all] => *all = d_alpha.iter().sum(),
            channels => channels.copy_from_slice(d_alpha),
        }
    }
}
