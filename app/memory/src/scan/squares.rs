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
//! P is symmetric, so that only the symmetric part of P' counts, and only that is kept. Both stay symmetric to the bit,
//! since each sum here is rounded alike for (i, j) and (j, i), and must: a step divides by alpha, which the write makes
//! good in the symmetric part alone, so that an asymmetry of one rounding would grow as alpha^-t.

#![allow(clippy::inline_always)]

use macerator::Simd;

use super::Inputs;
use super::inputs::GradientsMut;
use super::recurrence::{Recurrence, Taken};
use super::tile::{self, Tile, Vector, ZERO, all, numbers, numbers_mut, vectors, vectors_mut};

/// The rule of `Form::LeastSquares`. A state is the transpose of S and behind it P `[d_k, d_k]`; a step keeps u and
/// then e.
pub(super) struct Squares {
    pub ridge: f32,
    pub d_k: usize,
    pub d_v: usize,
}

/// Vectors of a step.
pub(super) struct Scratch {
    /// The key in tiles, the gradient by u, and H u, `[d_k]` each.
    key: Vec<Tile>,
    d_u: Vec<Tile>,
    product: Vec<Tile>,
    /// What is written along u, -z e, and the gradient by the error, `[d_v]` each.
    write: Vec<Tile>,
    d_error: Vec<Tile>,
}

/// The numbers of a step.
struct Scalars {
    beta: f32,
    alpha: f32,
    /// k . u
    overlap: f32,
    /// alpha + beta k . u
    c: f32,
    /// beta / c
    z: f32,
}

impl Squares {
    /// The step's numbers; the key goes to the scratch.
    #[inline(always)]
    fn prepare<S: Simd>(x: &Inputs<'_>, u: &[Vector<S>], scratch: &mut Scratch) -> Scalars {
        tile::fill(&mut scratch.key, x.k);
        let [beta, alpha] = [x.strength, x.retention].map(|given| given.first().copied().unwrap_or(1.0));
        let overlap = tile::dot::<S>(vectors(&scratch.key), u);
        let c = alpha + beta * overlap;
        Scalars { beta, alpha, overlap, c, z: beta / c }
    }
}

