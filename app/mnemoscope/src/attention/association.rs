//! The association bench without a window: error against load, recall against age, and capacity against key size.

use std::fmt::Write as _;
use std::path::Path;

use mnemoscope_lab::{Experiment, export, figures, file};
use mnemoscope_memory::{
    Association, CapacityCurve, Composition, HELD, HeldPoint, age_curve, capacity_curve, capacity_sweep, known_error,
    longest_key,
};

use super::table;

/// Points of the error curve.
const POINTS: usize = 16;

/// Key sizes of the capacity curve, up to the experiment's own.
const SIZES: [usize; 5] = [8, 16, 32, 64, 128];

/// Most draws behind each point of the capacity curve, where every draw is a search.
const MOST_SEARCHES: usize = 8;

/// Memories that every one is compared with.
const COMPARED: [&str; 3] = ["linear_attention", "delta_rule", "softmax_attention"];

/// Measures the memory and known ones and writes `capacity.csv` (error and share decoded against load), `ages.csv`,
/// `held.csv` and the figures. Returns the table that is printed.
pub(super) fn measure(experiment: &Experiment, draws: usize, folder: &Path) -> anyhow::Result<String> {
    let settings = &experiment.attention;
    let memory = Association::new(settings.clone(), experiment.memory.clone())?;
    let d_k = memory.pairs().d_k;
    let compared = compared(experiment);
    let loads = loads(d_k, memory.pairs().len(), experiment);
    let curves = capacity_curve(settings, &compared, &loads, draws)?;
    file::write_bytes(&folder.join("capacity.csv"), &load_table(&curves, draws)?)?;

    let ages = age_curve(settings, &experiment.memory, draws)?;
    let rows = ages.strengths.iter().zip(&ages.sds).enumerate().map(|(age, (strength, sd))| {
        let known = ages.known.get(age).map_or_else(String::new, f64::to_string);
        vec![age.to_string(), strength.to_string(), sd.to_string(), known, draws.to_string()]
    });
    let header = ["age", "strength", "standard_deviation", "expected", "draws"];
    file::write_bytes(&folder.join("ages.csv"), &table(&header, rows)?)?;

    let searches = draws.min(MOST_SEARCHES);
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= settings.whole("d_k").max(SIZES[1])).collect();
    let held = capacity_sweep(settings, &compared, &sizes, false, searches)?;
    let held: Vec<(&str, Vec<HeldPoint>)> = compared.iter().map(figures::memory_name).zip(held).collect();
    let rows = compared.iter().zip(&held).flat_map(|(composition, (_, points))| {
        points.iter().map(move |point| {
            let cells = [point.mean.to_string(), point.sd.to_string(), searches.to_string()];
            [name(composition).to_owned(), point.d_k.to_string()].into_iter().chain(cells).collect()
        })
    });
    let header = ["memory", "d_k", "pairs_held", "standard_deviation", "draws"];
    file::write_bytes(&folder.join("held.csv"), &table(&header, rows)?)?;

    let now = (memory.pairs().len() as f64 / d_k as f64, memory.snapshot().quality.error);
    for figure in [
        figures::error_curve(&curves, draws, d_k, Some(now)),
        figures::forgetting_curve(&ages, draws),
        figures::capacity_curve(&held, searches),
        figures::memory_matrix(&memory),
        figures::recall_matrix(&memory),
    ] {
        export::write_figure(&figure, folder)?;
    }
    Ok(text(experiment, &curves, draws)? + &held_text(&held, searches)?)
}

/// The memory itself, unless it is one of them, and those that it is compared with; one that would not converge on keys
/// of this length is left out.
fn compared(experiment: &Experiment) -> Vec<Composition> {
    let longest = longest_key(&experiment.attention);
    let known = Composition::named().iter().filter(|point| COMPARED.contains(&point.name));
    let known: Vec<Composition> =
        known.map(|point| point.composition()).filter(|memory| memory.check_keys(longest).is_ok()).collect();
    let own = (!known.contains(&experiment.memory)).then(|| experiment.memory.clone());
    own.into_iter().chain(known).collect()
}

/// As a table names it.
fn name(composition: &Composition) -> &'static str {
    composition.name().map_or("composed", |point| point.name)
}

/// Numbers of pairs from 1 to 4 d_k, and the experiment's own. Orthonormal keys end at the experiment's own.
fn loads(d_k: usize, own: usize, experiment: &Experiment) -> Vec<usize> {
    let most = if experiment.attention.switch("orthonormal") { own.max(1) } else { (4 * d_k).min(512) };
    let mut loads: Vec<usize> = (0..POINTS).map(|point| 1 + point * (most - 1) / (POINTS - 1)).collect();
    loads.push(own);
    loads.sort_unstable();
    loads.dedup();
    loads
}

fn load_table(curves: &[CapacityCurve], draws: usize) -> csv::Result<Vec<u8>> {
    let rows = curves.iter().flat_map(|curve| {
        curve.points.iter().map(move |point| {
            let cells = [point.load, point.mean_error, point.sd, point.decoded].map(|cell| cell.to_string());
            let whole = [name(&curve.composition).to_owned(), point.pairs.to_string()];
            whole.into_iter().chain(cells).chain([draws.to_string()]).collect()
        })
    });
    let header = ["memory", "pairs", "load", "mean_relative_squared_error", "standard_deviation", "decoded", "draws"];
    table(&header, rows)
}

/// The table that the command line prints.
fn text(experiment: &Experiment, curves: &[CapacityCurve], draws: usize) -> Result<String, std::fmt::Error> {
    let mut out = format!("relative squared recall error, mean over {draws} draws; known for Hebb: (N - 1) / d_k\n");
    write!(out, "{:>6} {:>8}", "N", "N / d_k")?;
    for curve in curves {
        write!(out, " {:>22}", name(&curve.composition))?;
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

/// The capacities, a row for each memory.
fn held_text(held: &[(&str, Vec<HeldPoint>)], draws: usize) -> Result<String, std::fmt::Error> {
    let mut out = format!("\npairs held with {:.0} % decoded, mean over {draws} draws\n", HELD * 100.0);
    let width = held.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    write!(out, "{:>width$}", "d_k")?;
    for point in held.first().map(|(_, points)| points.as_slice()).unwrap_or_default() {
        write!(out, " {:>8}", point.d_k)?;
    }
    writeln!(out)?;
    for (name, points) in held {
        write!(out, "{name:>width$}")?;
        for point in points {
            write!(out, " {:>8.1}", point.mean)?;
        }
        writeln!(out)?;
    }
    Ok(out)
}
