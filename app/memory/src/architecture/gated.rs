//! The gated matrix: mLSTM (Beck et al. 2024, xLSTM, eq. 19 to 27) with gates that are numbers and not learned.
//!
//! S ← f S + i v kᵀ, z ← f z + i k, o = S q / max(|z·q|, 1). The forget gate f is the retention. The input gate i is 1,
//! or (lab form, no paper's) the novelty of the pair: 1 - max(0, cosine of what is answered and the value), so that what
//! is known is not written again.

use super::matrix::{outer, picture};
use crate::matrix::dot;
use crate::memory::{Image, Memory};
use crate::retention::Keep;

/// S, and the normaliser.
#[derive(Debug, Clone)]
pub(crate) struct Gated {
    d_k: usize,
    d_v: usize,
    forget: Keep,
    novelty: bool,
    s: Vec<f32>,
    z: Vec<f32>,
    last: Vec<f32>,
}

impl Gated {
    pub(crate) fn new(d_k: usize, d_v: usize, forget: Keep, novelty: bool) -> Self {
        Self { d_k, d_v, forget, novelty, s: vec![0.0; d_v * d_k], z: vec![0.0; d_k], last: Vec::new() }
    }
}

impl Memory for Gated {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        let gate = if self.novelty { 1.0 - cosine(&self.read(key), value).max(0.0) } else { 1.0 };
        let (added, to_z): (Vec<f32>, Vec<f32>) =
            (outer(value, key).iter().map(|x| gate * x).collect(), key.iter().map(|k| gate * k).collect());
        self.forget.advance(&mut self.s, &mut [], &added, self.d_k);
        self.forget.advance(&mut self.z, &mut [], &to_z, self.d_k);
        self.last = added;
    }

    fn pass(&mut self) {
        self.forget.advance(&mut self.s, &mut [], &vec![0.0; self.d_v * self.d_k], self.d_k);
        self.forget.advance(&mut self.z, &mut [], &vec![0.0; self.d_k], self.d_k);
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        let norm = dot(&self.z, query).abs().max(1.0);
        self.s.chunks_exact(self.d_k).map(|row| dot(row, query) / norm).collect()
    }

    fn reset(&mut self) {
        *self = Self::new(self.d_k, self.d_v, self.forget.clone(), self.novelty);
    }

    fn bytes(&self) -> usize {
        (self.s.len() + self.z.len()) * size_of::<f32>()
    }

    fn image(&self) -> Image {
        picture(self.d_v, self.d_k, self.s.clone(), "memory")
    }

    fn last_write(&self) -> Option<Image> {
        (!self.last.is_empty()).then(|| picture(self.d_v, self.d_k, self.last.clone(), "added last"))
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}

/// 0 where one of them is zero.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}
