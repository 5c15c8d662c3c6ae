//! A linear state-space memory with HiPPO transitions (Gu et al. 2020, HiPPO; Gu et al. 2021, LSSL): each entry of key
//! and value is a signal over time, and its past is kept as N coefficients of Legendre polynomials.
//!
//! A[n, k] = -√(2n+1) √(2k+1) below the diagonal, -(n+1) on it, 0 above; B[n] = √(2n+1). Scaled (LegS), step t:
//! x ← (I - A/2t)⁻¹ ((I + A/2t) x + (B/t) u). Time-invariant (a layer of LSSL), step Δ: x ← (I - ΔA/2)⁻¹ ((I + ΔA/2) x +
//! Δ B u). A is lower triangular, so this is forward substitution, in f64. The past is Σ xₙ √(2n+1) Pₙ(2z - 1) with
//! z = s/t, or z = exp(-Δ age).
//!
//! Lab form: a query has no time, so the past is rebuilt at every write and attended to, pair by rebuilt pair. What the
//! coefficients do not hold is thus what the answers lack.

use crate::bias::softmax;
use crate::memory::{Image, Memory};

/// How time goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Time {
    /// All of the past on one scale.
    Scaled,
    /// The past fades, by this much per write.
    Invariant(f64),
}

/// The coefficients.
#[derive(Debug, Clone)]
pub(crate) struct StateSpace {
    d_k: usize,
    d_v: usize,
    order: usize,
    time: Time,
    inverse_temperature: f32,
    /// x `[d_k + d_v, order]`.
    x: Vec<f64>,
    /// Time of each write, counted from 1 in writes and passed times, `[writes]`: whose past a read rebuilds.
    times: Vec<usize>,
    /// Writes and passed times so far.
    now: usize,
    last: Vec<f32>,
}

impl StateSpace {
    pub(crate) fn new(d_k: usize, d_v: usize, order: usize, time: Time, inverse_temperature: f32) -> Self {
        let x = vec![0.0; (d_k + d_v) * order];
        Self { d_k, d_v, order, time, inverse_temperature, x, times: Vec::new(), now: 0, last: Vec::new() }
    }

