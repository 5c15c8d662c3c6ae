//! The quadratic programme of gradient projections: minimise ½ vᵀ Q v + pᵀ v over v ≥ 0.
//!
//! With Q = G Gᵀ and p = G g it is the dual of the nearest g̃ to g with G g̃ ≥ 0, and the same as the non-negative least
//! squares problem min ‖Gᵀ v + g‖, of which it needs the products alone. Lawson and Hanson 1974, "Solving Least Squares
//! Problems", algorithm NNLS (chapter 23): an active set that ends after finitely many exchanges, each of which lowers
//! the objective. Multipliers are scaled so that the diagonal of Q is 1.

/// A pivot of the scaled Q below which a row depends on those already chosen.
const DEPENDENT: f64 = 1e-12;
/// How far below 0 a slope must lie, relative to the largest |p|, for its multiplier to be let in.
const SLOPE: f64 = 1e-11;

/// Entries of a multiplier, per row, after which rounding must be what drives them: what is reached then is kept.
const ENTRIES: usize = 50;

/// The minimiser. `q` is n x n, row-major, symmetric and positive semidefinite; `p` has n entries. Where several
/// minimisers exist (dependent rows), one of them; a row of zeros gets 0.
pub(crate) fn nonnegative_minimum(q: &[f64], p: &[f64]) -> Vec<f64> {
    let n = p.len();
    let scale: Vec<f64> = (0..n).map(|i| q[i * n + i].sqrt()).map(|s| if s > 0.0 { 1.0 / s } else { 0.0 }).collect();
    let q = |i: usize, j: usize| q[i * n + j] * scale[i] * scale[j];
    let p: Vec<f64> = p.iter().zip(&scale).map(|(p, s)| p * s).collect();
    let least = SLOPE * p.iter().fold(0.0, |most: f64, p| most.max(p.abs()));

    let mut v = vec![0.0; n];
    let mut chosen: Vec<usize> = Vec::new();
    // Multipliers that were let in and would not rise: rounding, so they stay at 0 until another has moved.
    let mut refused = vec![false; n];
    for _ in 0..ENTRIES * n {
        let descent = |i: usize| -(p[i] + (0..n).map(|j| q(i, j) * v[j]).sum::<f64>());
        let candidates = (0..n).filter(|i| !chosen.contains(i) && !refused[*i]).map(|i| (i, descent(i)));
        let Some((entering, _)) =
            candidates.filter(|(_, slope)| *slope > least).max_by(|one, other| one.1.total_cmp(&other.1))
        else {
            break;
        };
        chosen.push(entering);
        let mut first = true;
        loop {
            let target = match on(&q, &p, &chosen) {
                Some(target) if !first || target[chosen.len() - 1] > 0.0 => target,
                _ => {
                    chosen.retain(|i| *i != entering);
                    refused[entering] = true;
                    break;
                }
            };
            if first {
                refused.fill(false);
                first = false;
            }
            // As far towards the minimum on the chosen ones as none falls below 0.
            let reach = |(at, i): (usize, &usize)| (target[at] <= 0.0).then(|| v[*i] / (v[*i] - target[at]));
            let nearest = chosen.iter().enumerate().filter_map(reach).fold(1.0, f64::min);
            for (at, i) in chosen.iter().enumerate() {
                v[*i] = if target[at] <= 0.0 && v[*i] / (v[*i] - target[at]) <= nearest {
                    0.0
                } else {
                    v[*i] + nearest * (target[at] - v[*i])
                };
            }
            if nearest >= 1.0 {
                break;
            }
            chosen.retain(|i| v[*i] > 0.0);
        }
    }
    v.iter().zip(&scale).map(|(v, s)| v * s).collect()
}

