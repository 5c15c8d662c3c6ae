//! The discrete key-value bottleneck (Träuble et al. 2023): a key goes through fixed random projections, one per head;
//! each head's nearest code fetches a value, and the answer is their mean. Only fetched values are ever written.
//!
//! Codes begin as the first projected keys, with N = 1 and m = z. Once all are there, they are, to the end of the warm-up, running
//! k-means: at each write, for every code, N ← g N + (1 - g) n, m ← g m + (1 - g) n z, where n is 1 for the nearest code
//! and 0 for the others; code = m / N, g = 0.95. A code that nothing falls to stands still, and its N fades; below 10⁻³
//! it is dead and begins anew at the present key. Then codes are frozen. Lab form: values are written from the first pair
//! on, a code that begins anew has an empty value, and the step on the values is taken so that β = 1 removes the whole
//! error of the answer.

use crate::bias::Loss;
use crate::matrix::dot;
use crate::memory::{Image, Memory};
use crate::pairs::Gaussian;

/// Share of the running mean that stays.
const KEPT: f32 = 0.95;

/// Running count below which a code is dead: 135 writes without one after it began.
const DEAD: f32 = 1e-3;

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
    /// Whether the error is taken after the values have faded.
    pub at_decayed: bool,
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

    /// Takes in one projected key of the warm-up.
    fn warm(&mut self, z: &[f32], codes: usize, d_v: usize) {
        if self.counts.len() < codes {
            self.counts.push(1.0);
            self.sums.extend(z);
            self.values.extend(std::iter::repeat_n(0.0, d_v));
            return;
        }
        let nearest = self.nearest(z);
        for (code, (count, sums)) in self.counts.iter_mut().zip(self.sums.chunks_exact_mut(z.len())).enumerate() {
            let share = if nearest == Some(code) { 1.0 - KEPT } else { 0.0 };
            *count = KEPT.mul_add(*count, share);
            sums.iter_mut().zip(z).for_each(|(m, z)| *m = KEPT.mul_add(*m, share * z));
        }
        // One at a time, so that no two begin at the same key.
        let least = self.counts.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        if let Some(code) = least.filter(|(_, count)| **count < DEAD).map(|(code, _)| code) {
            self.counts[code] = 1.0;
            self.sums[code * z.len()..][..z.len()].copy_from_slice(z);
            self.values[code * d_v..][..d_v].fill(0.0);
        }
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

    fn fade(&mut self) {
        for v in self.heads.iter_mut().flat_map(|head| &mut head.values) {
            *v *= self.sizes.decay;
        }
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
        let Sizes { d_v, codes, warm_up, beta, at_decayed, .. } = self.sizes;
        let projected: Vec<Vec<f32>> = (0..self.sizes.heads).map(|head| self.project(head, key)).collect();
        if self.writes < warm_up {
            self.heads.iter_mut().zip(&projected).for_each(|(head, z)| head.warm(z, codes, d_v));
        }
        let before = (!at_decayed).then(|| self.mean(key));
        self.fade();
        let slope = self.loss.derivative(&before.unwrap_or_else(|| self.mean(key)), value);
        self.surprise = Some(dot(&slope, &slope).sqrt());
        for (head, z) in self.heads.iter_mut().zip(&projected) {
            if let Some(code) = head.nearest(z) {
                let values = &mut head.values[code * d_v..][..d_v];
                values.iter_mut().zip(&slope).for_each(|(v, s)| *v -= beta * s);
            }
        }
        self.writes += 1;
    }

    /// Values fade; codes have met nothing.
    fn pass(&mut self) {
        self.fade();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One head whose projection is the key itself.
    fn line(warm_up: usize, decay: f32, at_decayed: bool) -> Codebook {
        let sizes = Sizes { d_k: 1, d_v: 1, heads: 1, codes: 2, width: 1, warm_up, beta: 0.5, decay, at_decayed };
        let mut codebook = Codebook::new(sizes, Loss::Squared, 1);
        codebook.projections = vec![1.0];
        codebook
    }

    fn code(codebook: &Codebook, code: usize) -> f32 {
        codebook.heads[0].sums[code] / codebook.heads[0].counts[code]
    }

    #[test]
    fn codes_follow_the_running_means_worked_by_hand() {
        let mut codebook = line(5, 1.0, true);
        for key in [0.0, 1.0, 0.8, 0.2, 0.9] {
            codebook.write(&[key], &[0.0]);
        }
        // N of the first: 1, 0.95, 0.95² + 0.05, and 0.95 of it; of the second: 1, 1, 0.95, 0.95² + 0.05.
        let counts = [0.904_875, 0.9525];
        // m of the first: 0, 0, 0.01, 0.0095; of the second: 1, 0.99, 0.9405, 0.893475 + 0.045.
        let sums = [0.0095, 0.938_475];
        for i in 0..2 {
            assert!((codebook.heads[0].counts[i] - counts[i]).abs() < 1e-6, "{:?}", codebook.heads[0].counts);
            assert!((code(&codebook, i) - sums[i] / counts[i]).abs() < 1e-6, "{i}");
        }
        // Frozen after five.
        let kept = codebook.heads[0].sums.clone();
        codebook.write(&[0.6], &[0.0]);
        assert_eq!(codebook.heads[0].sums, kept);
    }

    #[test]
    fn a_code_that_nothing_falls_to_begins_anew() {
        let mut codebook = line(1000, 1.0, true);
        codebook.write(&[0.0], &[3.0]);
        codebook.write(&[1.0], &[0.0]);
        // 0.95^134 is above 10⁻³ and 0.95^135 below.
        for _ in 0..134 {
            codebook.write(&[1.0], &[0.0]);
        }
        assert_eq!((code(&codebook, 0), codebook.heads[0].values[0]), (0.0, 1.5));
        codebook.write(&[2.0], &[8.0]);
        assert_eq!((code(&codebook, 0), codebook.heads[0].counts[0]), (2.0, 1.0));
        assert_eq!(codebook.read(&[2.0]), [4.0], "half of the way from an empty value");
    }

    /// Value 1 at γ = 1/2 and β = 1/2, then 0: of what is left, 1/4 of 1; or 1/2 less 1/2.
    #[test]
    fn the_error_is_taken_where_it_is_said_to_be() {
        for (at_decayed, expected) in [(true, 0.25), (false, 0.0)] {
            let mut codebook = line(1, 0.5, at_decayed);
            codebook.write(&[1.0], &[2.0]);
            assert_eq!(codebook.read(&[1.0]), [1.0]);
            codebook.write(&[1.0], &[0.0]);
            assert_eq!(codebook.read(&[1.0]), [expected]);
        }
    }
}
