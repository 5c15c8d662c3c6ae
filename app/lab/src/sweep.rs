//! The table of a sweep: what each value of the swept settings reached on the part of the data that is for choosing.

use std::fmt::Write as _;

use mnemoscope_measure::{Estimate, Undefined, estimate_measured};

use crate::claim::live_accuracy;
use crate::snapshot::Snapshot;

/// One value, or combination of values, of the swept settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRow {
    /// Such as "λ = 60".
    pub label: String,
    /// The values, in the order of the population's axes.
    pub values: Vec<f64>,
    /// Mean over the trained groups of the last point of the live curves, or why there is none.
    pub accuracy: Result<Estimate, String>,
}

/// A row for each variant; none where nothing is swept.
///
/// A replica that diverged has no value and stays in the count.
pub fn rows(snapshot: &Snapshot) -> Vec<SweepRow> {
    if snapshot.layout.population.axes.is_empty() {
        return Vec::new();
    }
    let variants = snapshot.layout.variants().iter();
    variants
        .map(|variant| {
            let measured: Vec<_> = variant
                .replicas
                .clone()
                .map(|replica| match snapshot.diverged.get(replica) {
                    Some(true) => Err(Undefined("every replica diverged".to_owned())),
                    _ => live_accuracy(snapshot, replica),
                })
                .collect();
            let accuracy = estimate_measured(&measured).map_err(|undefined| undefined.0);
            SweepRow { label: variant.label.clone(), values: variant.values.clone(), accuracy }
        })
        .collect()
}

/// The value with the best mean among those where no replica diverged.
fn best(rows: &[SweepRow]) -> Option<&SweepRow> {
    let mean = |row: &SweepRow| row.accuracy.as_ref().ok().filter(|own| own.count == own.of).map(|own| own.mean);
    let known = rows.iter().filter_map(|row| Some((mean(row)?, row)));
    known.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, row)| row)
}

/// The table as text; empty where nothing is swept.
pub fn text(snapshot: &Snapshot) -> String {
    let rows = rows(snapshot);
    if rows.is_empty() {
        return String::new();
    }
    let part = snapshot.layout.live_part;
    let mut out = format!("ACC on {part}, mean ± 95 % interval over seeds\n");
    if part != "validation" {
        out.push_str("(do not choose by it: choose on a validation part)\n");
    }
    let width = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    for row in &rows {
        let value = match &row.accuracy {
            Ok(estimate) => estimate.to_string(),
            Err(reason) => format!("not defined: {reason}"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {:<width$}  {value}", row.label);
    }
    if let Some(best) = best(&rows) {
        let _ = writeln!(out, "best: {}", best.label);
    }
    out
}

/// The table as CSV: the swept settings by path, then mean, half the interval, and replicas; none where nothing is
/// swept.
///
/// # Errors
/// Never today; a writer to memory does not fail.
pub fn csv(snapshot: &Snapshot) -> csv::Result<Option<Vec<u8>>> {
    let rows = rows(snapshot);
    if rows.is_empty() {
        return Ok(None);
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    let paths = snapshot.layout.population.axes.iter().map(|axis| axis.path.as_str());
    table.write_record(paths.chain(["part", "accuracy", "half_width_95", "seeds", "of"]))?;
    for row in &rows {
        let own = row.accuracy.as_ref().ok();
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let count = |value: Option<usize>| value.map_or_else(String::new, |value| value.to_string());
        let mut record: Vec<String> = row.values.iter().map(f64::to_string).collect();
        record.push(snapshot.layout.live_part.to_owned());
        record.push(number(own.map(|own| own.mean)));
        record.push(number(own.and_then(|own| own.half_width)));
        record.push(count(own.map(|own| own.count)));
        record.push(count(own.map(|own| own.of)));
        table.write_record(&record)?;
    }
    table.into_inner().map(Some).map_err(|error| error.into_error().into())
}
