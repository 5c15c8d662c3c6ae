//! `bench`: what this machine reaches, in figures that can be compared with another tool's from the same hour.

mod clock;
mod frame;
mod heat;
mod matmul;
mod memory;
mod methods;
mod other;
mod scan;
mod steps;

use std::process::ExitCode;

use burn::tensor::Device;
use mnemoscope_compute::{CpuOrGpu, Wanted, adapters, choose, cores};
use mnemoscope_memory::Gpu;
use serde::Serialize;

use crate::args::BenchArgs;
use crate::output;
use matmul::Best;
use other::Other;

/// How long one figure is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Seconds for one timing.
    seconds: f64,
    /// Timings; their median is told.
    timings: usize,
    /// Sizes of the population.
    replicas: &'static [usize],
    /// Rows of the long record, and steps behind the plots that are drawn.
    rows: u64,
    /// Frames of each kind.
    frames: usize,
}

const FULL: Effort = Effort { seconds: 0.5, timings: 5, replicas: &[1, 8, 32], rows: 1_000_000, frames: 400 };
const QUICK: Effort = Effort { seconds: 0.02, timings: 1, replicas: &[1, 8], rows: 20_000, frames: 20 };

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    quick: bool,
    devices: Vec<DeviceReport>,
    other: Vec<Other>,
    frame: frame::Frames,
    /// None where there is no adapter to draw on.
    heat: Option<heat::HeatMaps>,
    memory: memory::LongRecord,
}

#[derive(Debug, Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    commit: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct DeviceReport {
    name: String,
    software: bool,
    matmul: Best,
    steps: Vec<steps::Steps>,
    methods: Vec<methods::Cost>,
    scans: scan::Scans,
}

/// Measures everything and prints it.
///
/// # Errors
/// When a device is lost, or a temporary file cannot be written.
pub fn bench(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let other = args.compare.as_deref().map(Other::read).transpose()?.unwrap_or_default();
    let effort = if args.quick { QUICK } else { FULL };
    // Figures appear as they are measured; JSON is whole at the end.
    let tell = |text: &str| if args.json { Ok(()) } else { output::line(text) };
    let machine = Machine {
        processor: mnemoscope_lab::processor(),
        cores: cores(),
        commit: option_env!("MNEMOSCOPE_COMMIT").unwrap_or("unknown"),
        version: env!("CARGO_PKG_VERSION"),
    };
    let Machine { processor, cores, version, commit } = &machine;
    tell(&format!("{processor}, {cores} cores, mnemoscope {version} ({commit})"))?;
    let mut devices = Vec::new();
    for (name, wanted, software, device) in present(args.all_devices)? {
        let matmul = matmul::best(&device, effort)?;
        let Best { size, gflops } = matmul;
        tell(&format!("\n{name}: best matrix product {gflops:.1} GFLOP/s at n = {size}\n{}", steps::HEADER))?;
        let mut all = Vec::new();
        for network in steps::NETWORKS {
            for replicas in effort.replicas.iter().copied() {
                let steps = steps::measure(&network, replicas, wanted, &device, effort)?;
                tell(&steps.line(gflops))?;
                all.push(steps);
            }
        }
        for other in &other {
            if let Some(text) = other.text(&all) {
                tell(&text)?;
            }
        }
        tell(&format!("\n{}", methods::header()))?;
        let methods = methods::measure(&device, effort, |cost| Ok(tell(&cost.line())?))?;
        let card = if wanted == Wanted::Gpu { Some(Gpu::shared()?) } else { None };
        let scans = scan::measure(card, &device, gflops, effort)?;
        tell(&format!("\n{}", scans.text()))?;
        devices.push(DeviceReport { name, software, matmul, steps: all, methods, scans });
    }
    let memory = memory::long_record(effort);
    tell(&format!("\n{}", memory.text()))?;
    let frame = frame::measure(effort)?;
    let heat = heat::measure(effort)?;
    if args.json {
        let report = Report { machine, quick: args.quick, devices, other, frame, heat, memory };
        output::line(&serde_json::to_string_pretty(&report)?)?;
    } else {
        output::line(&frame.text())?;
        if let Some(heat) = heat {
            output::line(&heat.text())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The processor and the graphics card that training would use.
fn present(software: bool) -> anyhow::Result<Vec<(String, Wanted, bool, Device)>> {
    let mut all = Vec::new();
    for wanted in [Wanted::Cpu, Wanted::Gpu] {
        if wanted == Wanted::Gpu && adapters().iter().all(|adapter| adapter.software && !software) {
            continue;
        }
        let chosen = choose(wanted)?;
        debug_assert_eq!(chosen.kind == CpuOrGpu::Cpu, wanted == Wanted::Cpu);
        all.push((chosen.name, wanted, chosen.software, chosen.device));
    }
    Ok(all)
}

/// The middle one of several timings.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
