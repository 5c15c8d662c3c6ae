//! `run` of an attention experiment: how recall fails as an associative memory fills up.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use mnemoscope_lab::{Experiment, Provenance, export, figures, file};
use mnemoscope_memory::{Association, CapacityCurve, Composition, capacity_curve, known_error};

use crate::output;

/// Draws of keys and values behind each point, where nobody asks for another number.
const DRAWS: u32 = 20;

/// Points of the curve.
const POINTS: usize = 16;

/// Memories that every one is compared with.
const COMPARED: [&str; 3] = ["linear_attention", "delta_rule", "softmax_attention"];

/// Measures the recall error of the memory and of known ones up to four pairs per key dimension and writes tables and figures.
///
/// # Errors
/// When the settings do not go together, or the folder cannot be written.
pub fn measure(experiment: &Experiment, draws: Option<u32>, folder: &Path) -> anyhow::Result<ExitCode> {
    let memory = Association::new(experiment.attention.clone(), experiment.memory.clone())?;
    let draws = draws.unwrap_or(DRAWS).max(1) as usize;
    let d_k = memory.pairs().d_k;
    let loads = loads(d_k, memory.pairs().len(), experiment);
    let curves = capacity_curve(&experiment.attention, &compared(&experiment.memory), &loads, draws)?;
    export::make_folder(folder)?;
    let seeds = vec![experiment.attention.whole("seed") as u64];
    let provenance = Provenance::here(memory.adapter().unwrap_or("CPU"), 0, seeds, 0);
    let done = Experiment { provenance: Some(provenance), ..experiment.clone() };
    file::write(&done, &folder.join("experiment.ron"))?;
    file::write_bytes(&folder.join("capacity.csv"), &table(&curves, draws)?)?;
    let now = (memory.pairs().len() as f64 / d_k as f64, memory.snapshot().mean_error);
    for figure in [
        figures::error_curve(&curves, draws, d_k, Some(now)),
        figures::memory_matrix(&memory),
        figures::recall_matrix(&memory),
    ] {
        export::write_figure(&figure, folder)?;
    }
    output::print(&text(experiment, &curves, draws)?)?;
    output::line(&format!("written to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The memory itself, unless it is one of them, and those that it is compared with.
fn compared(memory: &Composition) -> Vec<Composition> {
    let known = Composition::named().iter().filter(|point| COMPARED.contains(&point.name));
    let known: Vec<Composition> = known.map(|point| point.composition()).collect();
    let own = (!known.contains(memory)).then(|| memory.clone());
    own.into_iter().chain(known).collect()
}

/// As a table names it.
fn name(curve: &CapacityCurve) -> &'static str {
    curve.composition.name().map_or("composed", |point| point.name)
}

/// Numbers of pairs from 1 to 4 d_k, and the experiment's own. Orthonormal keys end at d_k.
fn loads(d_k: usize, own: usize, experiment: &Experiment) -> Vec<usize> {
    let most = if experiment.attention.switch("orthonormal") { own.max(1) } else { (4 * d_k).min(512) };
    let mut loads: Vec<usize> = (0..POINTS).map(|point| 1 + point * (most - 1) / (POINTS - 1)).collect();
    loads.push(own);
    loads.sort_unstable();
    loads.dedup();
    loads
}

fn table(curves: &[CapacityCurve], draws: usize) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["memory", "pairs", "load", "mean_relative_squared_error", "standard_deviation", "draws"])?;
    for curve in curves {
        for point in &curve.points {
            table.write_record([
                name(curve),
                &point.pairs.to_string(),
                &point.load.to_string(),
                &point.mean_error.to_string(),
                &point.sd.to_string(),
                &draws.to_string(),
            ])?;
        }
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

/// The table that the command line prints.
fn text(experiment: &Experiment, curves: &[CapacityCurve], draws: usize) -> Result<String, std::fmt::Error> {
    let mut out = format!("relative squared recall error, mean over {draws} draws; known for Hebb: (N - 1) / d_k\n");
    write!(out, "{:>6} {:>8}", "N", "N / d_k")?;
    for curve in curves {
        write!(out, " {:>22}", name(curve))?;
    }
    writeln!(out, " {:>12}", "known")?;
    for (index, point) in curves.first().map(|curve| curve.points.as_slice()).unwrap_or_default().iter().enumerate() {
        write!(out, "{:>6} {:>8.3}", point.pairs, point.load)?;
        for curve in curves {
            write!(out, " {:>22.4}", curve.points[index].mean_error)?;
        }
        let known = known_error(&experiment.attention, &Composition::default(), point.pairs);
        writeln!(out, " {:>12}", known.map_or_else(|| "-".to_owned(), |known| format!("{known:.4}")))?;
    }
    Ok(out)
}
