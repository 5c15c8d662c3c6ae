//! The matrix products that recall needs, blocked so that they stay in the nearest cache.

/// Rows of `b` that are gone through together: 16 kB of them at 128 numbers a row, so that they stay in the nearest
/// cache.
const BLOCK: usize = 32;

/// `a` `[m, depth]` times the transpose of `b` `[n, depth]`: `[m, n]`; empty where either has no numbers.
///
/// One thread on purpose: the window calls this where the sizes are small, and the process-wide pool may be busy with
/// training.
pub(crate) fn times_transposed(a: &[f32], b: &[f32], depth: usize) -> Vec<f32> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let n = b.len() / depth;
    let mut out = vec![0.0; a.len() / depth * n];
    for (block, rows) in b.chunks(BLOCK * depth).enumerate() {
        for (line, x) in out.chunks_exact_mut(n).zip(a.chunks_exact(depth)) {
            for (cell, y) in line[block * BLOCK..].iter_mut().zip(rows.chunks_exact(depth)) {
                *cell = dot(x, y);
            }
        }
    }
    out
}

/// Inner product in eight independent sums, which the compiler turns into vector instructions.
// Into whatever calls it, which may be compiled for newer instructions than the program at large.
#[allow(clippy::inline_always)]
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a.zip(b) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(count: usize, salt: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + salt * 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    proptest! {
        #[test]
        fn blocks_agree_with_the_plain_loop(m in 1usize..23, n in 1usize..27, depth in 1usize..40) {
            let (a, b) = (numbers(m * depth, 1), numbers(n * depth, 2));
            let product = times_transposed(&a, &b, depth);
            prop_assert_eq!(product.len(), m * n);
            for i in 0..m {
                for j in 0..n {
                    let plain: f64 = (0..depth).map(|p| f64::from(a[i * depth + p]) * f64::from(b[j * depth + p])).sum();
                    prop_assert!((f64::from(product[i * n + j]) - plain).abs() < 1e-5);
                    let one = dot(&a[i * depth..][..depth], &b[j * depth..][..depth]);
                    prop_assert!((f64::from(one) - plain).abs() < 1e-5);
                }
            }
        }
    }
}
