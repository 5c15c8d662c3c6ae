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
//! 4. e' = (dg/de)^T g'; v' = -e', but -g' where g = softmax(e + v) - v; r' = S_(t-1)^T e';
//! 5. alpha'_j = sum_i S'_ij S_(t-1),ij, and S' for the step before is S' diag(alpha) + e' r^T;
//! 6. at the decayed memory k' gains alpha * r' and alpha' gains k * r'; else k' gains r'.
#![allow(clippy::inline_always)]

use macerator::Simd;

use super::inputs::GradientsMut;
use super::recurrence::{Recurrence, Taken};
use super::tile::{self, Tile, Vector, ZERO, all, numbers, numbers_mut, vectors, vectors_mut};
use super::{Bias, Inputs};

/// The rule of `Form::Gradient`. A state is the transpose of S, and with momentum that of M behind it; a step keeps its
/// error.
pub(super) struct Descent {
    pub bias: Bias,
    pub error_at_decayed: bool,
    pub momentum: bool,
    pub d_k: usize,
    pub d_v: usize,
}

/// Vectors of a step.
pub(super) struct Scratch {
    /// Retention of each channel, and the key that the error is read with, `[d_k]`.
    alpha: Vec<f32>,
    read: Vec<f32>,
    /// The gradient by the retention of each channel, `[d_k]`.
    d_alpha: Vec<f32>,
    /// The bias's gradient by the error, and what is written along the key, -beta g, `[d_v]`.
    g: Vec<Tile>,
    write: Vec<Tile>,
    /// The gradient by the write along the key, then by the error, `[d_v]`.
    d_error: Vec<Tile>,
}

impl Descent {
    /// Write strength; retention and read key go to the scratch.
    #[inline(always)]
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

    /// What an error writes along the key, to the scratch.
    #[inline(always)]
    fn written<S: Simd>(&self, x: &Inputs<'_>, beta: f32, error: &[Vector<S>], scratch: &mut Scratch) {
        self.bias.gradient(numbers(error), x.v, numbers_mut(&mut scratch.g));
        tile::scale_to::<S>(vectors_mut(&mut scratch.write), -beta, vectors(&scratch.g));
    }
}

#[inline(always)]
fn negated(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = -from;
    }
}

