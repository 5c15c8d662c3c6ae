//! Scans of matrix memories: tokens per second, there and back, beside the same recurrence written step by step in
//! tensors and beside what the device could do at most.

mod plain;

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use mnemoscope_memory::Gpu;
use mnemoscope_memory::scan::{Backend, Bias, Form, Inputs, Shape};
use serde::Serialize;

use super::steps::noise;
use super::{Effort, median};

/// Entries of keys and of values.
const WIDTH: usize = 32;
/// Bytes of a number.
const BYTES: f64 = 4.0;

/// The scans of one device.
#[derive(Debug, Serialize)]
pub struct Scans {
    /// What computes them; a software adapter's figures say nothing about a graphics card.
    device: String,
    software: bool,
    lanes: usize,
    steps: usize,
    width: usize,
    /// 10^9 bytes per second, read and written, of a plain copy.
    bandwidth_gbytes: f64,
    speeds: Vec<Speed>,
}

/// One form in one direction. A token is one step of one lane: one head of one sequence.
#[derive(Debug, Serialize)]
pub struct Speed {
    form: &'static str,
    pass: &'static str,
    tokens_per_s: f64,
    /// The same recurrence step by step in tensors, and backward by their autodiff.
    plain_tokens_per_s: f64,
    /// What the device could do at most: see `limited_by`.
    limit_tokens_per_s: f64,
    /// "memory" where moving inputs and outputs once takes longest, "arithmetic" where the operations do, at the speed
    /// of the device's best matrix product.
    limited_by: &'static str,
}

impl Scans {
    /// A heading and a line for each figure.
    pub fn text(&self) -> String {
        let Self { device, lanes, steps, width, bandwidth_gbytes, .. } = self;
        let software = if self.software { ", in software" } else { "" };
        let mut text = format!(
            "scans on {device}{software}: {lanes} lanes x {steps} steps, d_k = d_v = {width}; copies {bandwidth_gbytes:.1} \
             GB/s\n{:<14} {:<9} {:>12} {:>12} {:>8} {:>12} {:>16}",
            "memory", "pass", "Mtoken/s", "step by step", "times", "limit", "of the limit"
        );
        for speed in &self.speeds {
            let [own, plain, limit] =
                [speed.tokens_per_s, speed.plain_tokens_per_s, speed.limit_tokens_per_s].map(|tokens| tokens * 1e-6);
            let share = format!("{:.1} % ({})", 100.0 * own / limit, speed.limited_by);
            text += &format!(
                "\n{:<14} {:<9} {own:>12.3} {plain:>12.4} {:>8.1} {limit:>12.1} {share:>16}",
                speed.form,
                speed.pass,
                own / plain
            );
        }
        text
    }
}

/// A memory as the benchmark names it.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    form: Form,
    /// Numbers of the retention in a step.
    retention: usize,
}

const fn gradient(bias: Bias, error_at_decayed: bool, momentum: bool) -> Form {
    Form::Gradient { bias, error_at_decayed, momentum }
}

const CASES: [Case; 7] = [
    Case { name: "Hebb", form: gradient(Bias::Dot, false, false), retention: 0 },
    Case { name: "decay", form: gradient(Bias::Dot, false, false), retention: 1 },
    Case { name: "gate", form: gradient(Bias::Dot, false, false), retention: WIDTH },
    Case { name: "delta", form: gradient(Bias::Squared, false, false), retention: 0 },
    Case { name: "gated delta", form: gradient(Bias::Squared, true, false), retention: 1 },
    Case { name: "momentum", form: gradient(Bias::Squared, false, true), retention: 1 },
    Case { name: "least squares", form: Form::LeastSquares { ridge: 1.0 }, retention: 1 },
];

impl Case {
    fn reads(&self) -> bool {
        self.form.bias() != Some(Bias::Dot)
    }

    fn momentum(&self) -> bool {
        matches!(self.form, Form::Gradient { momentum: true, .. })
    }

    /// Operations of a token on the way there, of each cell: a product and a sum to write, as many to recall, to read
    /// the error and to carry the momentum; a product to decay. P of least squares costs a product and a sum to ask,
    /// these to write, and a division to forget.
    fn operations(&self) -> f64 {
        let decay = f64::from(u8::from(self.retention > 0));
        let per_cell = match self.form {
            Form::LeastSquares { .. } => 6.0 + 5.0,
            Form::Gradient { .. } => {
                let extra = u8::from(self.reads()) + u8::from(self.momentum());
                4.0 + 2.0 * f64::from(extra) + decay
            }
            Form::Several { steps, .. } => {
                let each = 2.0 + 2.0 * f64::from(u8::from(self.reads()));
                each * steps as f64 + 2.0 + decay
            }
        };
        per_cell * (WIDTH * WIDTH) as f64
    }

    /// Numbers that go in for a token.
    fn inputs(&self) -> f64 {
        (3 * WIDTH + 1 + self.retention + usize::from(self.momentum())) as f64
    }
}

/// Numbers of one case.
struct Numbers {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    strength: Vec<f32>,
    retention: Vec<f32>,
    momentum: Vec<f32>,
    d_out: Vec<f32>,
}

