//! Rows of tokens as the model reads them.
//!
//! [`mnemoscope_core::token`] says how a token stands in a feature; here the same is done in tensor operations, so that
//! nothing is read back from a device.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::token::PAD;

use super::time::{at_last, later};

/// The tokens of some rows.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// B.
    pub(crate) rows: usize,
    /// T.
    pub(crate) length: usize,
    /// Each token's one-hot code, `[R, B·T, V]`.
    pub(crate) one_hot: Tensor<3>,
    /// 1 for a token, 0 for a filler, `[R, B·T, 1]`.
    pub(crate) real: Tensor<3>,
    /// 1 for a token whose answer is the next one, `[R, B·T, 1]`; the last position's answer is the row's label.
    pub(crate) asked: Tensor<3>,
}

impl Tokens {
    /// Reads features `[R, B, T]`.
    pub(crate) fn new(x: Tensor<3>, vocabulary: usize) -> Self {
        let [replicas, rows, length] = x.dims();
        let device = x.device();
        let x = x.clamp_min(0.0).reshape([replicas, rows * length, 1]);
        let token = x.clone().floor();
        let ids: Vec<f32> = (0..vocabulary).map(|id| id as f32).collect();
        let ids = Tensor::<3>::from_data(TensorData::new(ids, [1, 1, vocabulary]), &device);
        let one_hot = token.clone().expand([replicas, rows * length, vocabulary]);
        let one_hot = one_hot.equal(ids.expand([replicas, rows * length, vocabulary])).float();
        let real = token.clone().greater_scalar(f32::from(PAD)).float();
        let inner: Vec<f32> = (0..rows * length).map(|at| if at % length + 1 < length { 1.0 } else { 0.0 }).collect();
        let inner = Tensor::from_data(TensorData::new(inner, [1, rows * length, 1]), &device);
        let asked = (x - token).greater_scalar(0.25).float() * real.clone() * inner;
        Self { rows, length, one_hot, real, asked }
    }

    /// The codes of tokens and of their positions, `[R, B·T, V + T]`.
    pub(crate) fn with_positions(&self) -> Tensor<3> {
        let [replicas, all, _] = self.one_hot.dims();
        let mut values = vec![0.0f32; all * self.length];
        (0..all).for_each(|at| values[at * self.length + at % self.length] = 1.0);
        let positions = TensorData::new(values, [1, all, self.length]);
        let positions = Tensor::<3>::from_data(positions, &self.one_hot.device());
        Tensor::cat(vec![self.one_hot.clone(), positions.expand([replicas, all, self.length])], 2)
    }

    /// The code of the token that follows each, `[R, B·T, V]`.
    pub(crate) fn next(&self) -> Tensor<3> {
        later(self.one_hot.clone(), self.length, 1)
    }

    /// One over each row's answers, the last one included, `[R, B, 1]`.
    pub(crate) fn share(&self) -> Tensor<3> {
        let [replicas, ..] = self.asked.dims();
        (self.asked.clone().reshape([replicas, self.rows, self.length]).sum_dim(2) + 1.0).recip()
    }

    /// 1 for a position that has an answer, inside or last, `[R, B·T, 1]`.
    pub(crate) fn answered(&self) -> Tensor<3> {
        let [replicas, ..] = self.asked.dims();
        self.asked.clone() + at_last(Tensor::ones([replicas, self.rows, 1], &self.asked.device()), self.length)
    }

    /// 1 for a token, 0 for a filler, of each lane, `[R·B·heads, T]`; rows may be shared by replicas.
    pub(crate) fn real_lanes(&self, replicas: usize, heads: usize) -> Tensor<2> {
        let [sets, ..] = self.real.dims();
        let rows = self.real.clone().reshape([sets, self.rows, 1, self.length]);
        let lanes = rows.expand([replicas, self.rows, heads, self.length]);
        lanes.reshape([replicas * self.rows * heads, self.length])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use mnemoscope_core::token::pack;

    use super::*;
    use crate::test_support::vector;

    #[test]
    fn a_row_by_hand() {
        let row = [pack(PAD, false), pack(2, true), pack(1, false), pack(2, true)];
        let tokens = Tokens::new(Tensor::from_data([[row]], &Device::flex()), 3);
        assert_eq!(vector(tokens.one_hot.clone()), [1., 0., 0., 0., 0., 1., 0., 1., 0., 0., 0., 1.]);
        assert_eq!(vector(tokens.real.clone()), [0.0, 1.0, 1.0, 1.0]);
        // The last one's answer is the label.
        assert_eq!(vector(tokens.asked.clone()), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(vector(tokens.share()), [0.5]);
        assert_eq!(vector(tokens.answered()), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(vector(tokens.next())[3..6], [0.0, 1.0, 0.0]);
        assert_eq!(vector(tokens.with_positions())[7..14], [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(vector(tokens.real_lanes(1, 2)), [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
    }
}
