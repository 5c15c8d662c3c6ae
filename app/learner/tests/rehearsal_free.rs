//! Feature distillation, the local cross-entropy and memory aware synapses: their equations, on the tiny world.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod common;

use burn::tensor::Device;
use common::*;
use mnemoscope_learner::{Batch, Head, Learner, Scope, TaskData as _};

const SEEDS: [u64; 2] = [4, 9];
/// Tanh, so that finite differences meet no kinks.
const UNITS: [usize; 4] = [FEATURES, 7, 5, CLASSES];

/// Every layer's output for one row, in f64.
fn forward(weights: &[f64], x: &[f32]) -> Vec<Vec<f64>> {
    let mut at = 0;
    let mut all = vec![x.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>()];
    for (layer, pair) in UNITS.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let (bias, below) = (at + inputs * outputs, all[layer].clone());
        let z =
            |o: usize| weights[bias + o] + (0..inputs).map(|i| below[i] * weights[at + i * outputs + o]).sum::<f64>();
        all.push((0..outputs).map(|o| if layer + 2 == UNITS.len() { z(o) } else { z(o).tanh() }).collect());
        at = bias + outputs;
    }
    all
}

fn batch(group: usize) -> Batch {
    let rows = |start: u32| (start..start + 5).collect::<Vec<u32>>();
    // The second replica has one row less.
    Data::new(Scope::Current, group, 2).gather(&[rows(0), rows(9)[..4].to_vec()])
}

/// The losses of one more step, seen from a copy.
fn losses(setup: &Setup, from: &Learner, weights: &[f32], batch: &Batch) -> mnemoscope_learner::Losses {
    let mut state = from.save();
    state.reals.get_mut("weights").unwrap().values = weights.to_vec();
    let mut copy = setup.learner(&SEEDS);
    copy.load(&state).unwrap();
    copy.step(batch.clone()).unwrap();
    copy.last_losses()
}

/// The step of plain descent against finite differences of the shown total.
fn assert_descends(setup: &Setup, learner: &mut Learner, rate: f64, batch: &Batch) {
    let before = learner.weights();
    let p = learner.parameters();
    let shift = 1e-2;
    let total = |i: usize, by: f32| {
        let mut weights = before.clone();
        weights[i] += by;
        f64::from(losses(setup, learner, &weights, batch).total[i / p])
    };
    let numeric: Vec<f64> = (0..2 * p).map(|i| (total(i, shift) - total(i, -shift)) / f64::from(2.0 * shift)).collect();
    learner.step(batch.clone()).unwrap();
    for (i, (old, new)) in before.iter().zip(learner.weights()).enumerate() {
        let gradient = f64::from(old - new) / rate;
        // Central differences of f32 losses: truncation and rounding are both of the order 1e-4.
        assert!((gradient - numeric[i]).abs() < 2e-3 * (1.0 + gradient.abs()), "{i}: {gradient} {}", numeric[i]);
    }
}

#[test]
fn feature_distillation_is_the_mean_squared_way_of_the_features() {
    let beta = [0.7, 3.0];
    let setup = Setup::new()
        .activation("tanh")
        .optimiser("sgd", &[("rate", number(0.1))])
        .method("feature_kd", &[])
        .spread("feature_kd", "weight", beta.to_vec());
    let mut learner = setup.learner(&SEEDS);
    drive(&mut learner, &SEEDS, 0, BLOCK);
    let old: Vec<f64> = learner.weights().iter().map(|w| f64::from(*w)).collect();
    drive(&mut learner, &SEEDS, BLOCK, BLOCK + 3);
    let batch = batch(1);
    let found = losses(&setup, &learner, &learner.weights(), &batch);
    assert_eq!(found.ids, ["ce", "feature_kd"]);
    let now: Vec<f64> = learner.weights().iter().map(|w| f64::from(*w)).collect();
    let p = learner.parameters();
    for replica in 0..2 {
        let own = replica * p..(replica + 1) * p;
        let rows = if replica == 0 { 5 } else { 4 };
        let squares = (0..rows).map(|row| {
            let at = (replica * 5 + row) * FEATURES;
            let h = |weights: &[f64]| forward(&weights[own.clone()], &batch.x[at..at + FEATURES])[2].clone();
            h(&now).iter().zip(h(&old)).map(|(h, old)| (h - old).powi(2)).sum::<f64>()
        });
        let expected = beta[replica] * squares.sum::<f64>() / rows as f64;
        let value = f64::from(found.terms[1][replica]);
        assert!(expected > 1e-4 && (value - expected).abs() < 1e-4 * (1.0 + expected), "{value} {expected}");
    }
    assert_descends(&setup, &mut learner, 0.1, &batch);
}

