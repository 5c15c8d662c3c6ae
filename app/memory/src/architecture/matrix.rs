//! The matrix memory S `[d_v, d_k]`: a read is S q.

use crate::learned::Weighted;
use crate::matrix::dot;
use crate::memory::Image;

/// Its sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix {
    pub d_k: usize,
    pub d_v: usize,
}

impl Weighted for Matrix {
    fn initial(&self) -> Vec<f32> {
        vec![0.0; self.d_v * self.d_k]
    }

    fn channels(&self) -> usize {
        self.d_k
    }

    fn answer(&self, weights: &[f32], query: &[f32]) -> Vec<f32> {
        weights.chunks_exact(self.d_k).map(|row| dot(row, query)).collect()
    }

    fn gradient(&self, _weights: &[f32], key: &[f32], slope: &[f32]) -> Vec<f32> {
        outer(slope, key)
    }

    fn image(&self, weights: &[f32], label: &str) -> Image {
        picture(self.d_v, self.d_k, weights.to_vec(), label)
    }
}

/// A memory matrix as a picture.
pub(crate) fn picture(d_v: usize, d_k: usize, values: Vec<f32>, label: &str) -> Image {
    let label = label.to_owned();
    Image { rows: d_v, columns: d_k, values, label, row: "value dimension", column: "key dimension" }
}

/// `[value, key]`.
pub(crate) fn outer(value: &[f32], key: &[f32]) -> Vec<f32> {
    value.iter().flat_map(|v| key.iter().map(move |k| v * k)).collect()
}
