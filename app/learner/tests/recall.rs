//! A sequence model learns associative recall: pairs of key and value, then keys whose values are asked for
//! (multi-query associative recall; Arora et al. 2023), fresh pairs in every row.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

use burn::tensor::Device;
use mnemoscope_core::random::stream;
use mnemoscope_core::token::pack;
use mnemoscope_core::{Component, Knobs, Setting};
use mnemoscope_learner::{Batch, Head, Learner, Models, Optimisers, Plan, Schedules};
use mnemoscope_memory::Composition;
use rand::RngExt as _;
use rand::seq::index::sample;

const KEYS: usize = 8;
const VALUES: usize = 8;
const VOCABULARY: usize = 1 + KEYS + VALUES;
const PAIRS: usize = 4;
/// Pairs, a question with its answer, and a question.
const LENGTH: usize = 2 * PAIRS + 3;
const ROWS: usize = 32;

/// Rows of a step; the answer inside is asked for, too.
fn batch(seed: u64, step: u64, rows: usize) -> Batch {
    let mut random = stream(seed, "recall test", &[step]);
    let mut batch = Batch { rows, group: vec![0; rows], weight: vec![1.0; rows], ..Batch::default() };
    batch.active = vec![true];
    for _ in 0..rows {
        let pairs: Vec<(u16, u16)> = sample(&mut random, KEYS, PAIRS)
            .into_iter()
            .map(|key| (1 + key as u16, random.random_range((1 + KEYS) as u16..VOCABULARY as u16)))
            .collect();
        batch.x.extend(pairs.iter().flat_map(|(key, value)| [pack(*key, false), pack(*value, false)]));
        let asked = sample(&mut random, PAIRS, 2);
        let (first, last) = (pairs[asked.index(0)], pairs[asked.index(1)]);
        batch.x.extend([pack(first.0, true), pack(first.1, false), pack(last.0, true)]);
        batch.y.push(u32::from(last.1));
    }
    batch
}

/// The share of right last answers on fresh rows after so many steps.
fn accuracy(memory: &str, settings: &[(&str, f64)], unit: bool, steps: u64) -> f64 {
    let memory = Composition::named().iter().find(|point| point.name == memory).unwrap().composition();
    let mut model = Component::<Models>::new("sequence").unwrap();
    model.set("unit", Setting::Switch(unit)).unwrap();
    for (name, value) in settings {
        model.set(name, Setting::Number(*value)).unwrap();
    }
    let mut optimiser = Component::<Optimisers>::new("adamw").unwrap();
    optimiser.set("rate", Setting::Number(0.003)).unwrap();
    let plan = Plan {
        model: &model,
        optimiser: Knobs::uniform(&optimiser, 1),
        schedule: Knobs::uniform(&Component::<Schedules>::new("constant").unwrap(), 1),
        methods: Vec::new(),
        seeds: vec![1],
        features: LENGTH,
        image: None,
        tokens: Some((LENGTH, VOCABULARY)),
        memory: &memory,
        classes: VOCABULARY,
        seed: 2,
        head: Head::All,
        total_steps: vec![steps],
    };
    let mut learner = Learner::new(&plan, &Device::flex()).unwrap();
    for step in 0..steps {
        learner.step(batch(3, step, ROWS)).unwrap();
    }
    let test = batch(4, 0, 200);
    let set = learner.evaluator(test.x, 200, true);
    let logits = learner.logits(&set);
    let right = logits.chunks(VOCABULARY).zip(&test.y).filter(|(row, label)| {
        row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).is_some_and(|(best, _)| best == **label as usize)
    });
    right.count() as f64 / 200.0
}

/// With a shift one layer sees a value beside its key.
const ONE_LAYER: [(&str, f64); 5] =
    [("layers", 1.0), ("width", 32.0), ("heads", 1.0), ("shift", 1.0), ("perceptron", 0.0)];

#[test]
fn softmax_attention_learns_recall() {
    // Of two layers the first puts each key beside its value, and the second looks it up.
    let two_layers = [("layers", 2.0), ("width", 32.0), ("heads", 1.0)];
    for (settings, steps) in [(&two_layers[..], 500), (&ONE_LAYER, 250)] {
        let found = accuracy("softmax_attention", settings, false, steps);
        assert!(found > 0.9, "{found} of answers right with {settings:?}");
    }
}

#[test]
fn the_delta_rule_learns_recall() {
    let found = accuracy("delta_rule", &ONE_LAYER, true, 500);
    assert!(found > 0.9, "{found} of answers right");
}
