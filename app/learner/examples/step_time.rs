//! Times bare optimiser steps on the CPU: `cargo run --release -p mnemoscope-learner --example step_time`.

use std::time::Instant;

use burn::tensor::Device;
use mnemoscope_core::{Component, Knobs, Setting};
use mnemoscope_learner::{Batch, Head, Learner, LearnerError, Models, Optimisers, Plan, Schedules};

/// Widths from input to output, rows of a batch, replicas, steps of one measurement.
const CASES: [(&[usize], usize, usize, usize); 6] = [
    (&[64, 100, 100, 10], 16, 1, 4000),
    (&[64, 100, 100, 10], 16, 8, 600),
    (&[64, 100, 100, 10], 16, 32, 150),
    (&[784, 400, 400, 10], 128, 1, 100),
    (&[784, 400, 400, 10], 128, 8, 12),
    (&[784, 400, 400, 10], 128, 32, 4),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (units, rows, replicas, steps) in CASES {
        let mut learner = learner(units, replicas)?;
        let flops = learner.step_flops(rows) * replicas as f64;
        let mut times =
            (0..5).map(|_| time(&mut learner, units, rows, replicas, steps)).collect::<Result<Vec<_>, _>>()?;
        times.sort_by(f64::total_cmp);
        let (best, median) = (times[0], times[2]);
        println!(
            "{units:?} batch {rows:3} R {replicas:2}: {:9.1} us a step (best {:.1}), {:6.1} GFLOP/s",
            median * 1e6,
            best * 1e6,
            flops / median / 1e9
        );
    }
    Ok(())
}

fn learner(units: &[usize], replicas: usize) -> Result<Learner, Box<dyn std::error::Error>> {
    let widths = units[1..units.len() - 1].iter().map(|units| *units as f64).collect();
    let model = Component::<Models>::new("mlp")?.with("widths", Setting::List(widths))?;
    let plan = Plan {
        model: &model,
        optimiser: Knobs::uniform(&Component::<Optimisers>::new("sgd")?, replicas),
        schedule: Knobs::uniform(&Component::<Schedules>::new("constant")?, replicas),
        methods: Vec::new(),
        seeds: (0..replicas as u64).collect(),
        features: units[0],
        image: None,
        tokens: None,
        memory: &mnemoscope_memory::Composition::default(),
        classes: units[units.len() - 1],
        seed: 0,
        head: Head::All,
        total_steps: vec![1; replicas],
    };
    Ok(Learner::new(&plan, &Device::flex())?)
}

/// Seconds per step.
fn time(
    learner: &mut Learner,
    units: &[usize],
    rows: usize,
    replicas: usize,
    steps: usize,
) -> Result<f64, LearnerError> {
    let classes = units[units.len() - 1];
    let count = rows * replicas;
    let batch = Batch {
        rows,
        x: (0..count * units[0]).map(|i| (i as f32 * 0.37).sin()).collect(),
        y: (0..count).map(|i| (i % classes) as u32).collect(),
        group: vec![0; count],
        weight: vec![1.0; count],
        active: vec![true; replicas],
    };
    learner.step(batch.clone())?;
    let start = Instant::now();
    for _ in 0..steps {
        learner.step(batch.clone())?;
    }
    Ok(start.elapsed().as_secs_f64() / steps as f64)
}
