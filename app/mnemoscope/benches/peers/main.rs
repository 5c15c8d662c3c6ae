//! Our side of the comparison with Avalanche; see README.md beside this file.
//!
//! `cargo bench --bench peers -- FOLDER [CASE ...]` writes what both sides start from into FOLDER (samples, initial
//! weights, order of the batches) and, as `ours.json`, the accuracies that this program reaches with the cases of
//! `cases.json`; where cases are named, only those are run again.

mod npy;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use mnemoscope_compute::Wanted;
use mnemoscope_lab::{Experiment, Run, file};
use mnemoscope_stream::{Part, Scope, Stream};
use serde::{Deserialize, Serialize};

/// What both sides are told.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/cases.json");

#[derive(Deserialize)]
struct Cases {
    setting: Setting,
    cases: Vec<Case>,
}

/// What all cases share; further entries are for the other side.
#[derive(Deserialize)]
struct Setting {
    data: String,
    model: String,
    optimiser: String,
    seeds: usize,
    streams: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The method as in an experiment file.
    ours: String,
}

/// What this side found.
#[derive(Default, Serialize, Deserialize)]
struct Ours {
    version: String,
    outcomes: Vec<Outcome>,
}

/// One training of one network.
#[derive(Serialize, Deserialize)]
struct Outcome {
    case: String,
    stream: String,
    seed: usize,
    /// Accuracy on the test part among all outputs, `[block][task]`.
    matrix: Vec<Vec<f64>>,
    /// Of the whole population, shared equally.
    seconds: f64,
}

fn main() -> anyhow::Result<()> {
    // `cargo bench` adds `--bench`; `cargo test --benches` gives no folder and has nothing to do here.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        println!("usage: cargo bench --bench peers -- FOLDER [CASE ...]");
        return Ok(());
    };
    let named: Vec<String> = arguments.collect();
    let wanted = |case: &str| named.is_empty() || named.iter().any(|name| name == case);
    let all: Cases = serde_json::from_slice(&fs::read(CASES)?).context("cases.json")?;
    if let Some(name) = named.iter().find(|name| all.cases.iter().all(|case| case.name != **name)) {
        bail!("cases.json has no case called {name}");
    }
    let target = folder.join("ours.json");
    let mut ours: Ours = match fs::read(&target) {
        Ok(bytes) if !named.is_empty() => serde_json::from_slice(&bytes).context("ours.json")?,
        _ => Ours::default(),
    };
    env!("CARGO_PKG_VERSION").clone_into(&mut ours.version);
    ours.outcomes.retain(|outcome| !wanted(&outcome.case));
    for stream in all.setting.streams.keys() {
        let run = start(&all.setting, stream, "fine_tuning()")?;
        for seed in 0..all.setting.seeds {
            write_start(&run, seed, &folder.join(stream).join(seed.to_string()))?;
        }
        for case in all.cases.iter().filter(|case| wanted(&case.name)) {
            let begun = Instant::now();
            let mut run = start(&all.setting, stream, &case.ours)?;
            while !run.finished() {
                run.step()?;
            }
            let rows = &run.snapshot()?.matrices.all.rows;
            let seconds = begun.elapsed().as_secs_f64() / all.setting.seeds as f64;
            println!("{stream}: {} in {seconds:.2} s per seed", case.name);
            ours.outcomes.extend((0..all.setting.seeds).map(|seed| Outcome {
                case: case.name.clone(),
                stream: stream.clone(),
                seed,
                matrix: rows.iter().map(|row| row.iter().map(|task| task[seed]).collect()).collect(),
                seconds,
            }));
        }
    }
    fs::write(target, serde_json::to_vec(&ours)?)?;
    Ok(())
}

/// A run at its first step.
fn start(setting: &Setting, stream: &str, method: &str) -> anyhow::Result<Run> {
    let Setting { data, model, optimiser, seeds, streams } = setting;
    let text = format!(
        "(format: 1, data: {data}, stream: {}, model: {model}, methods: [{method}], optimiser: {optimiser}, \
         evaluation: continual(dense: 0, every: 10000, sample: 10, candidates: \"all\"), \
         population: replicas(seeds: {seeds}))",
        streams[stream]
    );
    let experiment: Experiment = file::parse(&text, method)?;
    Ok(Run::new(experiment, Wanted::Cpu)?)
}

/// Samples, initial weights and order of the batches that a replica meets.
fn write_start(run: &Run, replica: usize, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let stream = run.stream();
    let features = stream.features();
    for (name, part) in [("train", Part::Train), ("test", Part::Test)] {
        let (mut x, mut y, mut task) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..stream.groups() {
            let indices: Vec<u32> = (0..stream.part_len(replica, group, part) as u32).collect();
            stream.gather(replica, group, part, &indices, &mut x, &mut y);
            task.resize(y.len(), group as u32);
        }
        npy::write(&folder.join(format!("{name}_x.npy")), &x, &[y.len(), features])?;
        npy::write(&folder.join(format!("{name}_y.npy")), &y, &[y.len()])?;
        npy::write(&folder.join(format!("{name}_task.npy")), &task, &[y.len()])?;
    }
    let weights = run.weights();
    let each = weights.len() / stream.replicas();
    npy::write(&folder.join("weights.npy"), &weights[replica * each..(replica + 1) * each], &[each])?;
    for (name, scope) in [("current", Scope::Current), ("so_far", Scope::SoFar)] {
        let order = order(stream, replica, scope)?;
        npy::write(&folder.join(format!("order_{name}.npy")), &order, &[order.len()])?;
    }
    Ok(())
}

/// Rows of the training samples, as written, in the order in which the replica trains on them: all blocks after each
/// other, each with all its epochs.
fn order(stream: &Stream, replica: usize, scope: Scope) -> anyhow::Result<Vec<u32>> {
    let mut first = vec![0];
    for group in 0..stream.groups() {
        first.push(first[group] + stream.part_len(replica, group, Part::Train) as u32);
    }
    let mut order = Vec::new();
    for (block, entry) in stream.blocks().iter().enumerate() {
        if entry.group != block {
            bail!("block {block} trains task {}; the other side expects every task once, in order", entry.group);
        }
        let mut sampler = stream.block_sampler(block, scope);
        for step in 0..sampler.steps(replica) {
            let samples = sampler.batch(replica, step).context("a block ended early")?;
            order.extend(samples.iter().map(|sample| first[usize::from(sample.group)] + sample.index));
        }
    }
    Ok(order)
}
