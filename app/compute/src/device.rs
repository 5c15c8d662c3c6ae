//! The choice between processor and graphics card.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use burn::tensor::wgpu::WgpuInitError;
use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::adapters::{Adapter, adapters};

/// The device that a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// The faster of those present, by measuring a short step on each.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The graphics card.
    Gpu,
}

/// A word that names no device.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no device \"{0}\"; there is: auto, cpu, gpu")]
pub struct UnknownDevice(pub String);

impl FromStr for Wanted {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            other => Err(UnknownDevice(other.to_owned())),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        })
    }
}

/// Processor or graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuOrGpu {
    /// burn's Flex backend.
    Cpu,
    /// burn's wgpu backend.
    Gpu,
}

/// The device that was chosen, and why.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// For tensors; without autodiff.
    pub device: Device,
    /// "CPU (Flex)", or the adapter's name.
    pub name: String,
    /// Processor or graphics card.
    pub kind: CpuOrGpu,
    /// One sentence, with the measured times where there are any.
    pub reason: String,
    /// Whether the processor only plays a graphics card: slow, for checking shaders.
    pub software: bool,
}

/// Why there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// A graphics card was wanted and the machine shows none.
    #[error(
        "no graphics adapter was found; install a Vulkan driver (on Debian: mesa-vulkan-drivers), \
         or choose the device cpu or auto"
    )]
    NoAdapter,
    /// An adapter is there and does not start.
    #[error("the graphics adapter {name} does not start: {problem}; update its driver, or choose the device cpu")]
    NotStarted {
        /// The adapter.
        name: String,
        /// What the driver or burn says.
        problem: String,
    },
}

/// The device for `wanted`; automatic choice measures a forward pass of a small network.
///
/// # Errors
/// When a graphics card is wanted and there is none, or it does not start.
pub fn choose(wanted: Wanted) -> Result<Chosen, DeviceError> {
    choose_by(wanted, &mut forward_seconds)
}

/// The device for `wanted`; automatic choice takes the device on which `probe` answers the fewest seconds per step.
///
/// A software adapter is never chosen automatically, and is not measured. It is taken when a graphics card is wanted
/// and no other is there. An adapter that does not start, or whose time is not finite, loses to the processor.
///
/// # Errors
/// When a graphics card is wanted and there is none, or it does not start.
pub fn choose_by(wanted: Wanted, probe: &mut dyn FnMut(&Device) -> f64) -> Result<Chosen, DeviceError> {
    // The processor needs no look at the drivers.
    let adapters = if wanted == Wanted::Cpu { &[] } else { adapters() };
    choose_among(wanted, adapters, &mut start, probe)
}

/// The choice itself, apart from this machine's adapters.
fn choose_among(
    wanted: Wanted,
    adapters: &[Adapter],
    start: &mut dyn FnMut(&Adapter) -> Result<Device, DeviceError>,
    probe: &mut dyn FnMut(&Device) -> f64,
) -> Result<Chosen, DeviceError> {
    match wanted {
        Wanted::Cpu => Ok(cpu("The processor was asked for.".to_owned())),
        Wanted::Gpu => {
            let first_real = adapters.iter().find(|adapter| !adapter.software);
            let adapter = first_real.or(adapters.first()).ok_or(DeviceError::NoAdapter)?;
            let reason = if adapter.software {
                format!("A graphics card was asked for and {} is the only adapter: software, so slow.", adapter.name)
            } else {
                "A graphics card was asked for.".to_owned()
            };
            Ok(gpu(adapter, start(adapter)?, reason))
        }
        Wanted::Auto => Ok(fastest(adapters, start, probe)),
    }
}

fn fastest(
    adapters: &[Adapter],
    start: &mut dyn FnMut(&Adapter) -> Result<Device, DeviceError>,
    probe: &mut dyn FnMut(&Device) -> f64,
) -> Chosen {
    let mut problems = Vec::new();
    let mut timed = Vec::new();
    for adapter in adapters.iter().filter(|adapter| !adapter.software) {
        match start(adapter) {
            Ok(device) => match probe(&device) {
                seconds if seconds.is_finite() => timed.push((adapter, device, seconds)),
                _ => problems.push(format!("{} failed the measurement", adapter.name)),
            },
            Err(error) => problems.push(error.to_string()),
        }
    }
    let Some((adapter, device, seconds)) = timed.into_iter().min_by(|a, b| a.2.total_cmp(&b.2)) else {
        return cpu(match (problems.is_empty(), adapters.first()) {
            (false, _) => format!("The processor: {}.", problems.join("; ")),
            (true, Some(software)) => format!("The processor: the only adapter, {}, is software.", software.name),
            (true, None) => "The processor: no graphics adapter was found.".to_owned(),
        });
    };
    let on_cpu = probe(&Device::flex());
    let times = format!("{} on the processor, {} on {}", per_step(on_cpu), per_step(seconds), adapter.name);
    if seconds < on_cpu || !on_cpu.is_finite() {
        gpu(adapter, device, format!("Measured faster: {times}."))
    } else {
        cpu(format!("Measured faster: {times}."))
    }
}

fn per_step(seconds: f64) -> String {
    format!("{:.2} ms per step", seconds * 1e3)
}

fn cpu(reason: String) -> Chosen {
    Chosen { device: Device::flex(), name: "CPU (Flex)".to_owned(), kind: CpuOrGpu::Cpu, reason, software: false }
}

fn gpu(adapter: &Adapter, device: Device, reason: String) -> Chosen {
    Chosen { device, name: adapter.name.clone(), kind: CpuOrGpu::Gpu, reason, software: adapter.software }
}

/// Starts burn on an adapter, once per process.
fn start(adapter: &Adapter) -> Result<Device, DeviceError> {
    static STARTED: Mutex<Vec<(DeviceKind, Device)>> = Mutex::new(Vec::new());
    let not_started = |problem: String| DeviceError::NotStarted { name: adapter.name.clone(), problem };
    let kind = adapter.device_kind().ok_or_else(|| not_started("burn cannot address it".to_owned()))?;
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, device)) = started.iter().find(|(known, _)| *known == kind) {
        return Ok(device.clone());
    }
    let device = match Device::wgpu_options().device_kind(kind.clone()).init() {
        Ok(device) => device,
        // Its runtime exists: a tensor was made there before anyone asked for the device here.
        Err(WgpuInitError::Registration { .. }) => Device::wgpu(kind.clone()),
        Err(error) => return Err(not_started(error.to_string())),
    };
    started.push((kind, device.clone()));
    Ok(device)
}

/// Seconds per forward pass of 5 replicas of a 784-400-10 network on 128 rows, the result read back every time.
fn forward_seconds(device: &Device) -> f64 {
    const STEPS: usize = 10;
    let filled = |shape: [usize; 3]| {
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect();
        Tensor::<3>::from_data(TensorData::new(numbers, shape), device)
    };
    let (rows, first, second) = (filled([5, 128, 784]), filled([5, 784, 400]), filled([5, 400, 10]));
    let step = || {
        let hidden = rows.clone().matmul(first.clone()).tanh();
        hidden.matmul(second.clone()).sum().try_into_data().is_ok()
    };
    // The first pass compiles shaders and is not counted.
    if !step() {
        return f64::INFINITY;
    }
    let begin = Instant::now();
    let all = (0..STEPS).all(|_| step());
    if all { begin.elapsed().as_secs_f64() / STEPS as f64 } else { f64::INFINITY }
}

#[cfg(test)]
mod tests;