impl Recurrence for Descent {
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        let [alpha, read, d_alpha] = std::array::from_fn(|_| vec![0.0; self.d_k]);
        let [g, write, d_error] = std::array::from_fn(|_| vec![ZERO; tile::count(self.d_v)]);
        Scratch { alpha, read, d_alpha, g, write, d_error }
    }

    fn size(&self) -> usize {
        tile::count(self.d_v) * self.d_k * if self.momentum { 2 } else { 1 }
    }

    fn kept(&self) -> usize {
        tile::count(self.d_v)
    }

    fn start(&self, state: &mut [Tile]) {
        state.fill(ZERO);
    }

    #[inline(always)]
    fn advance<S: Simd>(
        &self,
        x: &Inputs<'_>,
        state: &mut [Vector<S>],
        error: &mut [Vector<S>],
        out: &mut [Vector<S>],
        scratch: &mut Scratch,
    ) {
        let beta = self.prepare(x, scratch);
        let width = out.len();
        let (s, m) = state.split_at_mut(width * self.d_k);
        tile::fill(error, x.v);
        tile::scale(error, -1.0);
        if self.bias.reads() {
            tile::add_rows(error, s, &scratch.read);
        }
        self.written(x, beta, error, scratch);
        let write = vectors::<S>(&scratch.write);
        for (i, (out, write)) in out.iter_mut().zip(write).enumerate() {
            let columns = scratch.alpha.iter().zip(x.k).zip(x.q);
            let mut sum = all::<S>(0.0);
            if let [eta] = x.momentum {
                let eta = all::<S>(*eta);
                let rows = s.chunks_exact_mut(width).zip(m.chunks_exact_mut(width));
                for ((s, m), ((alpha, k), q)) in rows.zip(columns) {
                    m[i] = eta.mul_add(m[i], all::<S>(*k) * *write);
                    s[i] = all::<S>(*alpha).mul_add(s[i], m[i]);
                    sum = all::<S>(*q).mul_add(s[i], sum);
                }
            } else {
                for (s, ((alpha, k), q)) in s.chunks_exact_mut(width).zip(columns) {
                    s[i] = all::<S>(*alpha).mul_add(s[i], all::<S>(*k) * *write);
                    sum = all::<S>(*q).mul_add(s[i], sum);
                }
            }
            *out = sum;
        }
    }

    #[inline(always)]
    fn again<S: Simd>(
        &self,
        x: &Inputs<'_>,
        before: &[Vector<S>],
        after: &mut [Vector<S>],
        error: &[Vector<S>],
        scratch: &mut Scratch,
    ) {
        let beta = self.prepare(x, scratch);
        self.written(x, beta, error, scratch);
        let write = vectors::<S>(&scratch.write);
        let width = write.len();
        let (s, m) = before.split_at(width * self.d_k);
        let (s_next, m_next) = after.split_at_mut(width * self.d_k);
        let columns = scratch.alpha.iter().zip(x.k);
        let rows = s.chunks_exact(width).zip(s_next.chunks_exact_mut(width));
        if let [eta] = x.momentum {
            let eta = all::<S>(*eta);
            let momenta = m.chunks_exact(width).zip(m_next.chunks_exact_mut(width));
            for (((s, s_next), (m, m_next)), (alpha, k)) in rows.zip(momenta).zip(columns) {
                let (alpha, k) = (all::<S>(*alpha), all::<S>(*k));
                for ((s, s_next), ((m, m_next), write)) in s.iter().zip(s_next).zip(m.iter().zip(m_next).zip(write)) {
                    *m_next = eta.mul_add(*m, k * *write);
                    *s_next = alpha.mul_add(*s, *m_next);
                }
            }
        } else {
            for ((s, s_next), (alpha, k)) in rows.zip(columns) {
                let (alpha, k) = (all::<S>(*alpha), all::<S>(*k));
                for ((s, s_next), write) in s.iter().zip(s_next).zip(write) {
                    *s_next = alpha.mul_add(*s, k * *write);
                }
            }
        }
    }

    #[inline(always)]
    fn retreat<S: Simd>(
        &self,
        x: &Inputs<'_>,
        Taken { before, after, kept: error, d_out }: Taken<'_, S>,
        d_state: &mut [Vector<S>],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Scratch,
    ) {
        let beta = self.prepare(x, scratch);
        self.written(x, beta, error, scratch);
        let width = error.len();
        let matrix = width * self.d_k;
        let (s, m) = before.split_at(matrix);
        let (d_s, d_m) = d_state.split_at_mut(matrix);
        let Scratch { alpha, read, d_alpha, g, write, d_error } = scratch;
        let channels = x.retention.len() > 1;
        let (write, d_error) = (vectors::<S>(write), vectors_mut::<S>(d_error));

        d_error.fill(all::<S>(0.0));
        let columns = x.q.iter().zip(x.k).zip(&mut *d_x.q);
        let rows = d_s.chunks_exact_mut(width).zip(after.chunks_exact(width));
        if self.momentum {
            for (((d_s, s), d_m), ((q, k), d_q)) in rows.zip(d_m.chunks_exact_mut(width)).zip(columns) {
                let (q, k, mut recalled) = (all::<S>(*q), all::<S>(*k), all::<S>(0.0));
                let cells = d_s.iter_mut().zip(s).zip(d_m);
                for (((d_s, s), d_m), (d_out, d_write)) in cells.zip(d_out.iter().zip(&mut *d_error)) {
                    *d_s = q.mul_add(*d_out, *d_s);
                    recalled = s.mul_add(*d_out, recalled);
                    *d_m += *d_s;
                    *d_write = k.mul_add(*d_m, *d_write);
                }
                *d_q = recalled.reduce_add();
            }
        } else {
            for ((d_s, s), ((q, k), d_q)) in rows.zip(columns) {
                let (q, k, mut recalled) = (all::<S>(*q), all::<S>(*k), all::<S>(0.0));
                for ((d_s, s), (d_out, d_write)) in d_s.iter_mut().zip(s).zip(d_out.iter().zip(&mut *d_error)) {
                    *d_s = q.mul_add(*d_out, *d_s);
                    recalled = s.mul_add(*d_out, recalled);
                    *d_write = k.mul_add(*d_s, *d_write);
                }
                *d_q = recalled.reduce_add();
            }
        }
        if let [d_beta] = d_x.strength {
            *d_beta = -tile::dot::<S>(vectors(g), d_error);
        }
        tile::scale(d_error, -beta);
        let apart = self.bias.has_value_apart();
        if apart {
            negated(numbers(d_error), d_x.v);
        }
        self.bias.pull_back(numbers(error), numbers(vectors::<S>(g)), x.v, numbers_mut(d_error));
        if !apart {
            negated(numbers(d_error), d_x.v);
        }
        if !self.bias.reads() {
            d_error.fill(all::<S>(0.0));
        }

        let eta = all::<S>(x.momentum.first().copied().unwrap_or(0.0));
        let [mut carried, mut retained_all] = [all::<S>(0.0); 2];
        let rows = d_s.chunks_exact_mut(width).zip(s.chunks_exact(width));
        let columns = alpha.iter().zip(&*read).zip(x.k).zip(d_x.k.iter_mut().zip(&mut *d_alpha));
        for (j, ((d_s, s), (((alpha, read), k), (d_k, d_alpha)))) in rows.zip(columns).enumerate() {
            let (keep, ask) = (all::<S>(*alpha), all::<S>(*read));
            let [mut along, mut retained, mut asked] = [all::<S>(0.0); 3];
            if self.momentum {
                let row = j * width..(j + 1) * width;
                for ((d_m, m), write) in d_m[row.clone()].iter_mut().zip(&m[row]).zip(write) {
                    along = write.mul_add(*d_m, along);
                    carried = m.mul_add(*d_m, carried);
                    *d_m = eta * *d_m;
                }
            }
            for ((d_s, s), (d_error, write)) in d_s.iter_mut().zip(s).zip(d_error.iter().zip(write)) {
                if !self.momentum {
                    along = write.mul_add(*d_s, along);
                }
                retained = s.mul_add(*d_s, retained);
                asked = s.mul_add(*d_error, asked);
                *d_s = keep.mul_add(*d_s, ask * *d_error);
            }
            if self.error_at_decayed {
                retained = all::<S>(*k).mul_add(asked, retained);
                asked = keep * asked;
            }
            *d_k = (along + asked).reduce_add();
            if channels {
                *d_alpha = retained.reduce_add();
            } else {
                retained_all += retained;
            }
        }
        if let [d_eta] = d_x.momentum {
            *d_eta = carried.reduce_add();
        }
        match &mut *d_x.retention {
            [] => {}
            [all] => *all = retained_all.reduce_add(),
            channels => channels.copy_from_slice(d_alpha),
        }
    }
}