impl Recurrence for Squares {
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        let [key, d_u, product] = std::array::from_fn(|_| vec![ZERO; tile::count(self.d_k)]);
        let [write, d_error] = std::array::from_fn(|_| vec![ZERO; tile::count(self.d_v)]);
        Scratch { key, d_u, product, write, d_error }
    }

    fn size(&self) -> usize {
        (tile::count(self.d_v) + tile::count(self.d_k)) * self.d_k
    }

    fn kept(&self) -> usize {
        tile::count(self.d_k) + tile::count(self.d_v)
    }

    fn start(&self, state: &mut [Tile]) {
        state.fill(ZERO);
        let p = numbers_mut(&mut state[tile::count(self.d_v) * self.d_k..]);
        let row = tile::count(self.d_k) * tile::WIDTH;
        for diagonal in p.iter_mut().step_by(row + 1) {
            *diagonal = self.ridge.recip();
        }
    }

    #[inline(always)]
    fn advance<S: Simd>(
        &self,
        x: &Inputs<'_>,
        state: &mut [Vector<S>],
        kept: &mut [Vector<S>],
        out: &mut [Vector<S>],
        scratch: &mut Scratch,
    ) {
        let width = out.len();
        let (s, p) = state.split_at_mut(width * self.d_k);
        let (u, error) = kept.split_at_mut(kept.len() - width);
        // P is symmetric: a sum of its rows is P k.
        u.fill(all::<S>(0.0));
        tile::add_rows(u, p, x.k);
        let Scalars { alpha, z, .. } = Self::prepare(x, u, scratch);
        tile::fill(error, x.v);
        tile::scale(error, -1.0);
        tile::add_rows(error, s, x.k);
        for (i, (out, e)) in out.iter_mut().zip(&*error).enumerate() {
            let write = all::<S>(-z) * *e;
            let mut sum = all::<S>(0.0);
            for (s, (u, q)) in s.chunks_exact_mut(width).zip(numbers(u).iter().zip(x.q)) {
                s[i] = all::<S>(*u).mul_add(write, s[i]);
                sum = all::<S>(*q).mul_add(s[i], sum);
            }
            *out = sum;
        }
        let (grown, z) = (all::<S>(alpha.recip()), all::<S>(-z));
        for (p, u_j) in p.chunks_exact_mut(u.len()).zip(numbers(u)) {
            let u_j = all::<S>(*u_j);
            for (p, u_i) in p.iter_mut().zip(&*u) {
                *p = z.mul_add(u_j * *u_i, *p) * grown;
            }
        }
    }

    #[inline(always)]
    fn again<S: Simd>(
        &self,
        x: &Inputs<'_>,
        before: &[Vector<S>],
        after: &mut [Vector<S>],
        kept: &[Vector<S>],
        scratch: &mut Scratch,
    ) {
        let width = vectors::<S>(&scratch.write).len();
        let (u, error) = kept.split_at(kept.len() - width);
        let Scalars { alpha, z, .. } = Self::prepare(x, u, scratch);
        let (s, p) = before.split_at(width * self.d_k);
        let (s_next, p_next) = after.split_at_mut(width * self.d_k);
        let write = vectors_mut::<S>(&mut scratch.write);
        tile::scale_to(write, -z, error);
        for ((s, s_next), u) in s.chunks_exact(width).zip(s_next.chunks_exact_mut(width)).zip(numbers(u)) {
            let u = all::<S>(*u);
            for ((s, s_next), write) in s.iter().zip(s_next).zip(&*write) {
                *s_next = u.mul_add(*write, *s);
            }
        }
        let (grown, z) = (all::<S>(alpha.recip()), all::<S>(-z));
        let rows = p.chunks_exact(u.len()).zip(p_next.chunks_exact_mut(u.len()));
        for ((p, p_next), u_j) in rows.zip(numbers(u)) {
            let u_j = all::<S>(*u_j);
            for ((p, p_next), u_i) in p.iter().zip(p_next).zip(u) {
                *p_next = z.mul_add(u_j * *u_i, *p) * grown;
            }
        }
    }

    #[inline(always)]
    fn retreat<S: Simd>(
        &self,
        x: &Inputs<'_>,
        Taken { before, after, kept, d_out }: Taken<'_, S>,
        d_state: &mut [Vector<S>],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Scratch,
    ) {
        let width = d_out.len();
        let (u, error) = kept.split_at(kept.len() - width);
        let Scalars { beta, alpha, overlap, c, z } = Self::prepare(x, u, scratch);
        let matrix = width * self.d_k;
        let [(s, p), (s_next, p_next)] = [before.split_at(matrix), after.split_at(matrix)];
        let (d_s, d_p) = d_state.split_at_mut(matrix);
        let Scratch { key, d_u, product, write: _, d_error } = scratch;
        let key = vectors::<S>(key);
        let [d_u, product, d_error] = [d_u, product, d_error].map(|tiles| vectors_mut::<S>(tiles));

        d_error.fill(all::<S>(0.0));
        let rows = d_s.chunks_exact_mut(width).zip(s_next.chunks_exact(width));
        let columns = x.q.iter().zip(numbers(u)).zip(d_x.q.iter_mut().zip(numbers_mut(d_u)));
        for ((d_s, s), ((q, u), (d_q, d_u))) in rows.zip(columns) {
            let (q, u, [mut recalled, mut written]) = (all::<S>(*q), all::<S>(*u), [all::<S>(0.0); 2]);
            let cells = d_s.iter_mut().zip(s).zip(d_out);
            for (((d_s, s), d_out), (e, d_e)) in cells.zip(error.iter().zip(&mut *d_error)) {
                *d_s = q.mul_add(*d_out, *d_s);
                recalled = s.mul_add(*d_out, recalled);
                written = e.mul_add(*d_s, written);
                *d_e = u.mul_add(*d_s, *d_e);
            }
            *d_q = recalled.reduce_add();
            *d_u = -z * written.reduce_add();
        }
        let mut d_z = -tile::dot(error, d_error);

        let (grown, mut d_grown) = (all::<S>(alpha.recip()), all::<S>(0.0));
        product.fill(all::<S>(0.0));
        let depth = u.len();
        let rows = d_p.chunks_exact_mut(depth).zip(p_next.chunks_exact(depth));
        for ((d_p, p), u) in rows.zip(numbers(u)) {
            let u = all::<S>(*u);
            for ((d_p, p), product) in d_p.iter_mut().zip(p).zip(&mut *product) {
                *d_p = grown * *d_p;
                d_grown = p.mul_add(*d_p, d_grown);
                *product = u.mul_add(*d_p, *product);
            }
        }
        d_z -= tile::dot(u, product);
        let d_c = -d_z * z / c;
        tile::add(d_u, -2.0 * z, product);
        tile::add(d_u, d_c * beta, key);
        if let [d] = d_x.strength {
            *d = d_z / c + d_c * overlap;
        }
        if let [d] = d_x.retention {
            *d = d_c - d_grown.reduce_add();
        }

        tile::scale(d_error, -z);
        for (d_v, d_e) in d_x.v.iter_mut().zip(numbers(d_error)) {
            *d_v = -d_e;
        }
        let rows = d_s.chunks_exact_mut(width).zip(s.chunks_exact(width));
        for ((d_s, s), ((u, k), d_k)) in rows.zip(numbers(u).iter().zip(x.k).zip(&mut *d_x.k)) {
            let (k, mut asked) = (all::<S>(*k), all::<S>(0.0));
            for ((d_s, s), d_e) in d_s.iter_mut().zip(s).zip(&*d_error) {
                asked = s.mul_add(*d_e, asked);
                *d_s = k.mul_add(*d_e, *d_s);
            }
            *d_k = d_c * beta * u + asked.reduce_add();
        }
        let rows = d_p.chunks_exact_mut(depth).zip(p.chunks_exact(depth));
        for ((d_p, p), ((k, d_u_j), d_k)) in rows.zip(x.k.iter().zip(numbers(d_u)).zip(&mut *d_x.k)) {
            let (half_k, half_u, mut sum) = (all::<S>(0.5 * k), all::<S>(0.5 * d_u_j), all::<S>(0.0));
            for ((d_p, p), (d_u, key)) in d_p.iter_mut().zip(p).zip(d_u.iter().zip(key)) {
                sum = p.mul_add(*d_u, sum);
                *d_p += half_k * *d_u + half_u * *key;
            }
            *d_k += sum.reduce_add();
        }
    }
}
