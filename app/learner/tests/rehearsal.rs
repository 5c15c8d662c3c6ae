//! Methods with a buffer against their equations, on a linear model and in f64 on the host.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use common::*;
use mnemoscope_core::Setting;
use mnemoscope_learner::{Batch, Footprint, Head, Learner, Method, Rows, Scope, Site, State, TaskData as _};

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

/// −log p(y) over the allowed classes.
fn cross_entropy(z: &[f64], y: usize, allowed: impl Fn(usize) -> bool) -> f64 {
    (0..CLASSES).filter(|class| allowed(*class)).map(|class| z[class].exp()).sum::<f64>().ln() - z[y]
}

/// The parts of a step's loss on one replica, at any weights.
struct Objective<'a> {
    /// The learner's state before the step.
    state: &'a State,
    kind: &'a str,
    replica: usize,
    batch: &'a Batch,
    /// Classes that the head has opened.
    open: usize,
    alpha: f64,
    beta: f64,
}

impl Objective<'_> {
    /// CE(B); the buffer's mean |z − z′|² / C; the buffer's mean CE.
    fn parts(&self, weights: &[f64]) -> [f64; 3] {
        let Self { state, kind, replica, batch, open, .. } = *self;
        let rows = || replica * batch.rows..(replica + 1) * batch.rows;
        let x = |row: usize| &batch.x[row * FEATURES..(row + 1) * FEATURES];
        // ER-ACE: the new rows' classes are those of the batch.
        let present = |class: usize| kind != "er_ace" || rows().any(|row| batch.y[row] as usize == class);
        let ce = |row| cross_entropy(&logits(weights, x(row)), batch.y[row] as usize, |c| c < open && present(c));
        let new = rows().map(ce).sum::<f64>() / batch.rows as f64;
        let own = |part: &str| state.reals.get(&format!("{kind}.{replica}.{part}")).map(|array| &array.values[..]);
        let labels = &state.words[&format!("{kind}.{replica}.y")];
        let (held, (mut square, mut old)) = (labels.len() as f64, (0.0, 0.0));
        for (slot, label) in labels.iter().enumerate() {
            let z = logits(weights, &own("x").unwrap()[slot * FEATURES..(slot + 1) * FEATURES]);
            if let Some(stored) = own("extra") {
                let stored = &stored[slot * CLASSES..(slot + 1) * CLASSES];
                square += z.iter().zip(stored).map(|(z, stored)| (z - f64::from(*stored)).powi(2)).sum::<f64>();
            }
            old += cross_entropy(&z, *label as usize, |class| class < open);
        }
        [new, square / CLASSES as f64 / held, old / held]
    }

    fn terms(&self, weights: &[f64]) -> Vec<(&'static str, f64)> {
        let [new, square, old] = self.parts(weights);
        match self.kind {
            "der" => vec![("ce", new), ("der", self.alpha * square)],
            "derpp" => vec![("ce", new), ("derpp_labels", self.beta * old), ("derpp_logits", self.alpha * square)],
            _ => vec![("ce", new), ("er_ace", old)],
        }
    }

    /// ∂/∂θᵢ of a function of the weights by central differences.
    fn slope(of: impl Fn(&[f64]) -> f64, weights: &[f64], i: usize) -> f64 {
        let at = |by: f64| {
            let mut shifted = weights.to_vec();
            shifted[i] += by;
            of(&shifted)
        };
        (at(1e-5) - at(-1e-5)) / 2e-5
    }
}

fn own(learner: &Learner, replica: usize) -> Vec<f64> {
    let p = learner.parameters();
    learner.weights()[replica * p..(replica + 1) * p].iter().map(|w| f64::from(*w)).collect()
}

/// The rows of a step: now and then all of one class.
fn rows(step: u32) -> [Vec<u32>; 2] {
    let odd = step % 2;
    [vec![step % 6, 7 + step % 6, 20], vec![30, 30 + 2 * odd, 2 * (step % 6) + 1 - odd]]
}

