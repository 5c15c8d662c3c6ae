//! The shown terms are the loss that is descended: against an objective computed on the host in f64, whose finite
//! differences are compared with the gradient that the optimiser was given.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod common;

use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use common::*;
use mnemoscope_core::random::stream;
use mnemoscope_learner::{Batch, Footprint, Head, Learner, LogitTerm, Method, Pass, Rows, Share, Site, State};
use rand::RngExt as _;

const SEEDS: [u64; 2] = [4, 9];

/// What a step was made of, as seen by a method that stands last.
#[derive(Debug, Default)]
struct Seen {
    rows: Option<Rows>,
    x: Vec<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    steps: usize,
}

#[derive(Debug, Clone, Default)]
struct Probe(Arc<Mutex<Seen>>);

fn host<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec().unwrap()
}

impl Method for Probe {
    fn kind(&self) -> &'static str {
        "probe"
    }

    fn logit_terms(&mut self, site: &Site, pass: &Pass<'_>) -> Vec<LogitTerm> {
        let mut seen = self.0.lock().unwrap();
        seen.rows = Some(pass.rows.clone());
        seen.x = host(pass.x);
        seen.weights = host(&site.weights);
        Vec::new()
    }

    fn shape_gradient(&mut self, _site: &Site, gradient: Tensor<2>) -> Tensor<2> {
        self.0.lock().unwrap().gradient = host(&gradient);
        gradient
    }

    fn after_step(&mut self, _site: &Site) -> Option<Tensor<2>> {
        self.0.lock().unwrap().steps += 1;
        None
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        Footprint { method: "probe", bytes: 0, flops_per_step: 0.0, note: String::new() }
    }
}

const UNITS: [usize; 4] = [FEATURES, 7, 5, CLASSES];

/// Logits of one row, all in f64; ReLU.
fn logits(weights: &[f64], x: &[f32]) -> Vec<f64> {
    let mut a: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let mut at = 0;
    for (layer, pair) in UNITS.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let bias = at + inputs * outputs;
        a = (0..outputs)
            .map(|o| {
                let z = weights[bias + o] + (0..inputs).map(|i| a[i] * weights[at + i * outputs + o]).sum::<f64>();
                if layer + 2 == UNITS.len() { z } else { z.max(0.0) }
            })
            .collect();
        at = bias + outputs;
    }
    a
}

fn log_softmax(z: &[f64], allowed: &dyn Fn(usize) -> bool, temperature: f64) -> Vec<f64> {
    let sum: f64 = (0..z.len()).filter(|c| allowed(*c)).map(|c| (z[c] / temperature).exp()).sum();
    z.iter().map(|z| z / temperature - sum.ln()).collect()
}

/// The objective of one replica, term by term, at any weights.
struct Objective<'a> {
    replica: usize,
    rows: &'a Rows,
    batch: &'a Batch,
    x: &'a [f32],
    state: &'a State,
    head: Head,
    block: usize,
    lambda: f64,
    beta: f64,
    decay: f64,
    alpha: f64,
}

