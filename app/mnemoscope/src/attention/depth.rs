//! Depth and heads without a window: the error after each layer.

use std::fmt::Write as _;
use std::path::Path;

use mnemoscope_lab::{Experiment, export, figures, file};
use mnemoscope_measure::estimate;
use mnemoscope_memory::{depth_curves, known_depth_error};

use super::table;

/// Recalls through all layers in every draw and writes `depth.csv` and the figure. Returns the table that is printed.
pub(super) fn measure(experiment: &Experiment, draws: usize, folder: &Path) -> anyhow::Result<String> {
    let settings = &experiment.depth;
    let curves = depth_curves(settings, &experiment.memory, draws)?;
    let of = |name: &str| settings.whole(name);
    let known: Vec<f64> =
        (1..=of("layers")).map(|layer| known_depth_error(of("pairs"), of("d_k"), layer, of("heads"))).collect();
    let rows = curves.iter().enumerate().flat_map(|(draw, curve)| {
        let layers = curve.iter().enumerate();
        layers.map(move |(layer, error)| vec![draw.to_string(), (layer + 1).to_string(), error.to_string()])
    });
    let header = ["draw", "layer", "relative_squared_error"];
    file::write_bytes(&folder.join("depth.csv"), &table(&header, rows)?)?;
    export::write_figure(&figures::depth_curve(super::name(experiment), &curves, &known), folder)?;
    let mut out =
        format!("{}: relative squared error after each layer, mean over {draws} draws\n", super::name(experiment));
    writeln!(out, "{:>6} {:>20} {:>16}", "layer", "error", "known for Hebb")?;
    for (layer, known) in known.iter().enumerate() {
        let errors: Vec<f64> = curves.iter().map(|curve| curve[layer]).collect();
        let found = estimate(&errors, errors.len()).map_or_else(|| "none".to_owned(), |estimate| estimate.to_string());
        writeln!(out, "{:>6} {found:>20} {known:>16.4}", layer + 1)?;
    }
    Ok(out)
}
