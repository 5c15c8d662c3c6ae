//! The growing list of pairs: softmax attention (Vaswani et al. 2017), read as kernel regression (Nadaraya 1964; Watson
//! 1964). The weight of pair i is exp(β q.k_i + age log γ) over the sum; with QK-norm keys and queries are made unit
//! vectors for this, and the kernel is then a Gaussian of distance.
//!
//! A constant fit answers with the weighted mean of the values. A linear fit a + B (k - q) minimises the weighted squared
//! error + λ |B|², where the weights add up to 1, and answers with a (local linear regression, Cleveland 1979). Its
//! dual is solved, one system of as many equations as pairs or as key dimensions, whichever are fewer.

use crate::bias::softmax;
use crate::linear::solve_spd;
use crate::matrix::dot;
use crate::memory::{Image, Memory};

/// Which pair goes when the list is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eviction {
    Oldest,
    /// Oldest but the first four.
    Sinks,
    LeastAttention,
}

/// Sinks that stay (Xiao et al. 2023).
const SINKS: usize = 4;

/// How the list is read and bounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub inverse_temperature: f32,
    pub unit: bool,
    pub log_decay: f32,
    /// Ridge of the linear fit; none for the constant one.
    pub linear: Option<f64>,
    pub bound: Option<(usize, Eviction)>,
}

/// The list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    d_k: usize,
    d_v: usize,
    reading: Reading,
    /// `[n, d_k]`, `[n, d_v]`.
    keys: Vec<f32>,
    values: Vec<f32>,
    /// Number of the write of each kept pair, `[n]`.
    written: Vec<usize>,
    /// The time at which each kept pair was written, `[n]`: writes and passed times before it.
    times: Vec<usize>,
    /// Attention that the keys written since gave to each kept pair, `[n]`.
    attention: Vec<f32>,
    writes: usize,
    /// Writes and passed times so far.
    now: usize,
}

impl List {
    pub(crate) fn new(d_k: usize, d_v: usize, reading: Reading) -> Self {
        let (keys, values) = (Vec::new(), Vec::new());
        let (written, times) = (Vec::new(), Vec::new());
        Self { d_k, d_v, reading, keys, values, written, times, attention: Vec::new(), writes: 0, now: 0 }
    }

    /// The share that a query gives to each kept pair.
    fn shares(&self, query: &[f32]) -> Vec<f32> {
        let inverse = |x: &[f32]| if self.reading.unit { 1.0 / dot(x, x).sqrt().max(f32::MIN_POSITIVE) } else { 1.0 };
        let sharpness = self.reading.inverse_temperature * inverse(query);
        let logit = |(key, time): (&[f32], &usize)| {
            let age = (self.now - 1 - time) as f32;
            let product = sharpness * inverse(key) * dot(query, key);
            age.mul_add(self.reading.log_decay, product)
        };
        softmax(&self.keys.chunks_exact(self.d_k).zip(&self.times).map(logit).collect::<Vec<_>>())
    }

    fn mean(&self, shares: &[f32]) -> Vec<f32> {
        let mut mean = vec![0.0; self.d_v];
        for (value, share) in self.values.chunks_exact(self.d_v).zip(shares) {
            mean.iter_mut().zip(value).for_each(|(sum, v)| *sum += share * v);
        }
        mean
    }

