//! Matrices that gradients write: linear attention to Memora.

use mnemoscope_memory::Place;

use crate::pair::*;

#[test]
fn linear_attention_is_the_sum_of_outer_products() {
    let pairs = pairs(9);
    let s = pairs.iter().fold(zeros(), |s, (k, v)| plus(&s, 1.0, v, k));
    is_matrix(written(&named("linear_attention"), &pairs).as_ref(), &s, "linear attention");
}

/// Sun et al. 2023: S ← γ S + v kᵀ, and the parallel form o = Σ γ^age (q·k) v.
#[test]
fn retnet_fades_by_one_factor() {
    let pairs = pairs(9);
    let gamma = f64::from(0.9f32);
    let memory = written(&set(named("retnet"), Place::Retention, "gamma", 0.9), &pairs);
    let s = pairs.iter().fold(zeros(), |s, (k, v)| plus(&scaled(&s, gamma), 1.0, v, k));
    is_matrix(memory.as_ref(), &s, "RetNet");
    let query = &pairs[2].0;
    let shares: Vec<f64> =
        pairs.iter().enumerate().map(|(i, (k, _))| gamma.powi(8 - i as i32) * dot(query, k)).collect();
    let values: Vec<_> = pairs.iter().map(|(_, v)| v.clone()).collect();
    close(&memory.read(&single(query)), &mix(&shares, &values), 2e-5, "parallel form");
}

/// Yang et al. 2024: S ← S diag(α) + v kᵀ; the ladder of rates is 1 - 0.2 (0.01/0.2)^(j/4).
#[test]
fn gated_linear_attention_fades_channel_by_channel() {
    let pairs = pairs(9);
    let composition =
        set(set(named("gated_linear_attention"), Place::Retention, "low", 0.8), Place::Retention, "high", 0.99);
    let alpha: Vec<f64> = (0..D_K).map(|j| 1.0 - 0.2 * (0.01f64 / 0.2).powf(j as f64 / 4.0)).collect();
    let s = pairs.iter().fold(zeros(), |s, (k, v)| {
        let faded = s.iter().map(|row| row.iter().zip(&alpha).map(|(x, a)| x * a).collect()).collect();
        plus(&faded, 1.0, v, k)
    });
    is_matrix(written(&composition, &pairs).as_ref(), &s, "gated linear attention");
}

/// S ← S (I - β k kᵀ) + β v kᵀ.
#[test]
fn the_delta_rule_overwrites() {
    let pairs = pairs(9);
    let composition = set(named("delta_rule"), Place::Rule, "beta", 0.7);
    let beta = f64::from(0.7f32);
    let s = pairs.iter().fold(zeros(), |s, (k, v)| {
        let erased = plus(&s, -beta, &times(&s, k), k);
        plus(&erased, beta, v, k)
    });
    let memory = written(&composition, &pairs);
    is_matrix(memory.as_ref(), &s, "delta rule");
    // At beta = 1 a unit key answers with its newest value exactly.
    let exact = written(&named("delta_rule"), &pairs);
    close(&exact.read(&single(&pairs[8].0)), &pairs[8].1, 1e-5, "newest");
    // The surprise is the norm of e kᵀ, and k is a unit vector.
    let before = pairs[..8].iter().fold(zeros(), |s, (k, v)| plus(&s, beta, &minus(v, &times(&s, k)), k));
    let error = minus(&times(&before, &pairs[8].0), &pairs[8].1);
    assert!((f64::from(memory.surprise().unwrap()) - norm(&error)).abs() < 1e-5);
    let added = memory.last_write().unwrap();
    close(&added.values, &plus(&zeros(), -beta, &error, &pairs[8].0).concat(), 1e-5, "last write");
}

/// Yang et al. 2025: S ← α S (I - β k kᵀ) + β v kᵀ.
#[test]
fn the_gated_delta_rule_corrects_what_is_left() {
    let pairs = pairs(9);
    let composition = set(set(named("gated_delta_rule"), Place::Rule, "beta", 0.7), Place::Retention, "gamma", 0.9);
    let (alpha, beta) = (f64::from(0.9f32), f64::from(0.7f32));
    let s = pairs.iter().fold(zeros(), |s, (k, v)| {
        let erased = plus(&s, -beta, &times(&s, k), k);
        plus(&scaled(&erased, alpha), beta, v, k)
    });
    is_matrix(written(&composition, &pairs).as_ref(), &s, "gated delta rule");
}

