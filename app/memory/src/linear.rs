//! Linear systems in f64, by Cholesky's factors.

/// X `[rows, n]` with X A = B for a symmetric positive definite A `[n, n]`, of which what lies above the
/// diagonal is not read, and B `[rows, n]`; none where A is not positive definite.
pub(crate) fn solve_spd(a: &[f64], b: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let done: f64 = (0..j).map(|p| lower[i * n + p] * lower[j * n + p]).sum();
            let rest = a[i * n + j] - done;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                lower[i * n + i] = rest.sqrt();
            } else {
                lower[i * n + j] = rest / lower[j * n + j];
            }
        }
    }
    let mut x = b.to_vec();
    for row in x.chunks_exact_mut(n) {
        for i in 0..n {
            let done: f64 = (0..i).map(|p| lower[i * n + p] * row[p]).sum();
            row[i] = (row[i] - done) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let done: f64 = (i + 1..n).map(|p| lower[p * n + i] * row[p]).sum();
            row[i] = (row[i] - done) / lower[i * n + i];
        }
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_worked_by_hand_and_one_without_solution() {
        // [1, 2] [[4, 2], [2, 3]] = [8, 8].
        let x = solve_spd(&[4.0, 2.0, 2.0, 3.0], &[8.0, 8.0, 2.0, 3.0], 2).unwrap();
        for (x, expected) in x.iter().zip([1.0, 2.0, 0.0, 1.0]) {
            assert!((x - expected).abs() < 1e-12, "{x} {expected}");
        }
        assert_eq!(solve_spd(&[1.0, 2.0, 2.0, 1.0], &[1.0, 1.0], 2), None);
    }
}
