//! `check`: the claims of presets, each with its effect, interval and verdict.

mod text;

use std::collections::VecDeque;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Instant;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use mnemoscope_compute::{Wanted, cores};
use mnemoscope_lab::claim::{Verdict, ledger};
use mnemoscope_lab::{Experiment, Measured, Outcomes, Run, Study, file, presets};
use serde_json::json;

use crate::args::CheckArgs;
use crate::run::plural;
use crate::stop::{INTERRUPTED, Stop};
use crate::{experiment, output};

/// What a shell sees where a claim does not hold or is not clear.
const NOT_ALL_HOLD: u8 = 3;

/// Ticks of the bar for each run.
const TICKS: u64 = 1000;

/// A preset, or a file, and its study.
struct Checked {
    name: String,
    experiment: Experiment,
    study: Study,
    outcomes: Outcomes,
    /// Runs that are still to come in.
    missing: usize,
}

/// What a worker sends when it has tried an arm; none where it was told to stop.
struct Report {
    checked: usize,
    measured: anyhow::Result<Option<Measured>>,
}

/// Runs the arms of every asked preset and prints the findings.
///
/// # Errors
/// When a preset cannot be found or has no claims, an arm cannot be run, or the ledger cannot be written.
pub fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut all = find(args)?;
    announce(&all, args.quick);
    let started = Instant::now();
    let stop = Stop::listen()?;
    let failed = run(&mut all, &stop, |checked| {
        if !args.json {
            output::print(&text::preset(&checked.name, &checked.experiment, &checked.study, &checked.outcomes))?;
        }
        Ok(())
    })?;
    if !args.json {
        // What an interrupted check has found so far.
        for checked in all.iter().filter(|checked| checked.missing > 0) {
            output::print(&text::preset(&checked.name, &checked.experiment, &checked.study, &checked.outcomes))?;
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    eprintln!("{:.0} s", started.elapsed().as_secs_f64());
    if args.json {
        let presets: Vec<_> = all.iter().map(|c| text::json(&c.name, &c.experiment, &c.study, &c.outcomes)).collect();
        output::line(&format!("{:#}", json!({ "quick": args.quick, "presets": presets })))?;
    }
    if let Some(path) = &args.markdown {
        write_ledger(&all, path)?;
    }
    if stop.asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let findings = all.iter().flat_map(|checked| checked.study.findings(&checked.outcomes));
    let held = findings.flatten().all(|finding| finding.verdict == Verdict::Holds);
    // A quick check decides nothing, so that there is nothing to fail.
    Ok(if held || args.quick { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL_HOLD) })
}

/// The presets that were asked for, or all that have claims.
fn find(args: &CheckArgs) -> anyhow::Result<Vec<Checked>> {
    let mut found = Vec::new();
    for word in &args.presets {
        let one = experiment::find(word)?;
        found.push((one.name, one.experiment));
    }
    if args.presets.is_empty() {
        for preset in presets::all() {
            if let Some(experiment) = presets::load(preset.name).transpose()?.filter(|e| !e.claims.is_empty()) {
                found.push((preset.name.to_owned(), experiment));
            }
        }
    }
    let study = |(name, experiment): (String, Experiment)| {
        let study = Study::new(&experiment, args.quick).with_context(|| name.clone())?;
        let missing = study.arms().len();
        Ok(Checked { name, experiment, study, outcomes: Outcomes::default(), missing })
    };
    found.into_iter().map(study).collect()
}

fn announce(all: &[Checked], quick: bool) {
    let claims = all.iter().map(|checked| checked.study.claims().count()).sum();
    let runs = all.iter().map(|checked| checked.study.arms().len()).sum();
    let seconds: f64 = all.iter().map(|checked| checked.experiment.expected_seconds).sum();
    let unknown = all.iter().filter(|checked| checked.experiment.expected_seconds <= 0.0).count();
    let time = if quick { "less than the" } else { "about" };
    let rest =
        if unknown == 0 { String::new() } else { format!(", and {} of unknown length", plural(unknown, "preset")) };
    eprintln!(
        "{} of {}, {}: {time} {seconds:.0} s on two cores{rest}",
        plural(claims, "claim"),
        plural(all.len(), "preset"),
        plural(runs, "run")
    );
}

