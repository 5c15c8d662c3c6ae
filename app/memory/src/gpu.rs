//! The memories on a graphics card: `shaders/association.wgsl` and `shaders/scan.wgsl`, launched straight through wgpu.
//!
//! Not through burn's backend extension: nothing here is a tensor or has a gradient, vectors go in and come out. With
//! a device of its own the kernel can ask for the adapter's workgroup memory, keep wgpu's bounds checks, report the
//! driver's errors where they arise, and never waits behind training.

mod program;
mod scans;

use std::sync::{Arc, OnceLock};

use bytemuck::{Pod, Zeroable};
use program::{Dispatch, Program};
pub(crate) use scans::Held;

use crate::{Composition, GpuError, MemoryError, Pairs};

/// The memories that the shader knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kernel {
    /// S <- gamma S + v k^T.
    Hebb,
    /// S <- gamma S, then S <- S + beta (v - S k) k^T.
    Delta {
        /// Part of the error along the key that one write removes, for unit keys.
        beta: f32,
    },
    /// Keeps all pairs; reads their mean weighted by exp(beta_s k.q).
    Softmax {
        /// beta_s.
        inverse_temperature: f32,
    },
}

impl Kernel {
    /// The kernel of a composed memory, and its decay.
    ///
    /// # Errors
    /// When the shader does not know the memory.
    pub fn of(composition: &Composition) -> Result<(Self, f32), MemoryError> {
        let (retention, rule) = (&composition.retention, &composition.rule);
        let decay = match retention.name() {
            "none" => 1.0,
            "decay" => retention.real("gamma") as f32,
            _ => return Err(MemoryError::NotOnCard),
        };
        let kernel = match (composition.architecture.name(), composition.bias.name(), rule.name()) {
            ("matrix", "dot_product", "outer_product") => Self::Hebb,
            ("matrix", "squared_error", "gradient_step") if decay == 1.0 || rule.text("error_at") == "decayed" => {
                Self::Delta { beta: rule.real("beta") as f32 }
            }
            ("key_value_list", ..)
                if rule.text("order") == "constant" && !composition.architecture.switch("qk_norm") =>
            {
                Self::Softmax { inverse_temperature: composition.architecture.real("inverse_temperature") as f32 }
            }
            _ => return Err(MemoryError::NotOnCard),
        };
        Ok((kernel, decay))
    }

    /// The shader's entry point.
    fn name(self) -> &'static str {
        match self {
            Self::Hebb => "hebb",
            Self::Delta { .. } => "delta",
            Self::Softmax { .. } => "softmax",
        }
    }
}

/// What a memory holds and answers after its first n writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// S `[d_v, d_k]`; empty for softmax.
    pub state: Vec<f32>,
    /// What the first n queries recall, `[n, d_v]`.
    pub recalled: Vec<f32>,
}

/// S as it lies on the card: `rows` rows of `columns` numbers, `row_stride` numbers apart, from the buffer's start.
#[derive(Debug, Clone)]
pub struct StateOnCard {
    /// A storage buffer of the [`Gpu`]'s device that can be copied from.
    pub buffer: wgpu::Buffer,
    /// d_v.
    pub rows: usize,
    /// d_k.
    pub columns: usize,
    /// Numbers from a row to the next; rows are padded with zeros.
    pub row_stride: usize,
}

/// A graphics adapter with the memories' shaders.
#[derive(Debug)]
pub struct Gpu {
    name: String,
    software: bool,
    device: wgpu::Device,
    queue: wgpu::Queue,
    association: Program,
    scan: Program,
}

/// The uniform of the shader, field by field.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Shape {
    pairs: u32,
    d_v: u32,
    key_quads: u32,
    value_quads: u32,
    decay: f32,
    log_decay: f32,
    beta: f32,
    inverse_temperature: f32,
}

/// Most rows of one workgroup; every adapter allows as many invocations.
const MOST_ROWS: usize = 64;

/// Rows are padded with zeros to a multiple of this: two vec4, which the shader's loops take at a time.
const PADDING: usize = 8;

/// llvmpipe ends the loops of an invocation after so many rounds together, and its results are then wrong
/// (LP_MAX_TGSI_LOOP_ITERATIONS in Mesa).
const SOFTWARE_ROUNDS: usize = 65_535;

impl Gpu {
    /// The process's one, opened at the first call. A failure is kept too: a driver that is missing stays missing.
    ///
    /// # Errors
    /// When there is no adapter, or it does not start.
    pub fn shared() -> Result<Arc<Self>, GpuError> {
        static SHARED: OnceLock<Result<Arc<Gpu>, GpuError>> = OnceLock::new();
        SHARED.get_or_init(|| Self::open().map(Arc::new)).clone()
    }

