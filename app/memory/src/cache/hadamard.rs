//! The Hadamard rotation: a matrix of ±1/√n that spreads one large channel over all.

/// Rotates `x`, block by block, in place: H x / √n by the fast transform (Sylvester's order). The block is the largest
/// power of two that divides the length. Twice gives `x` back.
pub(super) fn rotate(x: &mut [f32]) {
    let n = block(x.len());
    let scale = 1.0 / (n as f32).sqrt();
    for x in x.chunks_exact_mut(n) {
        let mut half = 1;
        while half < n {
            for pair in x.chunks_exact_mut(2 * half) {
                let (a, b) = pair.split_at_mut(half);
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
        for x in x {
            *x *= scale;
        }
    }
}

/// The largest power of two that divides `n`.
fn block(n: usize) -> usize {
    1 << n.trailing_zeros().min(usize::BITS - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_orthogonal_symmetric_and_as_by_hand() {
        for n in [1, 2, 8, 16, 24] {
            let column = |i: usize| {
                let mut unit = vec![0.0; n];
                unit[i] = 1.0;
                rotate(&mut unit);
                unit
            };
            for i in 0..n {
                for j in 0..n {
                    let inner: f32 = column(i).iter().zip(&column(j)).map(|(a, b)| a * b).sum();
                    assert!((inner - if i == j { 1.0 } else { 0.0 }).abs() < 1e-6, "{n}: {i}, {j}: {inner}");
                    assert_eq!(column(i)[j], column(j)[i]);
                }
            }
        }
        let mut x = [1.0, 2.0, 3.0, 4.0];
        rotate(&mut x);
        assert_eq!(x, [5.0, -1.0, -2.0, 0.0]);
        assert_eq!(block(96), 32);
    }

    #[test]
    fn one_outlier_is_spread_evenly() {
        let mut x = [0.0; 16];
        x[5] = 8.0;
        rotate(&mut x);
        assert!(x.iter().all(|x| x.abs() == 2.0), "{x:?}");
    }
}
