//! Small helpers of this crate's tests.

use burn::tensor::Tensor;
use mnemoscope_core::random;
use mnemoscope_memory::Gpu;
use mnemoscope_memory::scan::Backend;
use rand::RngExt as _;

use crate::sequence::Scans;

/// `count` numbers in -1..1, the same for the same seed.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = random::stream(seed, "test", &[]);
    (0..count).map(|_| random.random::<f32>() * 2.0 - 1.0).collect()
}

/// The values of a tensor, row-major.
pub(crate) fn vector<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}

/// Scans on a graphics card; none where there is no adapter.
pub(crate) fn card() -> Option<Scans> {
    match Gpu::shared() {
        Ok(gpu) => Some(Scans::by(Backend::Gpu(gpu))),
        Err(error) => {
            let required = std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_some_and(|value| value == "1");
            assert!(!required, "MNEMOSCOPE_REQUIRE_GPU=1, and {error}");
            println!("SKIPPED: no Vulkan adapter ({error})");
            None
        }
    }
}