    /// Opens the fastest adapter; a software one if there is no other.
    ///
    /// # Errors
    /// When there is no adapter, or it does not start.
    pub fn open() -> Result<Self, GpuError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        // Whatever the reason, there is none that can be used.
        let Ok(adapter) = pollster::block_on(instance.request_adapter(&wanted)) else {
            return Err(GpuError::NoAdapter);
        };
        let not_started = |problem: String| GpuError::NotStarted { name: adapter.get_info().name, problem };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("associative memories"),
            required_limits: adapter.limits(),
            ..Default::default()
        }))
        .map_err(|error| not_started(error.to_string()))?;
        Self::on_device(device, queue)
    }

    /// Takes a device that is open already, such as a window's: what is computed there can be drawn there.
    ///
    /// # Errors
    /// When the device refuses a shader.
    pub fn on_device(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, GpuError> {
        let info = device.adapter_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let not_started = |problem: String| GpuError::NotStarted { name: info.name.clone(), problem };
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let association = Program::new(&device, wgpu::include_wgsl!("../../../shaders/association.wgsl"), 3, 2);
        let scan = Program::new(&device, wgpu::include_wgsl!("../../../shaders/scan.wgsl"), 2, 2);
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(not_started(error.to_string()));
        }
        Ok(Self { name: info.name, software, device, queue, association, scan })
    }

    /// The adapter's name, as its driver gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the processor does the adapter's work.
    pub fn software(&self) -> bool {
        self.software
    }

    /// Writes the first `n` pairs and asks for each; `n` beyond N means N.
    ///
    /// # Errors
    /// When the adapter fails, or the memory is too large for it.
    pub fn scan(&self, kernel: Kernel, decay: f32, pairs: &Pairs, n: usize) -> Result<Scan, GpuError> {
        let mut scans = self.scan_all(kernel, decay, &[pairs], n)?;
        scans.pop().ok_or(GpuError::MixedShapes)
    }

    /// Writes and asks several memories of equal shape in one dispatch.
    ///
    /// # Errors
    /// When their shapes differ, the adapter fails, or together they are too large for it.
    pub fn scan_all(&self, kernel: Kernel, decay: f32, memories: &[&Pairs], n: usize) -> Result<Vec<Scan>, GpuError> {
        let Some(first) = memories.first() else {
            return Ok(Vec::new());
        };
        let (d_k, d_v, n) = (first.d_k, first.d_v, n.min(first.len()));
        if memories.iter().any(|pairs| (pairs.d_k, pairs.d_v, pairs.len()) != (d_k, d_v, first.len())) {
            return Err(GpuError::MixedShapes);
        }
        let softmax = matches!(kernel, Kernel::Softmax { .. });
        if n == 0 {
            let state = vec![0.0; if softmax { 0 } else { d_v * d_k }];
            return Ok(vec![Scan { state, recalled: Vec::new() }; memories.len()]);
        }
        let (_, back) = self.launch(kernel, decay, memories, n, true)?;
        let downloaded = self.download(&back)?;
        let (states, recalled) = (&downloaded[0], &downloaded[1]);
        let key_width = d_k.next_multiple_of(PADDING);
        let padded_state = if softmax { 0 } else { d_v * key_width };
        let part = |i: usize| Scan {
            state: states[i * padded_state..][..padded_state]
                .chunks_exact(key_width)
                .flat_map(|row| &row[..d_k])
                .copied()
                .collect(),
            recalled: recalled[i * n * d_v..][..n * d_v].to_vec(),
        };
        Ok((0..memories.len()).map(part).collect())
    }

    /// Writes the first `n` pairs and leaves S on the card. None for softmax, which keeps none, and before the first
    /// write.
    ///
    /// # Errors
    /// When the adapter fails, or the memory is too large for it.
    pub fn state_on_card(
        &self,
        kernel: Kernel,
        decay: f32,
        pairs: &Pairs,
        n: usize,
    ) -> Result<Option<StateOnCard>, GpuError> {
        let n = n.min(pairs.len());
        if n == 0 || matches!(kernel, Kernel::Softmax { .. }) {
            return Ok(None);
        }
        let (buffer, _) = self.launch(kernel, decay, &[pairs], n, false)?;
        let row_stride = pairs.d_k.next_multiple_of(PADDING);
        Ok(Some(StateOnCard { buffer, rows: pairs.d_v, columns: pairs.d_k, row_stride }))
    }

    /// Starts one dispatch over memories of equal shape, of which the first `n >= 1` pairs are written. Answers the buffer
    /// of all S, and, where they are to be read back, buffers to read all S and all answers from.
    fn launch(
        &self,
        kernel: Kernel,
        decay: f32,
        memories: &[&Pairs],
        n: usize,
        read_back: bool,
    ) -> Result<(wgpu::Buffer, Vec<wgpu::Buffer>), GpuError> {
        let Some(first) = memories.first() else { return Err(GpuError::MixedShapes) };
        let (d_k, d_v) = (first.d_k, first.d_v);
        let softmax = matches!(kernel, Kernel::Softmax { .. });
        let (key_width, value_width) = (d_k.next_multiple_of(PADDING), d_v.next_multiple_of(PADDING));
        let (width, rows) = if softmax { (value_width, n) } else { (key_width, d_v) };
        let in_group = self.rows_of_a_group(width)?;
        self.check_count("the number of memories", memories.len())?;
        self.check_rounds(n, key_width.max(value_width) / PADDING)?;

        let shape = Shape {
            pairs: n as u32,
            d_v: d_v as u32,
            key_quads: (key_width / 4) as u32,
            value_quads: (value_width / 4) as u32,
            decay,
            log_decay: decay.ln(),
            beta: if let Kernel::Delta { beta } = kernel { beta } else { 0.0 },
            inverse_temperature: if let Kernel::Softmax { inverse_temperature } = kernel {
                inverse_temperature
            } else {
                0.0
            },
        };
        let join = |part: fn(&Pairs) -> &[f32], width: usize| -> Vec<f32> {
            memories.iter().flat_map(|pairs| padded(&part(pairs)[..n * width], width)).collect()
        };
        let inputs = [
            ("keys", join(|pairs| &pairs.keys, d_k)),
            ("values", join(|pairs| &pairs.values, d_v)),
            ("queries", join(|pairs| &pairs.queries, d_k)),
        ];
        // A binding may not be empty: softmax gets a state of one unused quad.
        let padded_state = if softmax { 0 } else { d_v * key_width };
        let outputs = [("S", (memories.len() * padded_state).max(4)), ("recalled values", memories.len() * n * d_v)];
        for (what, count) in inputs.iter().map(|(what, numbers)| (*what, numbers.len())).chain(outputs) {
            self.check_bytes(what, count)?;
        }

        self.scoped(|| {
            let constants = [("ROWS", in_group), ("CELLS", in_group * width / 4)];
            let pipeline = self.association.pipeline(&self.device, kernel.name(), &constants);
            let uniform = self.upload(bytemuck::bytes_of(&shape), wgpu::BufferUsages::UNIFORM);
            let read = inputs
                .each_ref()
                .map(|(_, numbers)| self.upload(bytemuck::cast_slice(numbers), wgpu::BufferUsages::STORAGE));
            let written = outputs.map(|(_, count)| self.written(count));
            let buffers: Vec<&wgpu::Buffer> = std::iter::once(&uniform).chain(&read).chain(&written).collect();
            let dispatch = Dispatch { pipeline, groups: [rows.div_ceil(in_group), memories.len()] };
            let out: &[&wgpu::Buffer] = if read_back { &written.each_ref() } else { &[] };
            let back = self.submit(&self.association, &[], &buffers, &[dispatch], out);
            let [state, _] = written;
            (state, back)
        })
    }

    /// Rows of S that fit a workgroup's memory together.
    fn rows_of_a_group(&self, width: usize) -> Result<usize, GpuError> {
        let limit = self.device.limits().max_compute_workgroup_storage_size as usize;
        match limit / (width * size_of::<f32>()) {
            0 => Err(GpuError::TooWide { width, limit }),
            rows => Ok(rows.min(MOST_ROWS)),
        }
    }

    fn check_count(&self, what: &'static str, count: usize) -> Result<(), GpuError> {
        let (size, limit) = (count as u64, u64::from(self.device.limits().max_compute_workgroups_per_dimension));
        if size > limit { Err(GpuError::TooLarge { what, size, limit }) } else { Ok(()) }
    }

    fn check_rounds(&self, pairs: usize, blocks: usize) -> Result<(), GpuError> {
        let limit = most_software_pairs(blocks);
        if self.software && pairs > limit { Err(GpuError::TooLong { pairs, limit }) } else { Ok(()) }
    }

    fn check_bytes(&self, what: &'static str, numbers: usize) -> Result<(), GpuError> {
        let limits = self.device.limits();
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let size = (numbers * size_of::<f32>()) as u64;
        if size > limit { Err(GpuError::TooLarge { what, size, limit }) } else { Ok(()) }
    }
}

/// Most pairs that a software adapter writes and asks rightly in rows of `blocks` times [`PADDING`].
///
/// A loop of k turns costs k + 1 rounds. Each pair costs at most three loops over the blocks and two turns around
/// them; a row is cleared once and written out once, by softmax number by number.
fn most_software_pairs(blocks: usize) -> usize {
    let once = (PADDING + 2) * blocks + 8;
    SOFTWARE_ROUNDS.saturating_sub(once) / (3 * (blocks + 1) + 2)
}

/// Rows of `width` numbers, each with zeros up to the padded width.
fn padded(rows: &[f32], width: usize) -> impl Iterator<Item = f32> {
    let zeros = width.next_multiple_of(PADDING) - width;
    rows.chunks_exact(width).flat_map(move |row| row.iter().copied().chain(std::iter::repeat_n(0.0, zeros)))
}

#[cfg(test)]
pub(crate) mod tests;
