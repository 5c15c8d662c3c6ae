//! Evaluation of a sequence model with parts of it taken out or replaced.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_memory::cache::Call;

use super::Heads;

/// What reads in the place of a model's softmax attention, such as a bounded cache.
pub trait Attend {
    /// What the queries of one layer read, `[lanes, T, d_v]`. Layers are asked in their order, some rows of one replica
    /// at a time.
    fn attend(&mut self, replica: usize, call: &Call<'_>) -> Vec<f32>;
}

/// What is different from the model as it was trained.
#[derive(Default)]
pub(crate) struct Changed<'a> {
    /// Heads whose read-outs are 0: layer and head.
    pub(crate) masked: &'a [(usize, usize)],
    /// Reads instead of attention; for this replica alone.
    pub(crate) attend: Option<(usize, &'a mut dyn Attend)>,
}

/// Where attention is replaced.
pub(crate) struct Place<'a> {
    pub(crate) replica: usize,
    pub(crate) layer: usize,
    /// What the projections read, `[1, B·T, n]`.
    pub(crate) seen: &'a Tensor<3>,
}

impl Changed<'_> {
    /// A layer's read-outs `[R, B·T, H·d]` without the masked heads.
    pub(crate) fn mask(&self, layer: usize, heads: &Heads, read: Tensor<3>) -> Tensor<3> {
        let own: Vec<usize> = self.masked.iter().filter(|(at, _)| *at == layer).map(|(_, head)| *head).collect();
        if own.is_empty() {
            return read;
        }
        let kept = (0..heads.all()).map(|at| if own.contains(&(at / heads.width)) { 0.0 } else { 1.0 });
        let kept = TensorData::new(kept.collect::<Vec<f32>>(), [1, 1, heads.all()]);
        let device = read.device();
        read * Tensor::from_data(kept, &device)
    }
}
