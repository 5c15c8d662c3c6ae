//! What an experiment asks of the learner, and how fast a device would do it.

use std::time::Instant;

use mnemoscope_learner::{Batch, Head, Learner, Plan};
use mnemoscope_stream::{Shape, Stream};

use crate::experiment::Experiment;
use crate::population::Population;

/// The learner's plan for a population on a stream of so many steps of each replica.
pub(super) fn plan<'a>(
    experiment: &'a Experiment,
    population: &Population,
    stream: &Stream,
    total_steps: Vec<u64>,
) -> Plan<'a> {
    Plan {
        model: &experiment.model,
        optimiser: population.knobs("optimiser", &experiment.optimiser),
        schedule: population.knobs("schedule", &experiment.schedule),
        methods: experiment
            .methods
            .iter()
            .map(|method| population.knobs(&format!("methods.{}", method.name()), method))
            .collect(),
        seeds: population.seeds.clone(),
        features: stream.features(),
        image: match stream.dataset().shape {
            Shape::Image { height, width, channels } => Some((height, width, channels)),
            Shape::Points | Shape::Table(_) | Shape::Tokens { .. } => None,
        },
        tokens: match stream.dataset().shape {
            Shape::Tokens { length, vocabulary } => Some((length, vocabulary)),
            Shape::Image { .. } | Shape::Points | Shape::Table(_) => None,
        },
        memory: &experiment.memory,
        classes: stream.classes(),
        seed: experiment.seed,
        head: match experiment.stream.text("head") {
            "seen" => Head::Seen,
            "task" => Head::Task,
            _ => Head::All,
        },
        total_steps,
    }
}

/// Seconds of one bare step of this plan on a device: the probe behind the automatic choice.
pub(super) fn seconds_per_step(plan: &Plan<'_>, device: &burn::tensor::Device, rows: usize) -> f64 {
    let bare = Plan { methods: Vec::new(), ..plan.clone() };
    let replicas = plan.seeds.len();
    let Ok(mut learner) = Learner::new(&bare, device) else { return f64::INFINITY };
    let batch = Batch {
        rows,
        x: vec![0.5; replicas * rows * plan.features],
        y: vec![0; replicas * rows],
        group: vec![0; replicas * rows],
        weight: vec![1.0; replicas * rows],
        active: vec![true; replicas],
    };
    let mut timed = |steps: u32| -> Option<f64> {
        let start = Instant::now();
        for _ in 0..steps {
            learner.step(batch.clone()).ok()?;
        }
        // Reading back waits for the device.
        learner.last_losses();
        Some(start.elapsed().as_secs_f64() / f64::from(steps))
    };
    timed(3).and_then(|_warm_up| timed(20)).unwrap_or(f64::INFINITY)
}
