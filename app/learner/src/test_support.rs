//! Small helpers of this crate's tests.

use burn::tensor::Tensor;
use mnemoscope_core::random;
use rand::RngExt as _;

/// `count` numbers in -1..1, the same for the same seed.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = random::stream(seed, "test", &[]);
    (0..count).map(|_| random.random::<f32>() * 2.0 - 1.0).collect()
}

/// The values of a tensor, row-major.
pub(crate) fn vector<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}
