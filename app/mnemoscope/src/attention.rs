//! `run` of an attention experiment: a memory on one of the benches, measured over draws.

mod association;
mod conditioning;
mod depth;

use std::path::Path;
use std::process::ExitCode;

use mnemoscope_lab::{Bench, Experiment, Provenance, export, figures, file, refusals};

use crate::output;

/// Draws where nobody asks for another number.
const DRAWS: u32 = 20;

/// Measures the memory on the experiment's bench and writes tables and figures.
///
/// # Errors
/// When the settings do not go together, or the folder cannot be written.
pub fn measure(experiment: &Experiment, draws: Option<u32>, folder: &Path) -> anyhow::Result<ExitCode> {
    if let Some(refusal) = refusals(experiment).first() {
        anyhow::bail!("{}", refusal.message);
    }
    let draws = draws.unwrap_or(DRAWS).max(1) as usize;
    export::make_folder(folder)?;
    let text = match experiment.bench {
        Bench::Association => association::measure(experiment, draws, folder)?,
        Bench::Conditioning => conditioning::measure(experiment, draws, folder)?,
        Bench::Depth => depth::measure(experiment, draws, folder)?,
    };
    let provenance = Provenance::here("CPU", 0, (0..draws as u64).collect(), 0);
    let done = Experiment { provenance: Some(provenance), ..experiment.clone() };
    file::write(&done, &folder.join("experiment.ron"))?;
    output::print(&text)?;
    output::line(&format!("written to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What the memory is called.
fn name(experiment: &Experiment) -> &'static str {
    figures::memory_name(&experiment.memory)
}

/// Rows as a CSV table.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(header)?;
    for row in rows {
        table.write_record(&row)?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}