/// Steps through three blocks and looks at every step but the first: the state, the weights and the batch before it.
fn walk(learner: &mut Learner, mut look: impl FnMut(u32, &State, &[Vec<f64>], &Batch, &Learner)) {
    for step in 0..3 * BLOCK as u32 {
        let block = step as usize / BLOCK;
        let data = Data::new(Scope::Current, block, 2);
        if (step as usize).is_multiple_of(BLOCK) {
            learner.begin_block(&info(block, 2), &data);
        }
        let (before, old) = (learner.save(), [own(learner, 0), own(learner, 1)]);
        let batch = data.gather(&rows(step));
        learner.step(batch.clone()).unwrap();
        if step == 0 {
            assert_eq!(learner.last_losses().ids, ["ce"], "nothing is stored at first");
        } else {
            look(step, &before, &old, &batch, learner);
        }
    }
}

fn check(kind: &str, head: Head, weights: &[(&str, f64)]) {
    let mut learner = setup(kind, weights).head(head).learner(&SEEDS);
    walk(&mut learner, |step, before, old, batch, learner| {
        let open = if head == Head::Seen { 2 * (step as usize / BLOCK + 1) } else { CLASSES };
        let losses = learner.last_losses();
        for (replica, old) in old.iter().enumerate() {
            let objective = Objective { state: before, kind, replica, batch, open, alpha: 0.7, beta: 1.3 };
            let expected = objective.terms(old);
            assert_eq!(losses.ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            for ((id, value), shown) in expected.iter().zip(&losses.terms) {
                let shown = f64::from(shown[replica]);
                assert!((shown - value).abs() < 1e-5 * (1.0 + value), "{kind} {step}: {id} {shown} is {value}");
            }
            let now = own(learner, replica);
            let loss = |weights: &[f64]| objective.terms(weights).iter().map(|(_, value)| value).sum::<f64>();
            for i in 0..old.len() {
                let (numeric, used) = (Objective::slope(loss, old, i), (old[i] - now[i]) / RATE);
                // The weights are f32 of size 1, their change is divided by the rate.
                assert!((numeric - used).abs() < 2e-5, "{kind} {step}: weight {i}: {used} is {numeric}");
            }
        }
    });
}

/// Buzzega et al. 2020, eq. 5, with the mean over outputs.
#[test]
fn der_descends_its_equation() {
    check("der", Head::All, &[("alpha", 0.7)]);
    check("der", Head::Seen, &[("alpha", 0.7)]);
}

/// Buzzega et al. 2020, eq. 6.
#[test]
fn derpp_descends_its_equation() {
    check("derpp", Head::All, &[("alpha", 0.7), ("beta", 1.3)]);
    check("derpp", Head::Seen, &[("alpha", 0.7), ("beta", 1.3)]);
}

/// Caccia et al. 2022, eq. 5: the new rows' softmax is over the batch's classes, the old rows' over all of the head.
#[test]
fn er_ace_descends_its_equation_and_shows_its_competitors() {
    check("er_ace", Head::All, &[]);
    check("er_ace", Head::Seen, &[]);
    let mut learner = setup("er_ace", &[]).learner(&SEEDS);
    drive(&mut learner, &SEEDS, 0, 1);
    let formulas: Vec<String> = learner.terms().into_iter().map(|term| term.formula).collect();
    assert_eq!(formulas, ["CE(x, y; C(B))", "CE(x′, y′)"]);
}

/// A method that stands last and keeps the inputs of the rows that `mir` appended, `[R][k]`.
#[derive(Debug, Clone, Default)]
struct Appended(Arc<Mutex<Vec<Vec<Vec<f32>>>>>);

impl Method for Appended {
    fn kind(&self) -> &'static str {
        "appended"
    }

    fn mask_logits(&mut self, site: &Site, rows: &Rows) -> Option<Tensor<3>> {
        let (batch, own) = (rows.batch(), rows.segment("mir").unwrap_or(0..0));
        let x = |at: usize| batch.x[at * FEATURES..(at + 1) * FEATURES].to_vec();
        let of = |replica: usize| own.clone().map(|row| x(replica * batch.rows + row)).collect();
        *self.0.lock().unwrap() = (0..site.replicas()).map(of).collect();
        None
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        Footprint { method: "appended", bytes: 0, flops_per_step: 0.0, note: String::new() }
    }
}

