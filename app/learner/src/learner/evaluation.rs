//! What the networks answer to given inputs.

use burn::tensor::{Tensor, TensorData};

use super::Learner;
use crate::device::read;
use crate::method::Site;

/// Most numbers in one layer's activations during evaluation; more rows are taken in several passes.
const EVALUATION_NUMBERS: usize = 1 << 22;

/// Inputs for evaluation, kept on the device.
#[derive(Debug, Clone)]
pub struct EvalSet {
    x: Tensor<3>,
    rows: usize,
}

impl EvalSet {
    /// Rows per replica.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Learner {
    /// Puts evaluation inputs on the device: `x` is `[rows, F]` when shared by all replicas, else `[R, rows, F]`.
    ///
    /// # Panics
    /// When `x` has another length.
    pub fn evaluator(&self, x: Vec<f32>, rows: usize, shared: bool) -> EvalSet {
        let shape = [if shared { 1 } else { self.site.replicas() }, rows, self.site.features];
        EvalSet { x: Tensor::from_data(TensorData::new(x, shape), &self.site.device), rows }
    }

    /// The last hidden vectors, `[R, rows, H]`, read back. For sets of a few hundred rows: they are taken in one pass.
    pub fn features(&self, set: &EvalSet) -> Vec<f32> {
        let features = self.site.network.features(&self.site.network.layout.cut(&self.site.weights), set.x.clone());
        // A linear model's features are its inputs, which replicas may share.
        let [_, rows, width] = features.dims();
        read(&features.expand([self.site.replicas(), rows, width]))
    }

    /// Outputs before the softmax and without any head mask, `[R, rows, C]`, read back; the scores of a method that predicts
    /// in their place, where there is one.
    pub fn logits(&self, set: &EvalSet) -> Vec<f32> {
        let Site { weights, features, classes, network, .. } = &self.site;
        let replicas = self.site.replicas();
        let layers = network.layout.cut(weights);
        let predictor = self.methods.iter().find_map(|method| method.predictor());
        let answer = |x: Tensor<3>| match predictor {
            Some(predictor) => predictor.scores(&self.site, &network.features(&layers, x)),
            None => network.logits(&layers, x),
        };
        let chunk = (EVALUATION_NUMBERS / (network.widest() * replicas)).max(1);
        if set.rows <= chunk {
            return read(&answer(set.x.clone()));
        }
        let mut all = vec![0.0; replicas * set.rows * classes];
        let [sets, ..] = set.x.dims();
        for start in (0..set.rows).step_by(chunk) {
            let end = set.rows.min(start + chunk);
            let part = read(&answer(set.x.clone().slice([0..sets, start..end, 0..*features])));
            for (replica, own) in part.chunks_exact((end - start) * classes).enumerate() {
                let at = (replica * set.rows + start) * classes;
                all[at..at + own.len()].copy_from_slice(own);
            }
        }
        all
    }
}