/// Behrouz et al. 2025: Z ← η Z - θ ∇ℓ(M), M ← (1 - α) M + Z, with ∇ℓ = (M k - v) kᵀ at the memory before.
#[test]
fn titans_carries_its_surprise() {
    let pairs = pairs(9);
    let composition = set(set(named("titans_matrix"), Place::Rule, "theta", 0.4), Place::Rule, "eta", 0.6);
    let composition = set(composition, Place::Retention, "gamma", 0.95);
    let (theta, eta, kept) = (f64::from(0.4f32), f64::from(0.6f32), f64::from(0.95f32));
    let (mut m, mut z) = (zeros(), zeros());
    for (k, v) in &pairs {
        z = plus(&scaled(&z, eta), -theta, &minus(&times(&m, k), v), k);
        m = scaled(&m, kept).iter().zip(&z).map(|(m, z)| m.iter().zip(z).map(|(m, z)| m + z).collect()).collect();
    }
    is_matrix(written(&composition, &pairs).as_ref(), &m, "Titans");
}

#[test]
fn the_delta_rule_is_titans_without_momentum_and_forgetting() {
    let pairs = pairs(9);
    let plain = set(set(named("titans_matrix"), Place::Rule, "theta", 1.0), Place::Rule, "eta", 0.0);
    let plain = with(&plain, Place::Retention, "none");
    assert_eq!(written(&plain, &pairs).image().values, written(&named("delta_rule"), &pairs).image().values);
}

/// A ← α A - η ∇ l_p(W), W = A / max(|A|_q, ε)^(q-2), with sign(x) = tanh(10 x) and |x| = √(x² + 1e-6).
#[test]
fn moneta_keeps_a_norm_small() {
    let pairs = pairs(9);
    let composition = set(set(named("moneta"), Place::Rule, "beta", 0.3), Place::Retention, "gamma", 0.95);
    let composition = set(composition, Place::Retention, "floor", 0.1);
    let (eta, alpha, floor) = (f64::from(0.3f32), f64::from(0.95f32), f64::from(0.1f32));
    let (mut a, mut w) = (zeros(), zeros());
    for (k, v) in &pairs {
        let slope: Vec<f64> =
            minus(&times(&w, k), v).iter().map(|e| 3.0 * (10.0 * e).tanh() * (e * e + 1e-6)).collect();
        a = plus(&scaled(&a, alpha), -eta, &slope, k);
        let norm = a.concat().iter().map(|x| x.powi(4)).sum::<f64>().powf(0.25);
        w = scaled(&a, 1.0 / norm.max(floor).powi(2));
    }
    is_matrix(written(&composition, &pairs).as_ref(), &w, "Moneta");
}

/// W ← α W - η (e, or δ e/|e| where |e| is above δ) kᵀ.
#[test]
fn yaad_caps_the_error() {
    let mut pairs = pairs(9);
    pairs[4].1.iter_mut().for_each(|v| *v *= 50.0);
    let composition = set(set(named("yaad"), Place::Rule, "beta", 0.5), Place::Bias, "delta", 0.8);
    let (eta, delta, alpha) = (f64::from(0.5f32), f64::from(0.8f32), f64::from(0.99f32));
    let w = pairs.iter().fold(zeros(), |w, (k, v)| {
        let e = minus(&times(&w, k), v);
        let capped = if norm(&e) <= delta { 1.0 } else { delta / norm(&e) };
        plus(&scaled(&w, alpha), -eta * capped, &e, k)
    });
    let memory = written(&composition, &pairs);
    is_matrix(memory.as_ref(), &w, "Yaad");
    assert!(memory.surprise().unwrap() <= 0.8 + 1e-5);
}