impl Objective<'_> {
    fn terms(&self, weights: &[f64]) -> Vec<(&'static str, f64)> {
        let Self { replica, rows, batch, state, .. } = *self;
        let p = weights.len();
        let start = replica * batch.rows;
        let z = |row: usize| logits(weights, &self.x[(start + row) * FEATURES..(start + row + 1) * FEATURES]);
        let weight = |row: usize| f64::from(batch.weight[start + row]);
        let ce = |row: usize| {
            let group = usize::from(batch.group[start + row]);
            let allowed = |class: usize| match self.head {
                Head::All => true,
                Head::Seen => class / 2 <= self.block,
                Head::Task => class / 2 == group,
            };
            -log_softmax(&z(row), &allowed, 1.0)[batch.y[start + row] as usize]
        };
        let mean = |rows: std::ops::Range<usize>, over: f64| rows.map(|row| weight(row) * ce(row)).sum::<f64>() / over;
        let sum = |rows: std::ops::Range<usize>| rows.map(weight).sum::<f64>();
        let new = 0..rows.new_rows();
        let mut all = sum(new.clone());
        for segment in rows.segments() {
            if segment.share == Share::Joined {
                all += sum(segment.rows.clone());
            }
        }
        let mut terms = vec![("ce", mean(new.clone(), all))];
        for segment in rows.segments() {
            let own = segment.rows.clone();
            terms.push((
                segment.id,
                match segment.share {
                    Share::Joined => mean(own, all),
                    Share::Apart => unreachable!("none of these methods keeps rows apart"),
                    Share::Weighted(_) => self.alpha * mean(own.clone(), sum(own)),
                },
            ));
        }
        if let Some(old) = state.reals.get("lwf.weights") {
            let old: Vec<f64> = old.values[replica * p..(replica + 1) * p].iter().map(|w| f64::from(*w)).collect();
            let classes = &state.words[&format!("lwf.{replica}.classes")];
            let allowed = |class: usize| classes.contains(&(class as u64));
            let divergence = |row: usize| -> f64 {
                let x = &self.x[(start + row) * FEATURES..(start + row + 1) * FEATURES];
                let (q, now) = (log_softmax(&logits(&old, x), &allowed, 2.0), log_softmax(&z(row), &allowed, 2.0));
                (0..CLASSES).filter(|c| allowed(*c)).map(|c| q[c].exp() * (q[c] - now[c])).sum()
            };
            let total: f64 = new.clone().map(|row| weight(row) * divergence(row)).sum();
            terms.push(("lwf", self.beta * 4.0 * total / sum(new)));
        }
        if let Some(importance) = state.reals.get("ewc.importance") {
            let of = |name: &str, i: usize| f64::from(state.reals[name].values[replica * p + i]);
            let squares: f64 = (0..p)
                .map(|i| f64::from(importance.values[replica * p + i]) * (weights[i] - of("ewc.anchor", i)).powi(2))
                .sum();
            let constant = state.reals.get("ewc.constant").map_or(0.0, |c| f64::from(c.values[replica]));
            terms.push(("ewc", 0.5 * self.lambda * (squares + constant)));
        }
        if self.decay > 0.0 {
            terms.push(("weight_decay", 0.5 * self.decay * weights.iter().map(|w| w * w).sum::<f64>()));
        }
        terms
    }
}

/// Runs 14 steps over three blocks and checks each.
fn check(name: &str, setup: &Setup, decay: f64) {
    let probe = Probe::default();
    let mut learner = setup.try_learner(&SEEDS, vec![Box::new(probe.clone())], &Device::flex()).unwrap();
    // The state before a step is what its objective was made of; blocks end after the look.
    let mut before = learner.save();
    let mut shown_before: Vec<&'static str> = Vec::new();
    let look = |step: usize, learner: &mut Learner| {
        let seen = probe.0.lock().unwrap();
        let losses = learner.last_losses();
        let rows = seen.rows.as_ref().unwrap();
        assert_eq!(seen.steps, step + 1);
        let p = learner.parameters();
        for replica in 0..SEEDS.len() {
            let objective = Objective {
                replica,
                rows,
                batch: rows.batch(),
                x: &seen.x,
                state: &before,
                head: setup.head,
                block: step / BLOCK,
                lambda: 30.0,
                beta: 1.5,
                decay,
                alpha: 0.7,
            };
            let weights: Vec<f64> =
                seen.weights[replica * p..(replica + 1) * p].iter().map(|w| f64::from(*w)).collect();
            let expected = objective.terms(&weights);
            let (mut ids, mut expected_ids) = (losses.ids.clone(), expected.iter().map(|t| t.0).collect::<Vec<_>>());
            ids.sort_unstable();
            expected_ids.sort_unstable();
            assert_eq!(ids, expected_ids, "{name}: terms at step {step}");
            for (id, value) in &expected {
                let at = losses.ids.iter().position(|shown| shown == id).unwrap();
                let shown = f64::from(losses.terms[at][replica]);
                assert!((shown - value).abs() <= 2e-5 * (1.0 + value.abs()), "{name}: {id} {shown} is {value}");
            }
            let sum: f32 = losses.terms.iter().map(|term| term[replica]).sum();
            assert!((sum - losses.total[replica]).abs() <= 1e-6 * (1.0 + sum.abs()), "{name}: the terms add up");

            let mut random = stream(step as u64, "coordinates", &[replica as u64]);
            for _ in 0..12 {
                let i = random.random_range(0..p);
                let at = |by: f64| {
                    let mut weights = weights.clone();
                    weights[i] += by;
                    objective.terms(&weights).iter().map(|term| term.1).sum::<f64>()
                };
                let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
                let used = f64::from(seen.gradient[replica * p + i]);
                // f32 against f64: rounding of sums with terms up to about 10.
                assert!((numeric - used).abs() <= 5e-5 * (1.0 + numeric.abs()), "{name}: {i}: {used} is {numeric}");
            }
        }
        // At the end of a block terms may appear; within one, what is shown is what is descended.
        let shown: Vec<&'static str> = learner.terms().iter().map(|term| term.id).collect();
        if !step.is_multiple_of(BLOCK) {
            assert_eq!(shown_before, losses.ids, "{name}: what was shown before step {step}");
        }
        shown_before = shown;
        before = learner.save();
        if step % BLOCK == BLOCK - 1 {
            // What the end of the block adds is read from the learner as it will be: end it on a copy.
            let mut copy = setup.learner(&SEEDS);
            copy.load(&before).unwrap();
            let data = Data::new(learner.scope(), step / BLOCK, SEEDS.len());
            copy.end_block(&info(step / BLOCK, SEEDS.len()), &data);
            before = copy.save();
        }
    };
    drive_with(&mut learner, &SEEDS, 0, 14, look);
}

