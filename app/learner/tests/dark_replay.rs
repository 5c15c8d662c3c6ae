//! DER and DER++ against their equations (Buzzega et al. 2020, eq. 5 and 6) on a linear model, in f64 on the host.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod common;

use std::collections::HashMap;

use common::*;
use mnemoscope_core::Setting;
use mnemoscope_learner::{Batch, Head, Learner, Scope, State, TaskData as _};

const SEEDS: [u64; 2] = [4, 9];
const RATE: f64 = 0.1;

/// A linear model whose draws take all that the buffer holds, so that the loss does not depend on chance.
fn setup(kind: &str, weights: &[(&str, f64)]) -> Setup {
    let settings: Vec<_> = [("capacity", 9.0), ("batch", 9.0)].iter().chain(weights).collect();
    let settings: Vec<_> = settings.into_iter().map(|(name, value)| (*name, number(*value))).collect();
    let mut setup = Setup::new().optimiser("sgd", &[("rate", number(RATE))]).method(kind, &settings);
    setup.model.set("widths", Setting::List(vec![])).unwrap();
    setup
}

fn logits(weights: &[f64], x: &[f32]) -> Vec<f64> {
    let bias = FEATURES * CLASSES;
    (0..CLASSES)
        .map(|c| weights[bias + c] + (0..FEATURES).map(|f| f64::from(x[f]) * weights[f * CLASSES + c]).sum::<f64>())
        .collect()
}

/// −log p(y) over the classes below `open`.
fn cross_entropy(z: &[f64], y: usize, open: usize) -> f64 {
    z[..open].iter().map(|z| z.exp()).sum::<f64>().ln() - z[y]
}

/// What one replica's step should descend: CE(B) + α/C mean |z − z′|² + β mean CE(M), term by term.
fn objective(
    state: &State,
    kind: &str,
    replica: usize,
    batch: &Batch,
    open: usize,
    (alpha, beta): (f64, f64),
    weights: &[f64],
) -> [f64; 3] {
    let rows = replica * batch.rows..(replica + 1) * batch.rows;
    let x = |row: usize| &batch.x[row * FEATURES..(row + 1) * FEATURES];
    let new = rows.map(|row| cross_entropy(&logits(weights, x(row)), batch.y[row] as usize, open)).sum::<f64>();
    let own = |part: &str| &state.reals[&format!("{kind}.{replica}.{part}")].values;
    let labels = &state.words[&format!("{kind}.{replica}.y")];
    let held = labels.len() as f64;
    let (mut square, mut ce) = (0.0, 0.0);
    for (slot, label) in labels.iter().enumerate() {
        let z = logits(weights, &own("x")[slot * FEATURES..(slot + 1) * FEATURES]);
        let stored = &own("extra")[slot * CLASSES..(slot + 1) * CLASSES];
        square += z.iter().zip(stored).map(|(z, stored)| (z - f64::from(*stored)).powi(2)).sum::<f64>();
        ce += cross_entropy(&z, *label as usize, open);
    }
    [new / batch.rows as f64, alpha * square / CLASSES as f64 / held, beta * ce / held]
}

fn own(learner: &Learner, replica: usize) -> Vec<f64> {
    let p = learner.parameters();
    learner.weights()[replica * p..(replica + 1) * p].iter().map(|w| f64::from(*w)).collect()
}