/// W ← c softmax(α log W - η e kᵀ) in each column, from the uniform W.
#[test]
fn memora_stays_a_distribution() {
    let pairs = distributions(40);
    let composition = set(set(named("memora"), Place::Rule, "beta", 1.5), Place::Retention, "gamma", 0.98);
    let (eta, alpha) = (1.5, f64::from(0.98f32));
    let mut w = vec![vec![1.0 / D_V as f64; D_K]; D_V];
    for (k, v) in &pairs {
        let logits = plus(
            &w.iter().map(|row| row.iter().map(|x| alpha * x.ln()).collect()).collect(),
            -eta,
            &minus(&times(&w, k), v),
            k,
        );
        for j in 0..D_K {
            let column = softmax(&logits.iter().map(|row| row[j]).collect::<Vec<_>>());
            (0..D_V).for_each(|i| w[i][j] = column[i]);
        }
    }
    let memory = written(&composition, &pairs);
    is_matrix(memory.as_ref(), &w, "Memora");
    // Whatever is written, columns stay distributions: also values that are none.
    let mut wild = memory.clone();
    for i in 0..30 {
        wild.write(&[3.0, -2.0, 0.5, i as f32, -1.0], &[100.0, -100.0, i as f32, 0.0]);
        let cells = wild.image().values;
        for j in 0..D_K {
            let column: Vec<f32> = cells.iter().skip(j).step_by(D_K).copied().collect();
            assert!(column.iter().all(|x| (0.0..=1.0).contains(x)), "{column:?}");
            assert!((column.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{column:?}");
        }
    }
}

/// One pair of codes, from the uniform W: the error is 1/4 everywhere but -3/4 at the value's entry, so that its cell in the
/// key's column is exp(β) times the others.
#[test]
fn one_write_of_codes_into_memora_worked_by_hand() {
    let memory = written(
        &set(named("memora"), Place::Rule, "beta", 3.0),
        &[(vec![0.0, 1.0, 0.0, 0.0, 0.0], vec![0.0, 0.0, 1.0, 0.0])],
    );
    let answer = memory.read(&[0.0, 1.0, 0.0, 0.0, 0.0]);
    let all = 3f64.exp() + 3.0;
    close(&answer, &[1.0 / all, 1.0 / all, 3f64.exp() / all, 1.0 / all], 1e-5, "written");
    close(&memory.read(&[1.0, 0.0, 0.0, 0.0, 0.0]), &[0.25; 4], 1e-6, "left alone");
}

/// W ← soft(λ W - ζ ∇ℓ, γ).
#[test]
fn elastic_net_sets_small_cells_to_zero() {
    let pairs = pairs(6);
    let composition = with(&named("delta_rule"), Place::Retention, "shrinkage");
    let composition = set(set(composition, Place::Retention, "form", "elastic_net"), Place::Retention, "gamma", 0.9);
    let composition = set(set(composition, Place::Retention, "threshold", 0.1), Place::Rule, "beta", 0.5);
    let w = pairs.iter().fold(zeros(), |w, (k, v)| {
        let moved = plus(&scaled(&w, f64::from(0.9f32)), -0.5, &minus(&times(&w, k), v), k);
        let soft = |x: &f64| x.signum() * (x.abs() - f64::from(0.1f32)).max(0.0);
        moved.iter().map(|row| row.iter().map(soft).collect()).collect()
    });
    assert!(w.concat().contains(&0.0));
    is_matrix(written(&composition, &pairs).as_ref(), &w, "elastic net");
}

/// Each step takes 1 - β |k|² of the error of one pair.
#[test]
fn several_steps_shrink_the_error_geometrically() {
    let pairs = pairs(4);
    let composition = with(&named("delta_rule"), Place::Rule, "several_steps");
    let composition = set(set(composition, Place::Rule, "steps", 3.0), Place::Rule, "beta", 0.4);
    let s = pairs.iter().fold(zeros(), |s, (k, v)| plus(&s, 1.0 - 0.6f64.powi(3), &minus(v, &times(&s, k)), k));
    is_matrix(written(&composition, &pairs).as_ref(), &s, "several steps");
}

/// S ← f S + v kᵀ, z ← f z + k, o = S q / max(|z·q|, 1).
#[test]
fn mlstm_divides_by_what_was_written() {
    let pairs = pairs(30);
    let memory = written(&set(named("mlstm"), Place::Retention, "gamma", 0.98), &pairs);
    let f = f64::from(0.98f32);
    let s = pairs.iter().fold(zeros(), |s, (k, v)| plus(&scaled(&s, f), 1.0, v, k));
    let z = pairs.iter().fold(vec![0.0; D_K], |z, (k, _)| z.iter().zip(k).map(|(z, k)| f * z + k).collect());
    let mut divided = 0;
    for (query, _) in &pairs {
        let query: Vec<f64> = query.iter().map(|q| 3.0 * q).collect();
        let by = dot(&z, &query).abs().max(1.0);
        divided += usize::from(by > 1.0);
        let expected: Vec<f64> = times(&s, &query).iter().map(|o| o / by).collect();
        close(&memory.read(&single(&query)), &expected, 2e-5, "mLSTM");
    }
    assert!(divided > 0);
    // Novelty: what is answered along the value already is not written again.
    let novelty = set(with(&named("mlstm"), Place::Retention, "none"), Place::Architecture, "input", "novelty");
    let mut gated = written(&novelty, &pairs[..1]);
    let once = gated.image();
    gated.write(&single(&pairs[0].0), &single(&pairs[0].1));
    close(&gated.image().values, &once.values.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), 1e-5, "novelty");
}
