//! The machine's own best: a plain matrix product of the library that trains.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

use super::Effort;

/// Sides of the square matrices that are tried.
const SIZES: [usize; 4] = [256, 512, 1024, 2048];

/// The fastest product found.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Best {
    /// Side of the square matrices.
    pub size: usize,
    /// 2 n^3 operations over the shortest time, in 10^9 per second.
    pub gflops: f64,
}

/// The best over all sizes. The shortest time counts: this is what the machine can do at all.
pub fn best(device: &Device, effort: Effort) -> Best {
    SIZES
        .into_iter()
        .map(|size| Best { size, gflops: 2.0 * (size as f64).powi(3) / shortest(size, device, effort) * 1e-9 })
        .max_by(|a, b| a.gflops.total_cmp(&b.gflops))
        .unwrap_or(Best { size: 0, gflops: f64::NAN })
}

fn shortest(size: usize, device: &Device, effort: Effort) -> f64 {
    let filled = |offset: usize| {
        let numbers: Vec<f32> = (0..size * size).map(|i| ((i + offset) % 31) as f32 / 31.0 - 0.5).collect();
        Tensor::<2>::from_data(TensorData::new(numbers, [size, size]), device)
    };
    let (a, b) = (filled(0), filled(7));
    // One number is read back, which waits for the device and moves next to nothing.
    let product = || a.clone().matmul(b.clone()).slice([0..1, 0..1]).into_data();
    drop(product());
    let begin = Instant::now();
    let mut shortest = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < effort.seconds {
        let start = Instant::now();
        drop(product());
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    shortest
}