fn check(kind: &str, head: Head, alpha: f64, beta: f64) {
    let weights = if kind == "der" { vec![("alpha", alpha)] } else { vec![("alpha", alpha), ("beta", beta)] };
    let mut learner = setup(kind, &weights).head(head).learner(&SEEDS);
    for step in 0..3 * BLOCK as u32 {
        let block = step as usize / BLOCK;
        let data = Data::new(Scope::Current, block, 2);
        if (step as usize).is_multiple_of(BLOCK) {
            learner.begin_block(&info(block, 2), &data);
        }
        let (before, old) = (learner.save(), [own(&learner, 0), own(&learner, 1)]);
        let batch = data.gather(&[vec![step % 6, 7 + step % 6, 20], vec![30, 31, 2 * (step % 6)]]);
        learner.step(batch.clone()).unwrap();
        if step == 0 {
            assert_eq!(learner.last_losses().ids, ["ce"], "nothing is stored at first");
            continue;
        }
        let open = if head == Head::Seen { 2 * (block + 1) } else { CLASSES };
        let losses = learner.last_losses();
        for (replica, old) in old.iter().enumerate() {
            let loss = |weights: &[f64]| objective(&before, kind, replica, &batch, open, (alpha, beta), weights);
            let [ce, square, labels] = loss(old);
            let expected = match kind {
                "der" => vec![("ce", ce), ("der", square)],
                _ => vec![("ce", ce), ("derpp_labels", labels), ("derpp_logits", square)],
            };
            assert_eq!(losses.ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            for ((id, value), shown) in expected.iter().zip(&losses.terms) {
                let shown = f64::from(shown[replica]);
                assert!((shown - value).abs() < 1e-5 * (1.0 + value), "{kind} {step}: {id} {shown} is {value}");
            }
            let now = own(&learner, replica);
            for i in 0..old.len() {
                let at = |by: f64| {
                    let mut shifted = old.clone();
                    shifted[i] += by;
                    loss(&shifted).iter().sum::<f64>()
                };
                let (numeric, used) = ((at(1e-5) - at(-1e-5)) / 2e-5, (old[i] - now[i]) / RATE);
                // The weights are f32 of size 1, their change is divided by the rate.
                assert!((numeric - used).abs() < 2e-5, "{kind} {step}: weight {i}: {used} is {numeric}");
            }
        }
    }
}

#[test]
fn der_descends_its_equation() {
    check("der", Head::All, 0.7, 0.0);
    check("der", Head::Seen, 0.7, 0.0);
}

#[test]
fn derpp_descends_its_equation() {
    check("derpp", Head::All, 0.7, 1.3);
    check("derpp", Head::Seen, 0.7, 1.3);
}

/// A sample's stored logits are those that the network gave it before the update of the step that met it.
#[test]
fn logits_are_stored_before_the_update() {
    for kind in ["der", "derpp"] {
        let mut learner = Setup::new().head(Head::Seen).method(kind, &[("capacity", number(6.0))]).learner(&SEEDS);
        let mut known: HashMap<(usize, Vec<u32>), Vec<f32>> = HashMap::new();
        let all: Vec<u32> = (0..SAMPLES as u32).collect();
        for block in 0..GROUPS {
            let data = Data::new(Scope::Current, block, 2);
            learner.begin_block(&info(block, 2), &data);
            // Every sample once, in steps of four: each has one moment of storing.
            for rows in all.chunks(4) {
                let batch = data.gather(&[rows.to_vec(), rows.to_vec()]);
                let set = learner.evaluator(batch.x.clone(), 4, false);
                let logits = learner.logits(&set);
                for row in 0..8 {
                    let x = bits(&batch.x[row * FEATURES..(row + 1) * FEATURES]);
                    known.insert((row / 4, x), logits[row * CLASSES..(row + 1) * CLASSES].to_vec());
                }
                learner.step(batch).unwrap();
                let state = learner.save();
                for replica in 0..2 {
                    let part = |name: &str| &state.reals[&format!("{kind}.{replica}.{name}")].values;
                    for (x, stored) in part("x").chunks(FEATURES).zip(part("extra").chunks(CLASSES)) {
                        let said = &known[&(replica, bits(x))];
                        assert!(furthest(said, stored) < 1e-5, "{kind}: {said:?} was stored as {stored:?}");
                    }
                }
            }
        }
        let bytes = 6 * ((FEATURES + CLASSES) * 4 + 4 + 2);
        assert_eq!(learner.footprint()[0].bytes, bytes);
    }
}