/// Aljundi et al. 2019, algorithm 1, where every stored sample is a candidate: those chosen are those whose losses grow
/// most from θ to θ − η ∇CE(B).
#[test]
fn mir_replays_the_most_interfered() {
    let appended = Appended::default();
    let settings = [("capacity", number(9.0)), ("batch", number(3.0)), ("candidates", number(9.0))];
    let mut setup = Setup::new().optimiser("sgd", &[("rate", number(1.0))]).method("mir", &settings);
    setup.model.set("widths", Setting::List(vec![])).unwrap();
    let mut learner = setup.try_learner(&SEEDS, vec![Box::new(appended.clone())], &Device::flex()).unwrap();
    let mut told_apart = 0;
    walk(&mut learner, |step, before, old, batch, learner| {
        let shown = learner.readings()[0].values.clone();
        for (replica, old) in old.iter().enumerate() {
            let objective =
                Objective { state: before, kind: "mir", replica, batch, open: CLASSES, alpha: 0.0, beta: 0.0 };
            let new = |weights: &[f64]| objective.parts(weights)[0];
            let ahead: Vec<f64> = (0..old.len()).map(|i| old[i] - Objective::slope(new, old, i)).collect();
            let x = &before.reals[&format!("mir.{replica}.x")].values;
            let labels = &before.words[&format!("mir.{replica}.y")];
            let stored: Vec<(Vec<u32>, f64)> = x
                .chunks(FEATURES)
                .zip(labels)
                .map(|(x, y)| {
                    let loss = |weights| cross_entropy(&logits(weights, x), *y as usize, |_| true);
                    (bits(x), loss(&ahead) - loss(old))
                })
                .collect();
            let chosen = &appended.0.lock().unwrap()[replica];
            assert_eq!(chosen.len(), 3);
            let chosen: Vec<Vec<u32>> = chosen.iter().map(|x| bits(x)).collect();
            let mut scores: Vec<f64> = stored.iter().map(|(_, score)| *score).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            let worst = scores[2];
            for (x, score) in &stored {
                if (score - worst).abs() > 1e-4 {
                    told_apart += 1;
                    assert_eq!(chosen.contains(x), *score > worst, "step {step}: {score} where the third is {worst}");
                }
            }
            let mean = scores[..3].iter().sum::<f64>() / 3.0;
            assert!((shown[replica] - mean).abs() < 1e-4, "{} is {mean}", shown[replica]);
        }
    });
    assert!(told_apart > 100, "the scores differ: {told_apart}");
}

