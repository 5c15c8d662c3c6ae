//! Memory caching: the four read-outs against kept states formed by hand.

use mnemoscope_memory::{Composition, Place};

use crate::pair::*;

const SEGMENT: usize = 3;

fn caching(read_out: &str, at_border: &str) -> Composition {
    let composition = set(named("memory_caching"), Place::Architecture, "segment", SEGMENT as f64);
    let composition = set(composition, Place::Architecture, "sharpness", 6.0);
    set(set(composition, Place::Architecture, "read_out", read_out), Place::Architecture, "at_border", at_border)
}

/// States and mean keys of the segments; nested where they go on.
fn segments(pairs: &[Pair], nested: bool) -> Vec<(Rows, Vec<f64>)> {
    pairs
        .chunks(SEGMENT)
        .enumerate()
        .map(|(i, segment)| {
            let held = if nested { &pairs[..i * SEGMENT + segment.len()] } else { segment };
            let state = held.iter().fold(zeros(), |s, (k, v)| plus(&s, 1.0, v, k));
            let mean = (0..D_K).map(|j| segment.iter().map(|(k, _)| k[j]).sum::<f64>() / segment.len() as f64);
            (state, mean.collect())
        })
        .collect()
}

#[test]
fn read_outs_are_what_their_formulas_say() {
    // With a present segment that is under way, and with one that has not begun.
    for n in [8, 9] {
        let pairs = pairs(n);
        for (nested, at_border) in [(false, "reset"), (true, "checkpoint")] {
            let states = segments(&pairs, nested);
            for (query, _) in pairs.iter().take(3) {
                let answers: Rows = states.iter().map(|(s, _)| times(s, query)).collect();
                let relevance: Vec<f64> = states.iter().map(|(_, mean)| 6.0 * dot(query, mean)).collect();
                let read = |read_out: &str| written(&caching(read_out, at_border), &pairs).read(&single(query));
                close(&read("residual"), &mix(&vec![1.0; states.len()], &answers), 1e-5, "residual");
                let gated = mix(&softmax(&relevance), &answers);
                close(&read("gated"), &gated, 1e-5, "gated");
                close(&read("soup"), &gated, 1e-5, "the soup of linear memories is their gated answer");
                // The nearest kept one, and the present one where it has begun, however far it is.
                let kept = n / SEGMENT;
                let nearest = (0..kept).max_by(|a, b| relevance[*a].total_cmp(&relevance[*b])).unwrap();
                let asked: Vec<usize> = std::iter::once(nearest).chain(kept..states.len()).collect();
                let gates = softmax(&asked.iter().map(|i| relevance[*i]).collect::<Vec<_>>());
                let sparse = mix(&gates, &asked.iter().map(|i| answers[*i].clone()).collect::<Vec<_>>());
                let one = set(caching("sparse", at_border), Place::Architecture, "top", 1.0);
                close(&written(&one, &pairs).read(&single(query)), &sparse, 1e-5, "sparse");
            }
        }
    }
}

#[test]
fn the_residual_of_segments_is_the_memory_without_caching() {
    let pairs = pairs(10);
    let cached = written(&caching("residual", "reset"), &pairs);
    let plain = written(&named("linear_attention"), &pairs);
    for (query, _) in &pairs {
        let expected: Vec<f64> = plain.read(&single(query)).iter().map(|x| f64::from(*x)).collect();
        close(&cached.read(&single(query)), &expected, 1e-5, "residual");
    }
    assert!(cached.bytes() > 3 * plain.bytes());
}

#[test]
fn the_soup_of_deep_memories_is_not_their_gated_answer() {
    let pairs = pairs(9);
    let deep = |read_out: &str| {
        let composition = with(&caching(read_out, "reset"), Place::Bias, "squared_error");
        let composition = set(with(&composition, Place::Rule, "gradient_step"), Place::Rule, "beta", 0.3);
        // A router so blunt that all states have a say.
        let composition = set(composition, Place::Architecture, "sharpness", 0.5);
        written(&set(composition, Place::Architecture, "inner", "mlp"), &pairs).read(&single(&pairs[1].0))
    };
    let (gated, soup) = (deep("gated"), deep("soup"));
    let difference: f32 = gated.iter().zip(&soup).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference > 1e-3, "{gated:?} {soup:?}");
}