    /// Key and value of each write, as the coefficients tell them: `[writes, d_k + d_v]`.
    fn rebuilt(&self) -> Vec<f32> {
        let places = self.times.iter().map(|time| {
            // The middle of the step in which it was written.
            let age = (self.now - time) as f64 + 0.5;
            match self.time {
                Time::Scaled => 1.0 - age / self.now as f64,
                Time::Invariant(step) => (-step * age).exp(),
            }
        });
        places
            .flat_map(|z| {
                let basis = basis(z, self.order);
                self.x
                    .chunks_exact(self.order)
                    .map(move |x| x.iter().zip(&basis).map(|(x, p)| x * p).sum::<f64>() as f32)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn shares(&self, rebuilt: &[f32], query: &[f32]) -> Vec<f32> {
        let rows = rebuilt.chunks_exact(self.d_k + self.d_v);
        let logits = rows.map(|row| self.inverse_temperature * crate::matrix::dot(&row[..self.d_k], query));
        softmax(&logits.collect::<Vec<_>>())
    }

    fn answer(&self, rebuilt: &[f32], query: &[f32]) -> Vec<f32> {
        let mut answer = vec![0.0; self.d_v];
        for (row, share) in rebuilt.chunks_exact(self.d_k + self.d_v).zip(self.shares(rebuilt, query)) {
            answer.iter_mut().zip(&row[self.d_k..]).for_each(|(sum, v)| *sum += share * v);
        }
        answer
    }

    /// One step of time under the signals `u`.
    fn step(&mut self, u: impl Iterator<Item = f32>) {
        self.now += 1;
        let step = match self.time {
            Time::Scaled => 1.0 / self.now as f64,
            Time::Invariant(step) => step,
        };
        for (x, u) in self.x.chunks_exact_mut(self.order).zip(u) {
            advance(x, f64::from(u), step);
        }
    }

    fn picture(&self, values: Vec<f32>, label: &str) -> Image {
        Image {
            rows: self.d_k + self.d_v,
            columns: self.order,
            values,
            label: label.to_owned(),
            row: "key dimension, then value dimension",
            column: "coefficient",
        }
    }
}

/// √(2n+1) Pₙ(2z - 1) for n = 0 .. order, by the recurrence of the Legendre polynomials.
fn basis(z: f64, order: usize) -> Vec<f64> {
    let y = 2.0 * z - 1.0;
    let mut polynomials = vec![1.0, y];
    for n in 1..order {
        let n = n as f64;
        let next = ((2.0 * n + 1.0) * y * polynomials[polynomials.len() - 1] - n * polynomials[polynomials.len() - 2])
            / (n + 1.0);
        polynomials.push(next);
    }
    polynomials.truncate(order);
    polynomials.iter().enumerate().map(|(n, p)| (2.0 * n as f64 + 1.0).sqrt() * p).collect()
}

/// One bilinear step of x' = A x + B u with step `step`, in place.
///
/// (A x)ₙ = -rₙ (Σ_{k<n} r_k x_k) - (n+1) xₙ with r = √(2n+1), so both sides need running sums alone.
fn advance(x: &mut [f64], u: f64, step: f64) {
    let half = step / 2.0;
    let (mut old_sum, mut new_sum) = (0.0, 0.0);
    for (n, x) in x.iter_mut().enumerate() {
        let (n, root) = (n as f64, (2.0 * n as f64 + 1.0).sqrt());
        let old = *x;
        let right = old - half * (root * old_sum + (n + 1.0) * old) + step * root * u;
        let new = (right - half * root * new_sum) / (1.0 + half * (n + 1.0));
        old_sum += root * old;
        new_sum += root * new;
        *x = new;
    }
}

impl Memory for StateSpace {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let before = self.x.clone();
        self.step(key.iter().chain(value).copied());
        self.times.push(self.now);
        self.last = self.x.iter().zip(before).map(|(after, before)| (after - before) as f32).collect();
    }

    /// The signals are silent for a step; the steps of writes alone are rebuilt.
    fn pass(&mut self) {
        self.step(std::iter::repeat(0.0));
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        self.answer(&self.rebuilt(), query)
    }

    fn reset(&mut self) {
        *self = Self::new(self.d_k, self.d_v, self.order, self.time, self.inverse_temperature);
    }

    fn bytes(&self) -> usize {
        self.x.len() * size_of::<f64>()
    }

    fn image(&self) -> Image {
        self.picture(self.x.iter().map(|x| *x as f32).collect(), "coefficients")
    }

    fn last_write(&self) -> Option<Image> {
        (!self.last.is_empty()).then(|| self.picture(self.last.clone(), "changed last"))
    }

    fn weights(&self, query: &[f32]) -> Option<Vec<f32>> {
        Some(self.shares(&self.rebuilt(), query))
    }

    /// Rebuilds the past once for all queries.
    fn weights_all(&self, queries: &[f32], d_k: usize) -> Option<Vec<f32>> {
        let rebuilt = self.rebuilt();
        let rows = queries.chunks_exact(d_k).flat_map(|query| self.shares(&rebuilt, query));
        (!queries.is_empty()).then(|| rows.collect())
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }

    /// Rebuilds the past once for all queries.
    fn read_all(&self, queries: &[f32], d_k: usize) -> Vec<f32> {
        let rebuilt = self.rebuilt();
        queries.chunks_exact(d_k).flat_map(|query| self.answer(&rebuilt, query)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A of HiPPO-LegS, from its definition.
    fn transition(order: usize) -> Vec<Vec<f64>> {
        let root = |n: usize| (2.0 * n as f64 + 1.0).sqrt();
        let entry = |n: usize, k: usize| match n.cmp(&k) {
            std::cmp::Ordering::Greater => -root(n) * root(k),
            std::cmp::Ordering::Equal => -(n as f64 + 1.0),
            std::cmp::Ordering::Less => 0.0,
        };
        (0..order).map(|n| (0..order).map(|k| entry(n, k)).collect()).collect()
    }

    /// Solves M y = b by Gauss's elimination, M given by rows.
    fn solve(mut m: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for i in 0..n {
            for j in i + 1..n {
                let factor = m[j][i] / m[i][i];
                for k in i..n {
                    m[j][k] -= factor * m[i][k];
                }
                b[j] -= factor * b[i];
            }
        }
        for i in (0..n).rev() {
            let done: f64 = (i + 1..n).map(|k| m[i][k] * b[k]).sum();
            b[i] = (b[i] - done) / m[i][i];
        }
        b
    }

    /// (I + sign step/2 A).
    fn shifted(a: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
        let mut out: Vec<Vec<f64>> = a.iter().map(|row| row.iter().map(|x| by * x).collect()).collect();
        (0..out.len()).for_each(|i| out[i][i] += 1.0);
        out
    }

    fn times(m: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
        m.iter().map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }

    /// The recurrence of the time-invariant layer is the convolution with K_j = Ābarʲ B̄, formed from the matrices.
    #[test]
    fn the_recurrence_is_the_convolution() {
        let (order, step, steps) = (6, 0.2, 25);
        let a = transition(order);
        let b: Vec<f64> = (0..order).map(|n| step * (2.0 * n as f64 + 1.0).sqrt()).collect();
        let signal: Vec<f64> = (0..steps).map(|t| ((t * t) as f64 * 0.37).sin()).collect();
        let mut x = vec![0.0; order];
        for u in &signal {
            advance(&mut x, *u, step);
        }
        let mut kernel = solve(shifted(&a, -step / 2.0), b);
        let mut sum = vec![0.0; order];
        for u in signal.iter().rev() {
            sum.iter_mut().zip(&kernel).for_each(|(sum, k)| *sum += k * u);
            kernel = solve(shifted(&a, -step / 2.0), times(&shifted(&a, step / 2.0), &kernel));
        }
        for (x, sum) in x.iter().zip(&sum) {
            assert!((x - sum).abs() < 1e-9, "{x} {sum}");
        }
    }

    #[test]
    fn the_past_of_two_tones_is_rebuilt() {
        let steps = 400;
        let signal = |t: usize| {
            let s = t as f32 / steps as f32;
            (6.0 * s).sin() + 0.5 * (11.0 * s).cos()
        };
        let mut memory = StateSpace::new(1, 1, 12, Time::Scaled, 8.0);
        (0..steps).for_each(|t| memory.write(&[1.0], &[signal(t)]));
        let rebuilt = memory.rebuilt();
        let (mut error, mut energy) = (0.0f64, 0.0f64);
        for (t, row) in rebuilt.chunks(2).enumerate() {
            error += f64::from(row[1] - signal(t)).powi(2);
            energy += f64::from(signal(t)).powi(2);
        }
        assert!(error / energy < 1e-3, "{}", error / energy);
        // Fewer coefficients hold less.
        let mut coarse = StateSpace::new(1, 1, 2, Time::Scaled, 8.0);
        (0..steps).for_each(|t| coarse.write(&[1.0], &[signal(t)]));
        let coarse: f64 =
            coarse.rebuilt().chunks(2).enumerate().map(|(t, row)| f64::from(row[1] - signal(t)).powi(2)).sum();
        assert!(coarse > 10.0 * error, "{coarse} {error}");
    }

    /// For a constant u the first coefficient goes from x to ((1 - 1/2t) x + u/t) / (1 + 1/2t): after t steps it lacks u
    /// by a factor of 1/3 · 3/5 · 5/7 ... = 1/(2t + 1).
    #[test]
    fn a_constant_worked_by_hand() {
        let mut memory = StateSpace::new(1, 1, 4, Time::Scaled, 8.0);
        (0..9).for_each(|_| memory.write(&[0.5], &[-2.0]));
        for (row, u) in memory.x.chunks(4).zip([0.5, -2.0]) {
            assert!((row[0] - u * (1.0 - 1.0 / 19.0)).abs() < 1e-12, "{row:?}");
        }
    }
}
