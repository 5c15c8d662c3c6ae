//! What methods that turn the gradient promise, on the tiny world: against reference gradients that are computed here
//! from the old tasks' samples.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod common;

use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use common::*;
use mnemoscope_learner::{Footprint, Learner, Method, Scope, Site, TaskData as _};

const SEEDS: [u64; 2] = [4, 9];

/// Gradients of one step, `[R][P]`.
#[derive(Debug, Default)]
struct Seen {
    before: Vec<f32>,
    after: Vec<f32>,
    /// Of the loss on all samples of each of these tasks.
    tasks: Vec<usize>,
    old: Vec<Vec<f32>>,
}

/// Stands last: sees what the methods before it made of the gradient.
#[derive(Debug, Clone, Default)]
struct Watch(Arc<Mutex<Seen>>);

fn host(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.to_data().try_to_vec().unwrap()
}

impl Method for Watch {
    fn kind(&self) -> &'static str {
        "watch"
    }

    fn watch_gradient(&mut self, _site: &Site, gradient: &Tensor<2>) {
        self.0.lock().unwrap().before = host(gradient);
    }

    fn shape_gradient(&mut self, site: &Site, gradient: Tensor<2>) -> Tensor<2> {
        let mut seen = self.0.lock().unwrap();
        seen.after = host(&gradient);
        let whole = |task: &usize| {
            let data = Data::new(Scope::Current, *task, site.replicas());
            let rows: Vec<u32> = (0..SAMPLES as u32).collect();
            host(&site.cross_entropy(&site.weights, &data.gather(&vec![rows; site.replicas()])).1)
        };
        seen.old = seen.tasks.iter().map(whole).collect();
        gradient
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        Footprint { method: "watch", bytes: 0, flops_per_step: 0.0, note: String::new() }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Trains with a watch and looks at every replica of every step after the first block: the block, the gradient before
/// and after, and the old tasks' gradients.
fn watched(setup: &Setup, mut look: impl FnMut(usize, usize, &[f32], &[f32], &[&[f32]])) -> Learner {
    let watch = Watch::default();
    let mut learner = setup.try_learner(&SEEDS, vec![Box::new(watch.clone())], &Device::flex()).unwrap();
    for step in 0..GROUPS * BLOCK {
        let block = step / BLOCK;
        watch.0.lock().unwrap().tasks = (0..block).collect();
        drive(&mut learner, &SEEDS, step, step + 1);
        let seen = watch.0.lock().unwrap();
        let p = seen.after.len() / SEEDS.len();
        for replica in (0..SEEDS.len()).filter(|_| block > 0) {
            let own = replica * p..(replica + 1) * p;
            let old: Vec<&[f32]> = seen.old.iter().map(|old| &old[own.clone()]).collect();
            look(block, replica, &seen.before[own.clone()], &seen.after[own.clone()], &old);
        }
    }
    learner
}

/// With a memory that holds all old samples and a reference batch of all of them, the reference is the mean gradient of
/// the old tasks, and equation 11 can be followed from outside.
#[test]
fn agem_follows_equation_11() {
    let setup = Setup::new().optimiser("sgd", &[("rate", number(0.3))]).method("agem", &[]);
    let mut projected = [0.0; SEEDS.len()];
    let learner = watched(&setup, |block, replica, before, after, old| {
        let reference: Vec<f32> =
            (0..before.len()).map(|i| old.iter().map(|old| old[i]).sum::<f32>() / block as f32).collect();
        let along = dot(before, &reference);
        if along >= 0.0 {
            assert_eq!(before, after);
        } else {
            projected[replica] += 1.0;
            let factor = along / dot(&reference, &reference);
            for i in 0..before.len() {
                let expected = f64::from(before[i]) - factor * f64::from(reference[i]);
                assert!((expected - f64::from(after[i])).abs() < 1e-5, "{i}: {} is {expected}", after[i]);
            }
        }
    });
    let reading = &learner.readings()[0];
    assert_eq!(reading.id, "agem.projected");
    let steps = ((GROUPS - 1) * BLOCK) as f64;
    assert_eq!(reading.values, projected.map(|count| count / steps));
    assert!(projected.iter().all(|count| *count > 0.0), "some steps are projected: {projected:?}");
}

/// Samples of a task that are offered at its end: no more than asked for, whatever the capacity.
#[test]
fn a_limit_per_task_is_kept() {
    let mut learner = Setup::new().method("agem", &[("per_task", number(7.0))]).learner(&SEEDS);
    drive(&mut learner, &SEEDS, 0, GROUPS * BLOCK);
    let state = learner.save();
    for replica in 0..SEEDS.len() {
        let groups = &state.words[&format!("agem.{replica}.group")];
        assert_eq!(
            (0..GROUPS as u64).map(|g| groups.iter().filter(|group| **group == g).count()).collect::<Vec<_>>(),
            [7; GROUPS]
        );
    }
}
