//! The matrix memory that is always the least-squares fit of all pairs so far (Plackett 1950; as a sequence layer
//! von Oswald et al. 2023, Mesa): min over S of the sum of μ^age |v - S k|² + λ |S|².
//!
//! Mesa's form: the sums A = Σ μ^age k kᵀ and C = Σ μ^age v kᵀ are kept, and S (A + λ I) = C is solved at the border of
//! each chunk; in between the memory answers with the last S. Where nothing is forgotten and every write is solved,
//! P = (A + λ I)⁻¹ follows by the recursion g = P k / (1 + kᵀ P k), S ← S + (v - S k) gᵀ, P ← P - g (P k)ᵀ, which is the
//! same S. The textbook's recursion with forgetting is not used: it fades the ridge with the pairs, so that P grows as
//! μ^-t in the directions that no key spans. In f64: P loses its symmetry and sign otherwise.

use crate::architecture::matrix::picture;
use crate::linear::solve_spd;
use crate::memory::{Image, Memory};

/// S and what finds the next one.
#[derive(Debug, Clone)]
pub(crate) struct LeastSquares {
    d_k: usize,
    d_v: usize,
    ridge: f64,
    forgetting: f64,
    chunk: usize,
    /// `[d_v, d_k]`.
    s: Vec<f64>,
    /// P `[d_k, d_k]` by the recursion, else A.
    square: Vec<f64>,
    /// C `[d_v, d_k]`; empty by the recursion.
    cross: Vec<f64>,
    pending: usize,
    last: Vec<f32>,
    surprise: Option<f32>,
}

impl LeastSquares {
    pub(crate) fn new(d_k: usize, d_v: usize, ridge: f64, forgetting: f64, chunk: usize) -> Self {
        let empty = Vec::new();
        let (s, square, cross, last) = (empty.clone(), empty.clone(), empty, Vec::new());
        let mut memory =
            Self { d_k, d_v, ridge, forgetting, chunk, s, square, cross, pending: 0, last, surprise: None };
        memory.reset();
        memory
    }

    /// Whether P is kept, and not the sums.
    fn recursive(&self) -> bool {
        self.chunk == 1 && self.forgetting == 1.0
    }

    fn errors(&self, key: &[f64], value: &[f32]) -> Vec<f64> {
        let rows = self.s.chunks_exact(self.d_k).zip(value);
        rows.map(|(row, v)| f64::from(*v) - dot(row, key)).collect()
    }

    /// One step of the recursion.
    fn recurse(&mut self, key: &[f64], errors: &[f64]) {
        let pk: Vec<f64> = self.square.chunks_exact(self.d_k).map(|row| dot(row, key)).collect();
        let denominator = 1.0 + dot(&pk, key);
        let gain: Vec<f64> = pk.iter().map(|x| x / denominator).collect();
        for (row, error) in self.s.chunks_exact_mut(self.d_k).zip(errors) {
            row.iter_mut().zip(&gain).for_each(|(cell, g)| *cell += error * g);
        }
        for (row, g) in self.square.chunks_exact_mut(self.d_k).zip(&gain) {
            row.iter_mut().zip(&pk).for_each(|(cell, x)| *cell -= g * x);
        }
        // Rounding would grow along the antisymmetric part.
        for i in 0..self.d_k {
            for j in 0..i {
                let mean = f64::midpoint(self.square[i * self.d_k + j], self.square[j * self.d_k + i]);
                self.square[i * self.d_k + j] = mean;
                self.square[j * self.d_k + i] = mean;
            }
        }
    }

    /// Adds a pair to the sums; solves at the border of a chunk.
    fn collect(&mut self, key: &[f64], value: &[f32]) {
        for (row, k) in self.square.chunks_exact_mut(self.d_k).zip(key) {
            row.iter_mut().zip(key).for_each(|(cell, other)| *cell = self.forgetting * *cell + k * other);
        }
        for (row, v) in self.cross.chunks_exact_mut(self.d_k).zip(value) {
            row.iter_mut().zip(key).for_each(|(cell, k)| *cell = self.forgetting * *cell + f64::from(*v) * k);
        }
        self.pending += 1;
        if self.pending == self.chunk {
            self.pending = 0;
            self.solve();
        }
    }

    fn solve(&mut self) {
        let mut ridged = self.square.clone();
        ridged.iter_mut().step_by(self.d_k + 1).for_each(|cell| *cell += self.ridge);
        // Singular only where the ridge is lost in the rounding of huge keys: the last solution stays.
        if let Some(solution) = solve_spd(&ridged, &self.cross, self.d_k) {
            self.s = solution;
        }
    }
}

impl Memory for LeastSquares {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let key: Vec<f64> = key.iter().map(|k| f64::from(*k)).collect();
        let before = self.s.clone();
        let errors = self.errors(&key, value);
        self.surprise = Some((dot(&errors, &errors) * dot(&key, &key)).sqrt() as f32);
        if self.recursive() {
            self.recurse(&key, &errors);
        } else {
            self.collect(&key, value);
        }
        self.last = self.s.iter().zip(before).map(|(after, before)| (after - before) as f32).collect();
    }

    /// The sums fade, and a memory that solves after each write follows; within a chunk the next border does.
    fn pass(&mut self) {
        if self.recursive() {
            return;
        }
        for cell in self.square.iter_mut().chain(&mut self.cross) {
            *cell *= self.forgetting;
        }
        if self.chunk == 1 {
            self.solve();
        }
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        let query: Vec<f64> = query.iter().map(|q| f64::from(*q)).collect();
        self.s.chunks_exact(self.d_k).map(|row| dot(row, &query) as f32).collect()
    }

    fn reset(&mut self) {
        self.s = vec![0.0; self.d_v * self.d_k];
        self.square = vec![0.0; self.d_k * self.d_k];
        self.cross = Vec::new();
        if self.recursive() {
            self.square.iter_mut().step_by(self.d_k + 1).for_each(|cell| *cell = 1.0 / self.ridge);
        } else {
            self.cross.clone_from(&self.s);
        }
        self.pending = 0;
        self.last = Vec::new();
        self.surprise = None;
    }

    fn bytes(&self) -> usize {
        (self.s.len() + self.square.len() + self.cross.len()) * size_of::<f64>()
    }

    fn image(&self) -> Image {
        picture(self.d_v, self.d_k, self.s.iter().map(|cell| *cell as f32).collect(), "memory")
    }

    fn last_write(&self) -> Option<Image> {
        (!self.last.is_empty()).then(|| picture(self.d_v, self.d_k, self.last.clone(), "added last"))
    }

    fn surprise(&self) -> Option<f32> {
        self.surprise
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