/// Runs every arm, as many at once as there are cores: networks of this size keep one core busy each. Calls `done` for
/// each preset whose runs are all in. Answers the first error, after which the others stop.
fn run(
    all: &mut [Checked],
    stop: &Stop,
    mut done: impl FnMut(&Checked) -> anyhow::Result<()>,
) -> anyhow::Result<Option<anyhow::Error>> {
    let studies: Vec<Study> = all.iter().map(|checked| checked.study.clone()).collect();
    let jobs: VecDeque<(usize, usize)> =
        studies.iter().enumerate().flat_map(|(study, s)| (0..s.arms().len()).map(move |arm| (study, arm))).collect();
    let bar = bar(jobs.len() as u64 * TICKS);
    let workers = cores().min(jobs.len());
    let jobs = Mutex::new(jobs);
    let (sender, receiver) = mpsc::channel();
    let mut failed = None;
    std::thread::scope(|scope| -> anyhow::Result<()> {
        for _ in 0..workers {
            let (sender, jobs, studies, bar) = (sender.clone(), &jobs, &studies, &bar);
            scope.spawn(move || {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((study, arm)) = job else { break };
                    let measured = train(&studies[study], arm, bar, stop);
                    let over = sender.send(Report { checked: study, measured }).is_err();
                    if over || stop.asked() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for report in receiver {
            let checked = &mut all[report.checked];
            match report.measured {
                Ok(Some(measured)) => {
                    checked.outcomes.add(measured);
                    checked.missing -= 1;
                    if checked.missing == 0 {
                        bar.suspend(|| done(checked))?;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    failed.get_or_insert(error.context(checked.name.clone()));
                    jobs.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
            }
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok(failed)
}

/// Trains one arm to its end and measures it; an arm that trains nothing is a memory, and is measured.
fn train(study: &Study, arm: usize, bar: &ProgressBar, stop: &Stop) -> anyhow::Result<Option<Measured>> {
    let arm = &study.arms()[arm];
    if !arm.trains() {
        if stop.asked() {
            return Ok(None);
        }
        let measured = study.measure_bench(arm);
        bar.inc(TICKS);
        return Ok(Some(measured));
    }
    let named = || if arm.name.is_empty() { "the run".to_owned() } else { format!("arm \"{}\"", arm.name) };
    let mut run = Run::new(arm.experiment.clone(), Wanted::Cpu).with_context(named)?;
    let mut ticks = 0;
    while !run.finished() {
        if stop.asked() {
            return Ok(None);
        }
        run.step().with_context(named)?;
        let now = run.steps_done() * TICKS / run.total_steps().max(1);
        bar.inc(now - ticks);
        ticks = now;
    }
    let snapshot = run.snapshot().with_context(named)?;
    Ok(Some(study.measure(arm, &snapshot)))
}

/// Replaces the checked presets' lines in the ledger. A preset that was not finished keeps its old ones.
fn write_ledger(all: &[Checked], path: &Path) -> anyhow::Result<()> {
    let old = if path.exists() {
        std::fs::read_to_string(path).with_context(|| path.display().to_string())?
    } else {
        String::new()
    };
    let mut entries = Vec::new();
    for checked in all.iter().filter(|checked| checked.missing == 0) {
        let findings = checked.study.findings(&checked.outcomes);
        for (claim, finding) in checked.study.claims().zip(findings) {
            entries.extend(finding.map(|finding| ledger::Entry::new(&checked.name, claim, &finding)));
        }
    }
    if entries.is_empty() {
        bail!("{}: nothing was finished, so nothing was written", path.display());
    }
    file::write_bytes(path, ledger::update(&old, entries).as_bytes())?;
    Ok(())
}

/// A bar on a terminal; nothing elsewhere.
fn bar(end: u64) -> ProgressBar {
    let bar = ProgressBar::new(end);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent} %, {eta} left") {
        bar.set_style(style);
    }
    bar
}