/// Where a batch is of one task, the task's own head is the same restriction.
#[test]
fn local_cross_entropy_is_the_task_head_while_training() {
    let run = |setup: Setup| {
        let mut learner = setup.learner(&SEEDS);
        drive(&mut learner, &SEEDS, 0, GROUPS * BLOCK);
        bits(&learner.weights())
    };
    let local = run(Setup::new().method("local_ce", &[]));
    assert_eq!(local, run(Setup::new().head(Head::Task)));
    assert_eq!(local, run(Setup::new().head(Head::Seen).method("local_ce", &[])));
    assert_ne!(local, run(Setup::new()));
}

#[test]
fn local_cross_entropy_leaves_other_outputs_and_replayed_rows_alone() {
    let rate = [("rate", number(0.1))];
    let biases = |learner: &Learner| {
        let (p, weights) = (learner.parameters(), learner.weights());
        [0, 1].map(|replica| weights[(replica + 1) * p - CLASSES..(replica + 1) * p].to_vec())
    };
    let moved = |setup: &Setup, batch: Batch| {
        let mut learner = setup.learner(&SEEDS);
        drive(&mut learner, &SEEDS, 0, BLOCK);
        learner.begin_block(&info(1, 2), &Data::new(Scope::Current, 1, 2));
        let before = biases(&learner);
        learner.step(batch).unwrap();
        let after = biases(&learner);
        [0, 1].map(|replica| (0..CLASSES).map(|c| before[replica][c] != after[replica][c]).collect::<Vec<_>>())
    };
    let (t, f) = (true, false);
    let setup = Setup::new().optimiser("sgd", &rate);
    let task = setup.clone().method("local_ce", &[]);
    assert_eq!(moved(&setup, batch(1)), [vec![t; 6], vec![t; 6]]);
    assert_eq!(moved(&task, batch(1)), [vec![f, f, t, t, f, f], vec![f, f, t, t, f, f]]);
    // One class alone has nothing to compete with: its probability is 1.
    let mut one = batch(1);
    one.y = vec![2; 10];
    let labels = setup.clone().method("local_ce", &[("over", word("batch"))]);
    assert_eq!(moved(&labels, one), [vec![f; 6], vec![f; 6]]);
    // Rows of the first task come back through replay and compete with all.
    assert_eq!(moved(&task.method("replay", &[]), batch(1)), [vec![t; 6], vec![t; 6]]);
}

#[test]
fn local_cross_entropy_is_descended() {
    for over in ["task", "batch"] {
        let setup = Setup::new().activation("tanh").optimiser("sgd", &[("rate", number(0.1))]);
        let setup = setup.method("local_ce", &[("over", word(over))]).method("lwf", &[]).method("mas", &[]);
        let mut learner = setup.try_learner(&SEEDS, vec![], &Device::flex()).unwrap();
        drive(&mut learner, &SEEDS, 0, BLOCK + 2);
        assert_descends(&setup, &mut learner, 0.1, &batch(1));
    }
}

/// Ω of MAS against finite differences of each sample's ‖F(x)‖², one sample and one weight at a time.
#[test]
fn mas_is_the_mean_reaction_of_the_outputs_length() {
    for head in [Head::All, Head::Seen, Head::Task] {
        let mut learner = Setup::new().activation("tanh").head(head).method("mas", &[]).learner(&SEEDS);
        let p = learner.parameters();
        let mut expected = vec![0.0; 2 * p];
        for block in 0..2 {
            drive(&mut learner, &SEEDS, block * BLOCK, (block + 1) * BLOCK);
            let weights: Vec<f64> = learner.weights().iter().map(|w| f64::from(*w)).collect();
            let allowed = |class: usize| match head {
                Head::All => true,
                Head::Seen => class / 2 <= block,
                Head::Task => class / 2 == block,
            };
            for (i, expected) in expected.iter_mut().enumerate() {
                let own = &weights[i / p * p..(i / p + 1) * p];
                let length = |by: f64, x: &[f32]| {
                    let mut weights = own.to_vec();
                    weights[i % p] += by;
                    let z = &forward(&weights, x)[3];
                    (0..CLASSES).filter(|c| allowed(*c)).map(|c| z[c] * z[c]).sum::<f64>()
                };
                let slope = |x: &[f32]| (length(1e-5, x) - length(-1e-5, x)) / 2e-5;
                *expected += samples(block).iter().map(|(x, ..)| slope(x).abs()).sum::<f64>() / SAMPLES as f64;
            }
        }
        let found = &learner.save().reals["mas.importance"].values;
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((f64::from(*found) - expected).abs() < 1e-4 * (1.0 + expected), "{head:?} {i}: {found} {expected}");
        }
        assert_eq!(learner.save().reals["mas.anchor"].values, learner.weights());
    }
}
