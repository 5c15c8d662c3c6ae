//! What each method costs: the time of a step relative to plain fine-tuning at the same batch size, its bytes, and the
//! work at a block's end.

use std::time::Instant;

use burn::tensor::Device;
use mnemoscope_core::{Component, Knobs, Registry as _};
use mnemoscope_learner::{Batch, BlockInfo, Head, Learner, Methods, Models, Optimisers, Plan, Schedules, TaskData};
use serde::Serialize;

use super::steps::noise;
use super::{Effort, median};

const FEATURES: usize = 64;
const HIDDEN: usize = 100;
const CLASSES: usize = 10;
const ROWS: usize = 16;
/// Samples and steps of a block.
const SAMPLES: usize = 500;
const STEPS: usize = 100;
/// Blocks before the one that is timed, so that memories are filled and there is something to hold to.
const BLOCKS: usize = 2;

/// One method, with the settings that it has by default.
#[derive(Debug, Serialize)]
pub struct Cost {
    method: &'static str,
    /// Microseconds of a step.
    step_us: f64,
    /// The same over that of fine-tuning: the median of pairs of timings that follow each other.
    relative: f64,
    /// Counted operations of a step over those of fine-tuning.
    relative_flops: f64,
    /// Bytes kept besides the weights.
    bytes: usize,
    /// Milliseconds of a block's end: importances, buffers, or training on the memory alone.
    block_end_ms: f64,
}

/// What stands above the lines.
pub fn header() -> String {
    format!(
        "methods at their defaults, {FEATURES}-{HIDDEN}-{HIDDEN}-{CLASSES}, batch {ROWS}, one replica, block {} of {SAMPLES} samples\n\
        {:<20} {:>10} {:>14} {:>14} {:>12} {:>14}",
        BLOCKS + 1,
        "method",
        "us/step",
        "x fine-tuning",
        "x operations",
        "bytes",
        "block end ms"
    )
}

impl Cost {
    /// One row of the table.
    pub fn line(&self) -> String {
        format!(
            "{:<20} {:>10.1} {:>14.2} {:>14.2} {:>12} {:>14.1}",
            self.method, self.step_us, self.relative, self.relative_flops, self.bytes, self.block_end_ms
        )
    }
}

/// Random samples of two classes per group.
struct Samples {
    group: usize,
}

impl Samples {
    fn batch(&self, rows: impl Iterator<Item = usize> + Clone) -> Batch {
        let count = rows.clone().count();
        Batch {
            rows: count,
            x: rows
                .clone()
                .flat_map(|row| (0..FEATURES).map(move |f| ((self.group * SAMPLES + row) * FEATURES + f) as u64))
                .map(noise)
                .collect(),
            y: rows.map(|row| (2 * self.group + row % 2) as u32).collect(),
            group: vec![self.group as u16; count],
            weight: vec![1.0; count],
            active: vec![true],
        }
    }
}

impl TaskData for Samples {
    fn len(&self, _replica: usize) -> usize {
        SAMPLES
    }

    fn gather(&self, rows: &[Vec<u32>]) -> Batch {
        self.batch(rows.iter().flatten().map(|row| *row as usize))
    }
}

fn block(block: usize) -> BlockInfo {
    let classes = |group: usize| vec![2 * group as u16, 2 * group as u16 + 1];
    BlockInfo {
        block,
        group: block,
        steps: vec![STEPS as u64],
        classes: vec![classes(block)],
        group_classes: vec![(0..CLASSES / 2).map(classes).collect()],
        seen: vec![(0..=block).flat_map(classes).collect()],
    }
}

/// A learner in the block that is timed, and the seconds that the block's end before it took.
fn learner(method: &Component<Methods>, device: &Device) -> anyhow::Result<(Learner, f64)> {
    let widths = mnemoscope_core::Setting::List(vec![HIDDEN as f64; 2]);
    let model = Component::<Models>::new("mlp")?.with("widths", widths)?;
    let optimiser = Component::<Optimisers>::new("sgd")?.with("rate", mnemoscope_core::Setting::Number(0.01))?;
    let plan = Plan {
        model: &model,
        optimiser: Knobs::uniform(&optimiser, 1),
        schedule: Knobs::uniform(&Component::<Schedules>::new("constant")?, 1),
        methods: vec![Knobs::uniform(method, 1)],
        seeds: vec![0],
        features: FEATURES,
        image: None,
        tokens: None,
        memory: &mnemoscope_memory::Composition::default(),
        classes: CLASSES,
        seed: 0,
        head: Head::All,
        total_steps: vec![u64::MAX],
    };
    let mut learner = Learner::new(&plan, device)?;
    let mut end = 0.0;
    for at in 0..=BLOCKS {
        let (data, info) = (Samples { group: at }, block(at));
        learner.begin_block(&info, &data);
        for step in 0..STEPS {
            learner.step(data.batch((0..ROWS).map(|row| (step * ROWS + row) % SAMPLES)))?;
        }
        if at < BLOCKS {
            learner.weights();
            let start = Instant::now();
            learner.end_block(&info, &data);
            learner.weights();
            end = start.elapsed().as_secs_f64();
        }
    }
    Ok((learner, end))
}

/// Seconds of a step.
fn time(learner: &mut Learner, batch: &Batch, seconds: f64) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut steps = 0;
    while start.elapsed().as_secs_f64() < seconds {
        learner.step(batch.clone())?;
        steps += 1;
    }
    // Reading waits for a device that works in the background.
    learner.last_losses();
    Ok(start.elapsed().as_secs_f64() / f64::from(steps))
}

/// Measures every method of the registry, each beside fine-tuning.
///
/// # Errors
/// When a learner cannot be made or trained.
pub fn measure(
    device: &Device,
    effort: Effort,
    mut tell: impl FnMut(&Cost) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Cost>> {
    let mut all = Vec::new();
    let batch = Samples { group: BLOCKS }.batch(0..ROWS);
    let (mut plain, _) = learner(&Component::new("fine_tuning")?, device)?;
    for kind in Methods::kinds() {
        let (mut own, end) = learner(&Component::of(kind), device)?;
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..effort.timings {
            // A fifth of the other figures' time: there are many methods.
            let seconds = effort.seconds / 5.0;
            let beside = time(&mut plain, &batch, seconds)?;
            let this = time(&mut own, &batch, seconds)?;
            times.push(this);
            ratios.push(this / beside);
        }
        let base = own.step_flops(ROWS);
        let (extra, bytes) = own
            .footprint()
            .iter()
            .fold((0.0, 0), |(flops, bytes), cost| (flops + cost.flops_per_step, bytes + cost.bytes));
        let cost = Cost {
            method: kind.name,
            step_us: median(times) * 1e6,
            relative: median(ratios),
            relative_flops: (base + extra) / base,
            bytes,
            block_end_ms: end * 1e3,
        };
        tell(&cost)?;
        all.push(cost);
    }
    Ok(all)
}
