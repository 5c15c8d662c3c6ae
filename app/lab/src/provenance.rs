//! Where and how a run was made: written into every file that a run leaves.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

static COMMIT: OnceLock<String> = OnceLock::new();

/// Tells the lab which commit the program was built from. The program knows; a library would be rebuilt at every commit.
pub fn set_commit(commit: &str) {
    COMMIT.get_or_init(|| commit.to_owned());
}

/// The commit that the program was built from, or "unknown" outside a checkout.
pub(crate) fn commit() -> &'static str {
    COMMIT.get().map_or("unknown", String::as_str)
}

/// The circumstances of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// Commit of this program, or "unknown" outside a checkout.
    pub commit: String,
    /// The device that was chosen, such as "CPU (Flex)".
    pub device: String,
    /// The processor.
    pub processor: String,
    /// Threads that the CPU back end may use.
    pub threads: usize,
    /// Hash of the data set, in hexadecimal.
    pub data_hash: String,
    /// Seed of each replica, in order.
    pub seeds: Vec<u64>,
    /// Steps done when this was written.
    pub steps: u64,
}

impl Provenance {
    /// The circumstances of this process.
    pub fn here(device: &str, data_hash: u64, seeds: Vec<u64>, steps: u64) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit().to_owned(),
            device: device.to_owned(),
            processor: processor(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            data_hash: format!("{data_hash:016x}"),
            seeds,
            steps,
        }
    }
}

/// The processor's name where the system tells it, else its architecture.
pub fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