impl Numbers {
    fn new(case: Case, shape: Shape) -> Self {
        let drawn = |salt: u64, width: usize, from: f32, to: f32| -> Vec<f32> {
            let count = (shape.lanes * shape.steps * width) as u64;
            (0..count).map(|i| from + (to - from) * noise(salt << 40 | i)).collect()
        };
        // Keys of about unit length, so that every memory stays bounded.
        let reach = (3.0 / shape.d_k as f32).sqrt();
        Self {
            q: drawn(0, shape.d_k, -reach, reach),
            k: drawn(1, shape.d_k, -reach, reach),
            v: drawn(2, shape.d_v, -1.0, 1.0),
            strength: drawn(3, 1, 0.1, 0.6),
            retention: drawn(4, case.retention, 0.9, 1.0),
            momentum: drawn(5, usize::from(case.momentum()), 0.1, 0.6),
            d_out: drawn(6, shape.d_v, -1.0, 1.0),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        let Self { q, k, v, strength, retention, momentum, .. } = self;
        Inputs { q, k, v, strength, retention, momentum }
    }
}

/// All scans of the processor, or of the graphics card where `gpu` is given.
///
/// # Errors
/// When a device is lost, or a scan and its plain form disagree.
pub fn measure(
    gpu: Option<std::sync::Arc<Gpu>>,
    device: &Device,
    gflops: f64,
    effort: Effort,
) -> anyhow::Result<Scans> {
    let (name, software) =
        gpu.as_ref().map_or(("the processor".to_owned(), false), |gpu| (gpu.name().to_owned(), gpu.software()));
    let on_card = gpu.is_some();
    let backend = gpu.map_or(Backend::Cpu, Backend::Gpu);
    // As many as a population of 5 with 32 sequences of 4 heads.
    let (lanes, steps) = if effort.timings > 1 { (640, 64) } else { (16, 16) };
    let shape = Shape { lanes, steps, d_k: WIDTH, d_v: WIDTH, chunk: 16 };
    let bandwidth = if on_card { of_tensors(device, effort)? } else { of_memory(effort) };
    let mut speeds = Vec::new();
    for case in CASES {
        let numbers = Numbers::new(case, shape);
        let inputs = numbers.inputs();
        let forward = backend.forward(case.form, shape, &inputs)?;
        let gradients = backend.backward(case.form, shape, &inputs, &forward, &numbers.d_out)?;
        let there = timed(effort.timings, || Ok(backend.forward(case.form, shape, &inputs)?))?;
        let back =
            timed(effort.timings, || Ok(backend.backward(case.form, shape, &inputs, &forward, &numbers.d_out)?))?;
        let plain = plain::measure(case, shape, &numbers, device, effort)?;
        agree(case.name, "output", &forward.out, &plain.out)?;
        agree(case.name, "gradient by the keys", &gradients.k, &plain.d_k)?;

        let tokens = (lanes * steps) as f64;
        let outputs = WIDTH as f64;
        // Backward each product has two, one for each factor; inputs and their gradients move, and one by the output.
        let work = [
            ("forward", there, plain.there, case.operations(), case.inputs() + outputs),
            ("backward", back, plain.back, 2.0 * case.operations(), 2.0 * case.inputs() + outputs),
        ];
        for (pass, own, plain, operations, moved) in work {
            let [memory, arithmetic] = [bandwidth / (moved * BYTES), gflops * 1e9 / operations];
            let limited_by = if memory < arithmetic { "memory" } else { "arithmetic" };
            speeds.push(Speed {
                form: case.name,
                pass,
                tokens_per_s: tokens / own,
                plain_tokens_per_s: tokens / plain,
                limit_tokens_per_s: memory.min(arithmetic),
                limited_by,
            });
        }
    }
    Ok(Scans { device: name, software, lanes, steps, width: WIDTH, bandwidth_gbytes: bandwidth * 1e-9, speeds })
}

/// Median seconds over so many timings.
fn timed<T>(timings: usize, mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..timings {
        let start = Instant::now();
        let done = work()?;
        times.push(start.elapsed().as_secs_f64());
        drop(done);
    }
    Ok(median(times))
}

/// Two ways to the same numbers in f32.
fn agree(name: &str, what: &str, own: &[f32], plain: &[f32]) -> anyhow::Result<()> {
    let largest = plain.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
    let apart = own.iter().zip(plain).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest;
    anyhow::ensure!(
        own.len() == plain.len() && apart <= 1e-3,
        "bench: the scan of {name} and its plain form differ by {apart} in the {what}; one of them is wrong"
    );
    Ok(())
}

/// Numbers of the arrays that are copied.
fn copied(effort: Effort) -> usize {
    if effort.timings > 1 { 1 << 24 } else { 1 << 20 }
}

/// Bytes that all cores together read and write in a second of plain copying.
fn of_memory(effort: Effort) -> f64 {
    let cores = mnemoscope_compute::cores().max(1);
    let from = vec![1.0_f32; copied(effort)];
    let mut to = vec![0.0_f32; from.len()];
    let part = from.len().div_ceil(cores);
    let copy = |to: &mut [f32]| {
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(part).zip(from.chunks(part)) {
                scope.spawn(|| to.copy_from_slice(from));
            }
        });
    };
    copy(&mut to);
    let mut shortest = f64::INFINITY;
    // The shortest counts: what else the machine does only adds.
    for _ in 0..20 * effort.timings {
        let start = Instant::now();
        copy(&mut to);
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    2.0 * BYTES * from.len() as f64 / shortest
}

/// Bytes that the device reads and writes in a second of adding one number to a long array.
fn of_tensors(device: &Device, effort: Effort) -> anyhow::Result<f64> {
    let long = Tensor::<1>::ones([copied(effort)], device);
    let add = || -> anyhow::Result<()> {
        // One number is read back, which waits for the device.
        drop((long.clone() + 1.0).slice(0..1).try_into_data()?);
        Ok(())
    };
    add()?;
    let mut shortest = f64::INFINITY;
    // The shortest counts: what else the machine does only adds.
    for _ in 0..20 * effort.timings {
        let start = Instant::now();
        add()?;
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    Ok(2.0 * BYTES * copied(effort) as f64 / shortest)
}
