//! Memories that keep pairs: softmax attention, local regression, chunks.

use mnemoscope_memory::Place;

use crate::pair::*;

fn values(pairs: &[Pair]) -> Rows {
    pairs.iter().map(|(_, v)| v.clone()).collect()
}

/// o = Σ exp(β q·k) v / Σ exp(β q·k); with decay age log γ is added to the logit.
#[test]
fn softmax_attention_is_a_weighted_mean() {
    let pairs = pairs(7);
    let list = set(named("softmax_attention"), Place::Architecture, "inverse_temperature", 3.0);
    let plain = written(&list, &pairs);
    let fading = set(with(&list, Place::Retention, "decay"), Place::Retention, "gamma", 0.8);
    let fading = written(&fading, &pairs);
    for (query, _) in &pairs {
        let query: Vec<f64> = query.iter().map(|q| 1.3 * q).collect();
        let logits: Vec<f64> = pairs.iter().map(|(k, _)| 3.0 * dot(&query, k)).collect();
        let shares = softmax(&logits);
        close(&plain.read(&single(&query)), &mix(&shares, &values(&pairs)), 1e-5, "softmax");
        close(&plain.weights(&single(&query)).unwrap(), &shares, 1e-5, "weights");
        let aged: Vec<f64> =
            logits.iter().enumerate().map(|(i, x)| x + (6 - i) as f64 * f64::from(0.8f32).ln()).collect();
        close(&fading.read(&single(&query)), &mix(&softmax(&aged), &values(&pairs)), 1e-5, "decay");
    }
}

/// For unit vectors exp(β q·k) is a Gaussian kernel of distance, whatever the lengths were.
#[test]
fn qk_norm_makes_a_kernel_of_distance() {
    let mut pairs = pairs(7);
    let directions: Vec<Vec<f64>> = pairs.iter().map(|(k, _)| k.clone()).collect();
    pairs.iter_mut().enumerate().for_each(|(i, (k, _))| k.iter_mut().for_each(|k| *k *= 0.5 + i as f64));
    let list = set(named("softmax_attention"), Place::Architecture, "qk_norm", true);
    let memory = written(&list, &pairs);
    let query: Vec<f64> = directions[1].iter().map(|q| 4.0 * q).collect();
    let kernel: Vec<f64> = directions.iter().map(|k| -4.0 * norm(&minus(&directions[1], k)).powi(2)).collect();
    close(&memory.read(&single(&query)), &mix(&softmax(&kernel), &values(&pairs)), 1e-5, "kernel");
}

/// min Σ w |a + B (k - q) - v|² + λ |B|²: the normal equations of (a, B), value entry by value entry.
#[test]
fn local_linear_regression_solves_its_normal_equations() {
    // Fewer and more pairs than key entries: both ways to solve it.
    for n in [3, 11] {
        let pairs = pairs(n);
        let memory = written(&set(named("local_linear_attention"), Place::Rule, "ridge", 0.05), &pairs);
        for (query, _) in pairs.iter().take(3) {
            let query: Vec<f64> = query.iter().enumerate().map(|(j, q)| q + 0.1 * j as f64).collect();
            let shares = softmax(&pairs.iter().map(|(k, _)| 8.0 * dot(&query, k)).collect::<Vec<_>>());
            let rows: Rows =
                pairs.iter().map(|(k, _)| std::iter::once(1.0).chain(minus(k, &query)).collect()).collect();
            let mut square = vec![vec![0.0; D_K + 1]; D_K + 1];
            for (x, w) in rows.iter().zip(&shares) {
                for a in 0..=D_K {
                    (0..=D_K).for_each(|b| square[a][b] += w * x[a] * x[b]);
                }
            }
            (1..=D_K).for_each(|a| square[a][a] += 0.05);
            let answer: Vec<f64> = (0..D_V)
                .map(|r| {
                    let right = (0..=D_K).map(|a| {
                        rows.iter().zip(&shares).zip(&pairs).map(|((x, w), (_, v))| w * x[a] * v[r]).sum::<f64>()
                    });
                    solve(square.clone(), right.collect())[0]
                })
                .collect();
            close(&memory.read(&single(&query)), &answer, 1e-4, "local linear");
        }
    }
}

/// Values that are linear in the keys are fitted without error as the ridge goes, where a constant fit is wrong.
#[test]
fn a_line_is_fitted_exactly() {
    let linear: Vec<Pair> =
        pairs(20).into_iter().map(|(k, _)| (k.clone(), k[..D_V].iter().map(|x| 2.0 * x - 0.5).collect())).collect();
    let line = written(&set(named("local_linear_attention"), Place::Rule, "ridge", 1e-6), &linear);
    let constant = written(&named("softmax_attention"), &linear);
    let (query, value) = &linear[4];
    close(&line.read(&single(query)), value, 1e-3, "line");
    let error: Vec<f64> = constant.read(&single(query)).iter().zip(value).map(|(o, v)| f64::from(*o) - v).collect();
    assert!(norm(&error) > 0.05);
}

/// o = Σ w_c Σ a v over the k chunks of largest mean q·k, w and a softmax with their own sharpness.
#[test]
fn chunks_are_picked_and_then_attended_to() {
    let pairs = pairs(11);
    let hcam = set(set(named("hcam"), Place::Architecture, "chunk", 3.0), Place::Architecture, "sharpness", 5.0);
    let memory = written(&hcam, &pairs);
    for (query, _) in pairs.iter().take(4) {
        let mut chunks: Vec<(f64, &[Pair])> = pairs
            .chunks(3)
            .map(|chunk| (chunk.iter().map(|(k, _)| dot(query, k)).sum::<f64>() / chunk.len() as f64, chunk))
            .collect();
        assert_eq!(chunks.len(), 4, "the last one is not full");
        chunks.sort_by(|a, b| b.0.total_cmp(&a.0));
        let weights = softmax(&[5.0 * chunks[0].0, 5.0 * chunks[1].0]);
        let answers: Rows = chunks[..2]
            .iter()
            .map(|(_, chunk)| {
                let shares = softmax(&chunk.iter().map(|(k, _)| 8.0 * dot(query, k)).collect::<Vec<_>>());
                mix(&shares, &values(chunk))
            })
            .collect();
        close(&memory.read(&single(query)), &mix(&weights, &answers), 1e-5, "HCAM");
        let shares = memory.weights(&single(query)).unwrap();
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5 && shares.iter().filter(|s| **s > 0.0).count() <= 6);
    }
}
