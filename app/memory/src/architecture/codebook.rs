//! The discrete key-value bottleneck (Träuble et al. 2023): a key goes through fixed random projections, one per head;
//! each head's nearest code fetches a value, and the answer is their mean. Only fetched values are ever written.
//!
//! Codes begin as the first projected keys. During the warm-up the nearest code follows an exponential mean of what
//! falls to it: N ← g N + (1 - g) n, m ← g m + (1 - g) Σ z, code = m / N, g = 0.95; then codes are frozen. Lab form:
//! values are written from the first pair on, codes that nothing falls to are not moved, and the step on the values is
//! taken so that β = 1 removes the whole error of the answer.

use crate::bias::Loss;
use crate::matrix::dot;
use crate::memory::{Image, Memory};
use crate::pairs::Gaussian;

/// Share of the running mean that stays.
const KEPT: f32 = 0.95;

/// Sizes and rates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub d_k: usize,
    pub d_v: usize,
    pub heads: usize,
    pub codes: usize,
    /// Entries of a code.
    pub width: usize,
    pub warm_up: usize,
    pub beta: f32,
    pub decay: f32,
}

/// Codes and values.
#[derive(Debug, Clone)]
pub(crate) struct Codebook {
    sizes: Sizes,
    loss: Loss,
    /// `[heads, width, d_k]`.
    projections: Vec<f32>,
    /// One per head.
    heads: Vec<Head>,
    writes: usize,
    surprise: Option<f32>,
}

#[derive(Debug, Clone, Default)]
struct Head {
    /// N `[codes so far]` and m `[codes so far, width]`.
    counts: Vec<f32>,
    sums: Vec<f32>,
    /// `[codes so far, d_v]`.
    values: Vec<f32>,
}

impl Head {
    /// The nearest code.
    fn nearest(&self, z: &[f32]) -> Option<usize> {
        let distance = |code: usize| -> f32 {
            let sums = &self.sums[code * z.len()..][..z.len()];
            sums.iter().zip(z).map(|(m, z)| (m / self.counts[code] - z).powi(2)).sum()
        };
        (0..self.counts.len())
            .map(|code| (code, distance(code)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(code, _)| code)
    }
}

impl Codebook {
    pub(crate) fn new(sizes: Sizes, loss: Loss, seed: u64) -> Self {
        let scale = 1.0 / (sizes.d_k as f64).sqrt();
        let count = sizes.heads * sizes.width * sizes.d_k;
        let normal = Gaussian::new(seed, "codebook projections", 0);
        let projections = normal.take(count).map(|x| (scale * x) as f32).collect();
        Self { sizes, loss, projections, heads: vec![Head::default(); sizes.heads], writes: 0, surprise: None }
    }

    fn project(&self, head: usize, key: &[f32]) -> Vec<f32> {
        let size = self.sizes.width * self.sizes.d_k;
        self.projections[head * size..][..size].chunks_exact(self.sizes.d_k).map(|row| dot(row, key)).collect()
    }

    fn mean(&self, query: &[f32]) -> Vec<f32> {
        let d_v = self.sizes.d_v;
        let mut mean = vec![0.0; d_v];
        for (number, head) in self.heads.iter().enumerate() {
            if let Some(code) = head.nearest(&self.project(number, query)) {
                let values = &head.values[code * d_v..][..d_v];
                mean.iter_mut().zip(values).for_each(|(sum, v)| *sum += v / self.sizes.heads as f32);
            }
        }
        mean
    }
}

impl Memory for Codebook {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let Sizes { d_v, codes, width, warm_up, beta, decay, .. } = self.sizes;
        let projected: Vec<Vec<f32>> = (0..self.sizes.heads).map(|head| self.project(head, key)).collect();
        for (head, z) in self.heads.iter_mut().zip(&projected) {
            if self.writes < warm_up {
                if head.counts.len() < codes {
                    head.counts.push(1.0);
                    head.sums.extend(z);
                    head.values.extend(std::iter::repeat_n(0.0, d_v));
                } else if let Some(code) = head.nearest(z) {
                    head.counts[code] = KEPT * head.counts[code] + (1.0 - KEPT);
                    let sums = &mut head.sums[code * width..][..width];
                    sums.iter_mut().zip(z).for_each(|(m, z)| *m = KEPT * *m + (1.0 - KEPT) * z);
                }
            }
            head.values.iter_mut().for_each(|v| *v *= decay);
        }
        let slope = self.loss.derivative(&self.mean(key), value);
        self.surprise = Some(dot(&slope, &slope).sqrt());
        for (head, z) in self.heads.iter_mut().zip(&projected) {
            if let Some(code) = head.nearest(z) {
                let values = &mut head.values[code * d_v..][..d_v];
                values.iter_mut().zip(&slope).for_each(|(v, s)| *v -= beta * s);
            }
        }
        self.writes += 1;
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        self.loss.read_out(self.mean(query))
    }

    fn reset(&mut self) {
        self.heads = vec![Head::default(); self.sizes.heads];
        self.writes = 0;
        self.surprise = None;
    }

    /// Of all codes that there is room for, and of the projections.
    fn bytes(&self) -> usize {
        let Sizes { d_v, heads, codes, width, .. } = self.sizes;
        (heads * codes * (width + d_v) + self.projections.len()) * size_of::<f32>()
    }

    /// The values, head by head.
    fn image(&self) -> Image {
        let values: Vec<f32> = self.heads.iter().flat_map(|head| &head.values).copied().collect();
        Image {
            rows: values.len() / self.sizes.d_v,
            columns: self.sizes.d_v,
            values,
            label: "values of the codes".to_owned(),
            row: "head and code",
            column: "value dimension",
        }
    }

    fn surprise(&self) -> Option<f32> {
        self.surprise
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}