/// The minimum on the chosen multipliers without regard to their sign: Q v = −p by Cholesky's factors. None where the
/// rows depend on each other.
fn on(q: &impl Fn(usize, usize) -> f64, p: &[f64], chosen: &[usize]) -> Option<Vec<f64>> {
    let n = chosen.len();
    let mut low = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let rest = q(chosen[i], chosen[j]) - (0..j).map(|k| low[i * n + k] * low[j * n + k]).sum::<f64>();
            low[i * n + j] =
                if i == j { Some(rest).filter(|rest| *rest > DEPENDENT)?.sqrt() } else { rest / low[j * n + j] };
        }
    }
    let mut v: Vec<f64> = chosen.iter().map(|i| -p[*i]).collect();
    for i in 0..n {
        v[i] = (v[i] - (0..i).map(|k| low[i * n + k] * v[k]).sum::<f64>()) / low[i * n + i];
    }
    for i in (0..n).rev() {
        v[i] = (v[i] - (i + 1..n).map(|k| low[k * n + i] * v[k]).sum::<f64>()) / low[i * n + i];
    }
    Some(v)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::numbers;

    /// Q = G Gᵀ and p = G g of random rows.
    fn programme(rows: usize, length: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
        let (g, rhs) = (wide(numbers(rows * length, seed)), wide(numbers(length, seed + 500_000)));
        let row = |i: usize| &g[i * length..(i + 1) * length];
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let q = (0..rows * rows).map(|at| dot(row(at / rows), row(at % rows))).collect();
        (q, (0..rows).map(|i| dot(row(i), &rhs)).collect())
    }

    fn objective(q: &[f64], p: &[f64], v: &[f64]) -> f64 {
        let n = p.len();
        (0..n).map(|i| v[i] * (p[i] + 0.5 * (0..n).map(|j| q[i * n + j] * v[j]).sum::<f64>())).sum()
    }

    /// The best of all active sets whose own minimum is feasible.
    fn brute_force(q: &[f64], p: &[f64]) -> f64 {
        let n = p.len();
        let mut best = 0.0f64;
        for set in 1..1u32 << n {
            let chosen: Vec<usize> = (0..n).filter(|i| set >> i & 1 == 1).collect();
            let Some(part) = on(&|i, j| q[i * n + j], p, &chosen) else { continue };
            if part.iter().all(|v| *v >= 0.0) {
                let mut v = vec![0.0; n];
                chosen.iter().zip(part).for_each(|(i, value)| v[*i] = value);
                best = best.min(objective(q, p, &v));
            }
        }
        best
    }

    #[test]
    fn by_hand() {
        // Nothing in the way; one row; a row of zeros; two rows at a right angle of which one is in the way.
        assert_eq!(nonnegative_minimum(&[], &[]), [0.0; 0]);
        assert_eq!(nonnegative_minimum(&[4.0], &[1.0]), [0.0]);
        assert_eq!(nonnegative_minimum(&[4.0], &[-2.0]), [0.5]);
        assert_eq!(nonnegative_minimum(&[0.0], &[0.0]), [0.0]);
        assert_eq!(nonnegative_minimum(&[1.0, 0.0, 0.0, 4.0], &[3.0, -8.0]), [0.0, 2.0]);
        // The same row twice: the pair of multipliers is not unique, their sum is.
        let v = nonnegative_minimum(&[1.0, 1.0, 1.0, 1.0], &[-3.0, -3.0]);
        assert!((v[0] + v[1] - 3.0).abs() < 1e-12 && v.iter().all(|v| *v >= 0.0), "{v:?}");
    }

    proptest! {
        /// Fewer columns than rows make dependent rows.
        #[test]
        fn no_active_set_is_better(rows in 1usize..9, length in 1usize..14, seed in 0u64..100_000) {
            let (q, p) = programme(rows, length, seed);
            let v = nonnegative_minimum(&q, &p);
            let (found, best) = (objective(&q, &p, &v), brute_force(&q, &p));
            prop_assert!((found - best).abs() <= 1e-9 * (1.0 + best.abs()), "{found} {best}");
        }

        /// Karush, Kuhn and Tucker: v ≥ 0, the slope Q v + p ≥ 0, and nowhere both above 0.
        #[test]
        fn its_conditions_hold(rows in 1usize..21, length in 1usize..60, seed in 0u64..100_000) {
            let (q, p) = programme(rows, length, seed);
            let v = nonnegative_minimum(&q, &p);
            let size = p.iter().fold(1.0, |most: f64, p| most.max(p.abs()));
            for i in 0..rows {
                let slope = p[i] + (0..rows).map(|j| q[i * rows + j] * v[j]).sum::<f64>();
                prop_assert!(v[i] >= 0.0);
                prop_assert!(slope >= -1e-8 * size, "{i}: slope {slope}");
                prop_assert!(v[i] == 0.0 || slope.abs() <= 1e-8 * size * (1.0 + v[i]), "{i}: {} {slope}", v[i]);
            }
        }
    }
}
