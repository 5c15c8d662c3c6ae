//! Titans' deep memory: its recurrence with gradients by finite differences of the loss.

use mnemoscope_core::Component;
use mnemoscope_memory::{Composition, Memory, Place};

use crate::pair::*;

/// Entries of keys, values, and hidden units: of one size, so that the picture holds the weights without padding.
const D: usize = 3;
const HIDDEN: usize = 6;

/// ½ |W₁ gelu(W₂ k) - v|² with the weights as the picture has them: rows of W₂, then columns of W₁.
fn loss(weights: &[f64], key: &[f64], value: &[f64]) -> f64 {
    let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
    let (second, first) = weights.split_at(HIDDEN * D);
    let mut answer = vec![0.0; D];
    for (row, column) in second.chunks(D).zip(first.chunks(D)) {
        let active = gelu(dot(row, key));
        answer.iter_mut().zip(column).for_each(|(o, w)| *o += w * active);
    }
    dot(&minus(&answer, value), &minus(&answer, value)) / 2.0
}

#[test]
fn the_deep_memory_follows_its_recurrence() {
    let composition = set(set(named("titans_mlp"), Place::Rule, "theta", 0.3), Place::Rule, "eta", 0.5);
    let composition = set(composition, Place::Retention, "gamma", 0.95);
    let mut memory = composition.build(D, D, 11).unwrap();
    let mut weights: Vec<f64> = memory.image().values.iter().map(|w| f64::from(*w)).collect();
    let mut surprise = vec![0.0; weights.len()];
    assert_eq!(weights.len(), 2 * HIDDEN * D);
    for (key, value) in pairs(6) {
        let (key, value) = (&key[..D], &value[..D]);
        let gradient: Vec<f64> = (0..weights.len())
            .map(|i| {
                let moved = |by: f64| {
                    let mut weights = weights.clone();
                    weights[i] += by;
                    loss(&weights, key, value)
                };
                (moved(1e-5) - moved(-1e-5)) / 2e-5
            })
            .collect();
        memory.write(&single(key), &single(value));
        assert!((f64::from(memory.surprise().unwrap()) - norm(&gradient)).abs() < 1e-4);
        for ((w, z), g) in weights.iter_mut().zip(&mut surprise).zip(&gradient) {
            *z = f64::from(0.5f32) * *z - f64::from(0.3f32) * g;
            *w = f64::from(0.95f32) * *w + *z;
        }
        close(&memory.image().values, &weights, 1e-4, "deep memory");
    }
}

#[test]
fn a_deep_memory_is_a_function_of_its_seed_and_learns_a_pair() {
    let composition = Composition {
        rule: Component::new("several_steps").unwrap(),
        ..with(&named("titans_mlp"), Place::Retention, "none")
    };
    let composition = set(set(composition, Place::Rule, "steps", 16.0), Place::Rule, "beta", 0.3);
    let (key, value) = (single(&pairs(1)[0].0), single(&pairs(1)[0].1));
    let error = |memory: &dyn Memory| memory.read(&key).iter().zip(&value).map(|(o, v)| (o - v).powi(2)).sum::<f32>();
    let mut memory = composition.build(D_K, D_V, 1).unwrap();
    assert_eq!(memory.image(), composition.build(D_K, D_V, 1).unwrap().image());
    assert_ne!(memory.image(), composition.build(D_K, D_V, 2).unwrap().image());
    let before = error(memory.as_ref());
    (0..20).for_each(|_| memory.write(&key, &value));
    assert!(error(memory.as_ref()) < 1e-3 * before);
    let residual = set(named("titans_mlp"), Place::Architecture, "residual", true);
    assert!(residual.build(D_K, D_K, 1).is_ok());
    assert!(residual.build(D_K, D_V, 1).unwrap_err().to_string().contains("must be equal"));
}