fn subset(bits: usize, replay_loss: &str) -> Option<(String, Setup)> {
    let mut setup = Setup::new();
    let mut name = Vec::new();
    let kinds = ["fine_tuning", "cumulative", "joint", "replay", "ewc", "lwf"];
    for (at, kind) in kinds.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1) {
        name.push(kinds[at]);
        let settings = match *kind {
            "replay" => vec![
                ("capacity", number(9.0)),
                ("batch", number(5.0)),
                ("loss", word(replay_loss)),
                ("weight", number(0.7)),
            ],
            "ewc" => vec![("lambda", number(30.0))],
            "lwf" => vec![("weight", number(1.5))],
            _ => vec![],
        };
        setup = setup.method(kind, &settings);
    }
    let both = bits >> 1 & 1 == 1 && bits >> 2 & 1 == 1;
    (!both).then(|| (name.join(" + "), setup))
}

#[test]
fn every_subset_of_methods() {
    let mut count = 0;
    for bits in 0..64 {
        match subset(bits, "joined") {
            Some((name, setup)) => {
                count += 1;
                check(&name, &setup, 0.0);
            }
            None => assert!(bits & 6 == 6),
        }
    }
    assert_eq!(count, 48);
}

#[test]
fn two_means_weight_decay_and_every_head() {
    for head in [Head::All, Head::Seen, Head::Task] {
        for kinds in [0b001000, 0b111000, 0b011010] {
            let (name, setup) = subset(kinds, "weighted").unwrap();
            let setup = setup.optimiser("sgd", &[("weight_decay", number(0.02))]).head(head);
            check(&format!("{name} {head:?}"), &setup, 0.02);
        }
    }
}

#[test]
fn terms_carry_their_symbols_and_live_values() {
    let (_, setup) = subset(0b111000, "weighted").unwrap();
    let mut learner = setup.learner(&SEEDS);
    assert_eq!(learner.terms().iter().map(|t| t.formula.as_str()).collect::<Vec<_>>(), ["CE(x, y)"]);
    drive(&mut learner, &SEEDS, 0, BLOCK);
    learner.set_knob("ewc", "lambda", 250.0).unwrap();
    learner.set_knob("optimiser", "weight_decay", 0.5).unwrap();
    let shown: Vec<_> = learner.terms().into_iter().map(|t| (t.formula, t.symbol, t.strength)).collect();
    assert_eq!(
        shown,
        [
            ("CE(x, y)".to_owned(), "", vec![]),
            ("α CE(x′, y′)".to_owned(), "α", vec![0.7; 2]),
            ("½ λ Σₖ Σ Fₖ (θ − θ*ₖ)²".to_owned(), "λ", vec![250.0; 2]),
            ("β T² KL(σ(z*/T) ‖ σ(z/T))".to_owned(), "β", vec![1.5; 2]),
            ("½ w Σ θ²".to_owned(), "w", vec![0.5; 2]),
        ]
    );
    // The next step descends the new values.
    let before = learner.save();
    drive(&mut learner, &SEEDS, BLOCK, BLOCK + 1);
    let squares: f32 = before.reals["weights"].values[..learner.parameters()].iter().map(|w| w * w).sum();
    let losses = learner.last_losses();
    let at = losses.ids.iter().position(|id| *id == "weight_decay").unwrap();
    assert!((losses.terms[at][0] - 0.25 * squares).abs() < 1e-4);

    let (_, joined) = subset(0b001000, "joined").unwrap();
    let mut learner = joined.learner(&SEEDS);
    drive(&mut learner, &SEEDS, 0, 1);
    let formulas: Vec<String> = learner.terms().into_iter().map(|t| t.formula).collect();
    assert_eq!(formulas, ["n/(n + m) CE(x, y)", "m/(n + m) CE(x′, y′)"]);
}
