//! What a million recorded steps take.

use std::time::Instant;

use mnemoscope_lab::{Record, Variant};
use serde::Serialize;

use super::Effort;

/// Tasks of the long record.
pub const TASKS: usize = 10;
/// Replicas of the long record.
pub const REPLICAS: usize = 8;
/// Samples of the fixed sample of each task.
const SAMPLE: u16 = 200;

/// A long record and its cost.
#[derive(Debug, Serialize)]
pub struct LongRecord {
    rows: u64,
    tasks: usize,
    replicas: usize,
    /// What the record says that it holds, in 10^6 bytes.
    record_mb: f64,
    /// Growth of the process's resident memory, in 10^6 bytes, where the system tells it.
    resident_mb: Option<f64>,
    /// Microseconds to add one row.
    push_us: f64,
}

impl LongRecord {
    /// As a sentence.
    pub fn text(&self) -> String {
        let resident = self.resident_mb.map(|mb| format!(" (the process grew by {mb:.0} MB)")).unwrap_or_default();
        format!(
            "record of {} steps x {} tasks x {} replicas: {:.0} MB{resident}, {:.2} us a row",
            self.rows, self.tasks, self.replicas, self.record_mb, self.push_us
        )
    }
}

/// Fills a record with every step evaluated.
pub fn long_record(effort: Effort) -> LongRecord {
    let before = resident();
    let start = Instant::now();
    let record = synthetic(effort.rows, 2);
    let push_us = start.elapsed().as_secs_f64() * 1e6 / effort.rows as f64;
    let after = resident();
    let resident_mb = before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64 * 1e-6);
    let record_mb = record.bytes() as f64 * 1e-6;
    LongRecord { rows: effort.rows, tasks: TASKS, replicas: REPLICAS, record_mb, resident_mb, push_us }
}

/// Curves that rise for their own tenth and then decay, noisily.
pub fn synthetic(rows: u64, terms: usize) -> Record {
    let variant = Variant { label: String::new(), replicas: 0..REPLICAS, values: Vec::new() };
    let mut record = Record::new(TASKS, vec![variant], vec![SAMPLE; TASKS * REPLICAS], terms);
    let losses = vec![1.0; terms];
    let mut counts = vec![0; TASKS * REPLICAS];
    for row in 0..rows {
        for (cell, count) in counts.iter_mut().enumerate() {
            let start = (cell / REPLICAS) as u64 * rows / TASKS as u64;
            let since = row.saturating_sub(start) as f64 * TASKS as f64 / rows as f64;
            let level = if row < start { 20.0 } else { 180.0 / (1.0 + since) };
            *count = level as u16 + ((row * 31 + cell as u64 * 17) % 13) as u16;
        }
        record.push(row, &counts, &losses);
    }
    record
}

/// Resident memory in bytes, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