    /// a of the linear fit. With keys and values about their weighted means, B solves B (Σ w x xᵀ + λ) = Σ w y xᵀ, and
    /// a = mean of v + B (q - mean of k).
    fn fit_line(&self, query: &[f32], shares: &[f32], ridge: f64) -> Vec<f32> {
        let (d_k, d_v) = (self.d_k, self.d_v);
        let double = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let mean = |rows: &[f32], width: usize| {
            let mut mean = vec![0.0; width];
            for (row, share) in rows.chunks_exact(width).zip(shares) {
                mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*share) * f64::from(*x));
            }
            mean
        };
        let (key_mean, value_mean) = (mean(&self.keys, d_k), mean(&self.values, d_v));
        let centred = |rows: &[f32], mean: &[f64]| -> Vec<f64> {
            rows.iter().zip(mean.iter().cycle()).map(|(x, mean)| f64::from(*x) - mean).collect()
        };
        let (x, y) = (centred(&self.keys, &key_mean), centred(&self.values, &value_mean));
        let to_query: Vec<f64> = double(query).iter().zip(&key_mean).map(|(q, mean)| q - mean).collect();
        let n = shares.len();
        // Weights of the centred values in the answer: c = W X (Xᵀ W X + λ)⁻¹ (q - mean), or by the dual
        // √W (√W X Xᵀ √W + λ)⁻¹ √W X (q - mean).
        let roots: Vec<f64> = shares.iter().map(|share| f64::from(*share).sqrt()).collect();
        let along: Vec<f64> = x.chunks_exact(d_k).map(|x| inner(x, &to_query)).collect();
        let solved = if n <= d_k {
            let mut square = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let product = roots[i] * roots[j] * inner(&x[i * d_k..][..d_k], &x[j * d_k..][..d_k]);
                    square[i * n + j] = product;
                    square[j * n + i] = product;
                }
                square[i * n + i] += ridge;
            }
            let right: Vec<f64> = roots.iter().zip(&along).map(|(root, x)| root * x).collect();
            solve_spd(&square, &right, n).map(|x| x.iter().zip(&roots).map(|(x, root)| x * root).collect::<Vec<f64>>())
        } else {
            let mut square = vec![0.0; d_k * d_k];
            for (x, root) in x.chunks_exact(d_k).zip(&roots) {
                // Below the diagonal: the solver reads no more.
                for (i, (row, a)) in square.chunks_exact_mut(d_k).zip(x).enumerate() {
                    let scaled = root * root * a;
                    row[..=i].iter_mut().zip(x).for_each(|(cell, b)| *cell += scaled * b);
                }
            }
            square.iter_mut().step_by(d_k + 1).for_each(|cell| *cell += ridge);
            solve_spd(&square, &to_query, d_k).map(|solution| {
                x.chunks_exact(d_k).zip(&roots).map(|(x, root)| root * root * inner(x, &solution)).collect()
            })
        };
        let mut answer = value_mean;
        // The ridge is above 0, so there is a solution.
        for (weight, y) in solved.unwrap_or_default().iter().zip(y.chunks_exact(d_v)) {
            answer.iter_mut().zip(y).for_each(|(sum, y)| *sum += weight * y);
        }
        answer.iter().map(|x| *x as f32).collect()
    }

    fn evict(&mut self, budget: usize, eviction: Eviction) {
        while self.written.len() > budget {
            let pair = match eviction {
                Eviction::Oldest => 0,
                Eviction::Sinks => SINKS.min(budget.saturating_sub(1)),
                Eviction::LeastAttention => {
                    // The newest pair has met no query yet: it stays.
                    let met = self.attention.len().saturating_sub(1);
                    let least = self.attention[..met].iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
                    least.map_or(0, |(pair, _)| pair)
                }
            };
            self.keys.drain(pair * self.d_k..(pair + 1) * self.d_k);
            self.values.drain(pair * self.d_v..(pair + 1) * self.d_v);
            self.written.remove(pair);
            self.times.remove(pair);
            self.attention.remove(pair);
        }
    }
}

impl Memory for List {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        if matches!(self.reading.bound, Some((_, Eviction::LeastAttention))) && !self.written.is_empty() {
            let shares = self.shares(key);
            self.attention.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
        self.keys.extend(key);
        self.values.extend(value);
        self.written.push(self.writes);
        self.times.push(self.now);
        self.attention.push(0.0);
        self.writes += 1;
        self.now += 1;
        if let Some((budget, eviction)) = self.reading.bound {
            self.evict(budget, eviction);
        }
    }

    fn pass(&mut self) {
        self.now += 1;
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        if self.written.is_empty() {
            return vec![0.0; self.d_v];
        }
        let shares = self.shares(query);
        match self.reading.linear {
            None => self.mean(&shares),
            Some(ridge) => self.fit_line(query, &shares, ridge),
        }
    }

    fn reset(&mut self) {
        *self = Self::new(self.d_k, self.d_v, self.reading);
    }

    fn bytes(&self) -> usize {
        (self.keys.len() + self.values.len()) * size_of::<f32>()
    }

    fn image(&self) -> Image {
        let rows = self.keys.chunks_exact(self.d_k).zip(self.values.chunks_exact(self.d_v));
        Image {
            rows: self.written.len(),
            columns: self.d_k + self.d_v,
            values: rows.flat_map(|(key, value)| key.iter().chain(value)).copied().collect(),
            label: "stored pairs".to_owned(),
            row: "pair",
            column: "key, then value",
        }
    }

    fn weights(&self, query: &[f32]) -> Option<Vec<f32>> {
        let mut all = vec![0.0; self.writes];
        if !self.written.is_empty() {
            self.written.iter().zip(self.shares(query)).for_each(|(write, share)| all[*write] = share);
        }
        Some(all)
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
