//! The hybrid of fading and eidetic memory, the state space, and the codebook.

use mnemoscope_memory::Place;

use crate::pair::*;

/// A gated delta matrix, a window of two, a store of two by innovation |v - S k|, and softmax over them all.
#[test]
fn the_hybrid_keeps_the_newest_and_the_worst_predicted() {
    let pairs = pairs(9);
    let hybrid = set(set(named("bmojo"), Place::Architecture, "window", 2.0), Place::Architecture, "store", 2.0);
    let memory = written(&hybrid, &pairs);
    let gamma = f64::from(0.95f32);
    let mut s = zeros();
    let mut innovations = Vec::new();
    for (k, v) in &pairs {
        innovations.push(norm(&minus(&times(&s, k), v)));
        let faded = scaled(&s, gamma);
        s = plus(&faded, 1.0, &minus(v, &times(&faded, k)), k);
    }
    // Of all that have left the window, one after another, the two of largest innovation stay.
    let mut store: Vec<usize> = (0..7).collect();
    store.sort_by(|a, b| innovations[*b].total_cmp(&innovations[*a]));
    let kept: Vec<&Pair> = [7, 8, store[0], store[1]].iter().map(|i| &pairs[*i]).collect();
    for (query, _) in &pairs {
        let mut logits: Vec<f64> = kept.iter().map(|(k, _)| 8.0 * dot(query, k)).collect();
        logits.push(8.0 * 0.5);
        let mut answers: Rows = kept.iter().map(|(_, v)| v.clone()).collect();
        answers.push(times(&s, query));
        close(&memory.read(&single(query)), &mix(&softmax(&logits), &answers), 1e-5, "hybrid");
    }
}

/// A of HiPPO-LegS, from its definition.
fn transition(order: usize) -> Rows {
    let root = |n: usize| (2.0 * n as f64 + 1.0).sqrt();
    let entry = |n: usize, k: usize| match n.cmp(&k) {
        std::cmp::Ordering::Greater => -root(n) * root(k),
        std::cmp::Ordering::Equal => -(n as f64 + 1.0),
        std::cmp::Ordering::Less => 0.0,
    };
    (0..order).map(|n| (0..order).map(|k| entry(n, k)).collect()).collect()
}

/// x ← (I - Δ/2 A)⁻¹ ((I + Δ/2 A) x + Δ B u), Δ = 1/t or fixed; then attention over Σ xₙ √(2n+1) Pₙ(2z - 1).
#[test]
fn the_state_space_follows_its_bilinear_recurrence() {
    let (order, pairs) = (4, pairs(6));
    let a = transition(order);
    for invariant in [false, true] {
        let point = if invariant { set(named("lssl"), Place::Architecture, "step", 0.25) } else { named("hippo_legs") };
        let memory = written(&set(point, Place::Architecture, "order", order as f64), &pairs);
        let signal = |d: usize, t: usize| if d < D_K { pairs[t].0[d] } else { pairs[t].1[d - D_K] };
        let x: Rows = (0..D_K + D_V)
            .map(|d| {
                (0..pairs.len()).fold(vec![0.0; order], |x, t| {
                    let step = if invariant { 0.25 } else { 1.0 / (t as f64 + 1.0) };
                    let shifted = |by: f64| -> Rows {
                        let unit = |n: usize, k: usize| if n == k { 1.0 } else { 0.0 };
                        (0..order).map(|n| (0..order).map(|k| unit(n, k) + by * a[n][k]).collect()).collect()
                    };
                    let right = times(&shifted(step / 2.0), &x);
                    let fed =
                        right.iter().enumerate().map(|(n, x)| x + step * (2.0 * n as f64 + 1.0).sqrt() * signal(d, t));
                    solve(shifted(-step / 2.0), fed.collect())
                })
            })
            .collect();
        close(&memory.image().values, &x.concat(), 1e-5, "coefficients");
        // P₀ to P₃, written out.
        let basis = |z: f64| {
            let y = 2.0 * z - 1.0;
            let p = [1.0, y, (3.0 * y * y - 1.0) / 2.0, (5.0 * y.powi(3) - 3.0 * y) / 2.0];
            (0..order).map(|n| (2.0 * n as f64 + 1.0).sqrt() * p[n]).collect::<Vec<f64>>()
        };
        let rebuilt: Rows = (0..6)
            .map(|t| {
                let age = 6.0 - t as f64 - 0.5;
                let z = if invariant { (-0.25 * age).exp() } else { 1.0 - age / 6.0 };
                x.iter().map(|x| dot(x, &basis(z))).collect()
            })
            .collect();
        let query = &pairs[2].0;
        let shares = softmax(&rebuilt.iter().map(|row| 8.0 * dot(query, &row[..D_K])).collect::<Vec<_>>());
        let answers: Rows = rebuilt.iter().map(|row| row[D_K..].to_vec()).collect();
        close(&memory.read(&single(query)), &mix(&shares, &answers), 1e-4, "answer");
        let all = memory.read_all(&single(&[query.clone(), pairs[3].0.clone()].concat()), D_K);
        assert_eq!(all[..D_V], memory.read(&single(query)));
    }
}

/// With a code per pair each pair has values of its own; with fewer, the codes are frozen after the warm-up, and keys
/// share them.
#[test]
fn the_bottleneck_writes_what_it_fetches_alone() {
    let pairs = pairs(6);
    let roomy = written(&named("key_value_bottleneck"), &pairs);
    for (key, value) in &pairs {
        close(&roomy.read(&single(key)), value, 1e-5, "a code of its own");
    }
    let tight =
        set(set(named("key_value_bottleneck"), Place::Architecture, "codes", 2.0), Place::Architecture, "heads", 1.0);
    let tight = set(set(tight, Place::Architecture, "warm_up", 2.0), Place::Architecture, "width", 64.0);
    let mut memory = written(&tight, &pairs[..2]);
    // Both codes are the first keys' projections. A third key near the second one fetches and writes its value alone.
    let near: Vec<f32> = pairs[1].0.iter().map(|k| 0.9 * *k as f32).collect();
    close(&memory.read(&near), &pairs[1].1, 1e-5, "fetched");
    memory.write(&near, &[9.0, 8.0, 7.0, 6.0]);
    close(&memory.read(&single(&pairs[1].0)), &[9.0, 8.0, 7.0, 6.0], 1e-5, "written over");
    close(&memory.read(&single(&pairs[0].0)), &pairs[0].1, 1e-5, "left alone");
    // Frozen: however often another key is written, a nearer one still fetches the same code.
    let half = set(tight, Place::Rule, "beta", 0.5);
    let mut memory = written(&half, &pairs[..2]);
    memory.write(&near, &[0.0; D_V]);
    let expected: Vec<f64> = pairs[1].1.iter().map(|v| 0.25 * v).collect();
    close(&memory.read(&single(&pairs[1].0)), &expected, 1e-5, "half of half the error");
}
