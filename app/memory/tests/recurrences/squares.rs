//! Least squares: the recursion against the ridge solution, and the closed forms of its error.

use mnemoscope_core::Setting;
use mnemoscope_memory::{Component, Place, capacity_curve};

use crate::pair::*;

/// argmin Σ μ^age |v - S k|² + λ |S|², row by row through the normal equations.
fn ridge(pairs: &[Pair], lambda: f64, mu: f64) -> Rows {
    let n = pairs.len() as i32;
    let weight = |i: usize| mu.powi(n - 1 - i as i32);
    let square: Rows = (0..D_K)
        .map(|a| {
            let row =
                (0..D_K).map(|b| pairs.iter().enumerate().map(|(i, (k, _))| weight(i) * k[a] * k[b]).sum::<f64>());
            row.enumerate().map(|(b, x)| if a == b { x + lambda } else { x }).collect()
        })
        .collect();
    (0..D_V)
        .map(|r| {
            let right = (0..D_K).map(|a| pairs.iter().enumerate().map(|(i, (k, v))| weight(i) * v[r] * k[a]).sum());
            solve(square.clone(), right.collect())
        })
        .collect()
}

#[test]
fn every_way_gives_the_ridge_solution() {
    let pairs = pairs(12);
    for (lambda, mu) in [(0.1, 1.0), (0.01, 0.9)] {
        let composition = set(set(named("least_squares"), Place::Rule, "ridge", lambda), Place::Rule, "forgetting", mu);
        for n in [1, 4, 12] {
            is_matrix(written(&composition, &pairs[..n]).as_ref(), &ridge(&pairs[..n], lambda, mu), "least squares");
        }
        // By chunks of 4: the same at the borders, and the last border's in between.
        let chunked = set(composition, Place::Rule, "chunk", 4.0);
        is_matrix(written(&chunked, &pairs).as_ref(), &ridge(&pairs, lambda, mu), "chunked");
        is_matrix(written(&chunked, &pairs[..11]).as_ref(), &ridge(&pairs[..8], lambda, mu), "between borders");
    }
}

/// Two keys of several dimensions, again and again: what no key spans must stay empty, however long the others are
/// forgotten. Each key's value is the newest, up to the ridge.
#[test]
fn directions_that_no_key_spans_stay_empty() {
    let drawn = pairs(2);
    let long: Vec<Pair> = (0..1000).map(|t| drawn[t % 2].clone()).collect();
    for mu in [0.8, 0.95, 1.0] {
        for chunk in [1.0, 4.0] {
            let composition =
                set(set(named("least_squares"), Place::Rule, "ridge", 1e-3), Place::Rule, "forgetting", mu);
            let composition = set(composition, Place::Rule, "chunk", chunk);
            is_matrix(written(&composition, &long).as_ref(), &ridge(&long, 1e-3, mu), "after 1000 writes");
        }
    }
}

/// S068: 0 up to N = d_k, then 1 - d_k/N; delta at β = 1 lies between that and Hebb's (N - 1)/d_k.
#[test]
fn errors_are_the_known_ones() {
    let component = Component::new("association")
        .and_then(|c| c.with("d_k", Setting::Number(16.0)))
        .and_then(|c| c.with("d_v", Setting::Number(12.0)))
        .unwrap();
    let squares = set(named("least_squares"), Place::Rule, "ridge", 1e-6);
    let draws = 60;
    let curves =
        capacity_curve(&component, &[squares, named("delta_rule"), named("linear_attention")], &[8, 12, 32, 64], draws)
            .unwrap();
    for (i, n) in [8, 12, 32, 64].into_iter().enumerate() {
        let [squares, delta, hebb] = [0, 1, 2].map(|curve: usize| curves[curve].points[i]);
        let known = (1.0 - 16.0 / f64::from(n)).max(0.0);
        // 4 standard errors, and the ridge where the error is 0.
        let allowed = 4.0 * squares.sd / (draws as f64).sqrt() + 1e-4;
        assert!((squares.mean_error - known).abs() <= allowed, "{n}: {squares:?} {known}");
        assert!(squares.mean_error < delta.mean_error && delta.mean_error < hebb.mean_error, "{n}: {delta:?} {hebb:?}");
    }
}
