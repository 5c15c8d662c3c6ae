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
///
/// # Errors
/// When the device cannot read a result back.
pub fn best(device: &Device, effort: Effort) -> anyhow::Result<Best> {
    let mut best = Best { size: 0, gflops: 0.0 };
    for size in SIZES {
        let gflops = 2.0 * (size as f64).powi(3) / shortest(size, device, effort)? * 1e-9;
        if gflops > best.gflops {
            best = Best { size, gflops };
        }
    }
    Ok(best)
}

/// Seconds of one product; infinite where its first number is wrong, as from a kernel that the driver refused.
fn shortest(size: usize, device: &Device, effort: Effort) -> anyhow::Result<f64> {
    let filled =
        |offset: usize| -> Vec<f32> { (0..size * size).map(|i| ((i + offset) % 31) as f32 / 31.0 - 0.5).collect() };
    let (a, b) = (filled(0), filled(7));
    let expected: f64 = (0..size).map(|k| f64::from(a[k]) * f64::from(b[k * size])).sum();
    let [a, b] = [a, b].map(|numbers| Tensor::<2>::from_data(TensorData::new(numbers, [size, size]), device));
    // One number is read back, which waits for the device and moves next to nothing.
    let product = || -> anyhow::Result<f64> {
        let corner = a.clone().matmul(b.clone()).slice([0..1, 0..1]).try_into_data()?;
        Ok(corner.iter::<f64>().sum())
    };
    let wrong = |found: f64| (found - expected).abs() > 1e-4 * size as f64;
    let mut shortest = f64::INFINITY;
    if wrong(product()?) {
        return Ok(shortest);
    }
    let begin = Instant::now();
    while begin.elapsed().as_secs_f64() < effort.seconds {
        let start = Instant::now();
        let found = product()?;
        let seconds = start.elapsed().as_secs_f64();
        if wrong(found) {
            return Ok(f64::INFINITY);
        }
        shortest = shortest.min(seconds);
    }
    Ok(shortest)
}