/// k steps of plain replay and then a pull to θ₀ + ε (θ − θ₀); the pulls of one replica do not touch another.
#[test]
fn mer_pulls_the_weights_back_every_k_steps() {
    let mer = |every: f64, epsilon: f64, rate: f64| {
        let settings = [("every", number(every)), ("epsilon", number(epsilon)), ("capacity", number(9.0))];
        Setup::new().optimiser("sgd", &[("rate", number(rate))]).method("mer", &settings)
    };
    let run = |setup: &Setup, steps: usize| {
        let mut learner = setup.learner(&SEEDS);
        let start = learner.weights();
        drive(&mut learner, &SEEDS, 0, steps);
        (start, learner.weights())
    };
    let (start, plain) = run(&mer(4.0, 1.0, 0.1), 4);
    let (_, early) = run(&mer(4.0, 0.25, 0.1), 3);
    let (_, pulled) = run(&mer(4.0, 0.25, 0.1), 4);
    assert_eq!(bits(&early), bits(&run(&mer(4.0, 1.0, 0.1), 3).1), "before the pull the steps are replay's");
    let expected: Vec<f32> = start.iter().zip(&plain).map(|(start, end)| start + 0.25 * (end - start)).collect();
    assert!(furthest(&pulled, &expected) < 1e-6);
    // A pull after every step is a smaller step.
    let (_, pulled) = run(&mer(1.0, 0.25, 0.4), GROUPS * BLOCK);
    let (_, small) = run(&mer(1.0, 1.0, 0.1), GROUPS * BLOCK);
    assert!(furthest(&pulled, &small) < 1e-5);

    // The one replica has taken a step more: only one of them is pulled.
    let mut learner = mer(2.0, 0.0, 0.1).learner(&SEEDS);
    let start = learner.weights();
    let data = Data::new(Scope::Current, 0, 2);
    for active in [[true, false], [true, true]] {
        let mut batch = data.gather(&[vec![0, 1], vec![2, 3]]);
        batch.active = active.to_vec();
        learner.step(batch).unwrap();
    }
    let p = learner.parameters();
    let weights = learner.weights();
    assert!(furthest(&weights[..p], &start[..p]) < 1e-6, "ε = 0 goes all the way back");
    assert!(furthest(&weights[p..], &start[p..]) > 1e-3);
}

/// The stream's steps leave the weights alone; two passes in batches that hold the whole memory are two steps of SGD with
/// momentum from the initial weights, by finite differences in f64; long gradients are cut.
#[test]
fn gdumb_trains_from_scratch_on_its_memory() {
    for (scale, cut) in [(1.0, false), (300.0, true)] {
        let settings = [("capacity", number(9.0)), ("batch", number(9.0)), ("epochs", number(2.0))];
        let mut setup = Setup::new().method("gdumb", &settings);
        setup.model.set("widths", Setting::List(vec![])).unwrap();
        let mut learner = setup.learner(&SEEDS);
        let start = learner.weights();
        for block in 0..2 {
            let data = Data::new(Scope::Current, block, 2);
            learner.begin_block(&info(block, 2), &data);
            let before = learner.weights();
            let mut batch = data.gather(&rows(4));
            for step in 0..4 {
                batch = data.gather(&rows(step));
                batch.x.iter_mut().for_each(|x| *x *= scale);
                learner.step(batch.clone()).unwrap();
            }
            assert_eq!(bits(&learner.weights()), bits(&before));
            assert!(learner.terms().is_empty() && learner.last_losses().ids.is_empty());
            let state = learner.save();
            learner.end_block(&info(block, 2), &data);
            for replica in 0..2 {
                let objective = Objective {
                    state: &state,
                    kind: "gdumb",
                    replica,
                    batch: &batch,
                    open: CLASSES,
                    alpha: 0.0,
                    beta: 0.0,
                };
                let own = replica * learner.parameters()..(replica + 1) * learner.parameters();
                let mut weights: Vec<f64> = start[own.clone()].iter().map(|w| f64::from(*w)).collect();
                let mut velocity = vec![0.0; weights.len()];
                // The authors' code: a first pass at a tenth of the rate, momentum 0.9, decay 1e-6, longest gradient 10.
                for rate in [0.005, 0.05] {
                    let old = |weights: &[f64]| objective.parts(weights)[2];
                    let gradient: Vec<f64> = (0..weights.len()).map(|i| Objective::slope(old, &weights, i)).collect();
                    let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                    assert_eq!(length > 10.0, cut, "{length}");
                    for i in 0..weights.len() {
                        let g = gradient[i] * 10.0 / length.max(10.0) + 1e-6 * weights[i];
                        velocity[i] = 0.9 * velocity[i] + g;
                        weights[i] -= rate * velocity[i];
                    }
                }
                let expected: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
                let apart = furthest(&learner.weights()[own], &expected);
                assert!(apart < 2e-5, "block {block}: {apart}");
            }
        }
    }
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
