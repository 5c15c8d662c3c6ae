//! Scans for training on the card: sizes, places in the buffers, and the launch of `shaders/scan.wgsl`.

use bytemuck::{Pod, Zeroable};
use wgpu::BufferUsages;

use super::program::Dispatch;
use super::{Gpu, MOST_ROWS, SOFTWARE_ROUNDS};
use crate::GpuError;
use crate::scan::{Bias, Form, Gradients, Inputs, Shape};

/// The uniform of the shader, field by field; see there.
#[derive(Debug, Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Uniform {
    steps: u32,
    d_k: u32,
    d_v: u32,
    chunk: u32,
    lanes: u32,
    bias: u32,
    parameter: f32,
    ridge: f32,
    decayed: u32,
    momentum: u32,
    squares: u32,
    strengths: u32,
    retentions: u32,
    k: u32,
    v: u32,
    strength: u32,
    retention: u32,
    eta: u32,
    borders: u32,
    trail: u32,
    p_borders: u32,
    p_trail: u32,
    u: u32,
    z: u32,
    found_rows: u32,
    found_p: u32,
    tiles: u32,
    unused: u32,
}

/// What a scan left on the card for its way back.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The inputs, one behind another.
    given: wgpu::Buffer,
    /// The errors, states at the borders, u and z.
    work: wgpu::Buffer,
}

/// Places and sizes of one scan.
struct Plan {
    uniform: Uniform,
    /// Rows of a workgroup and workgroups of a lane, for S and for P.
    rows: usize,
    tiles: usize,
    /// Numbers of the working array without the trails and with them, and of what is found backward.
    held: usize,
    work: usize,
    found: usize,
    lanes: usize,
}

impl Gpu {
    /// The output, and what stays on the card for the way back. The inputs are checked.
    pub(crate) fn scan_forward(
        &self,
        form: Form,
        shape: Shape,
        inputs: &Inputs<'_>,
    ) -> Result<(Vec<f32>, Held), GpuError> {
        let plan = self.plan(form, shape, inputs)?;
        let all: Vec<f32> = [inputs.q, inputs.k, inputs.v, inputs.strength, inputs.retention, inputs.momentum].concat();
        let count = shape.lanes * shape.steps * shape.d_v;
        for (what, numbers) in
            [("the scan's input", all.len()), ("the scan's states", plan.held), ("the scan's output", count)]
        {
            self.check_bytes(what, numbers)?;
        }
        let (held, back) = self.scoped(|| {
            // A binding may not be empty.
            let given = if all.is_empty() { vec![0.0; 4] } else { all };
            let held = Held {
                given: self.upload(bytemuck::cast_slice(&given), BufferUsages::STORAGE),
                work: self.written(plan.held.max(4)),
            };
            let uniform = self.upload(bytemuck::bytes_of(&plan.uniform), BufferUsages::UNIFORM);
            let none = self.upload(&[0; 16], BufferUsages::STORAGE);
            let found = self.written(count.max(4));
            let mut dispatches = Vec::new();
            if form.is_squares() {
                dispatches.push(self.of_p("narrow", &plan));
            }
            dispatches.push(self.of_s("write", &plan));
            let buffers = [&uniform, &held.given, &none, &held.work, &found];
            let back = self.submit(&self.scan, &[], &buffers, &dispatches, &[&found]);
            (held, back)
        })?;
        let mut out = self.download(&back)?.pop().unwrap_or_default();
        out.truncate(count);
        Ok((out, held))
    }

    /// The gradients by all inputs. The inputs and `d_out` are checked.
    pub(crate) fn scan_backward(
        &self,
        form: Form,
        shape: Shape,
        inputs: &Inputs<'_>,
        held: &Held,
        d_out: &[f32],
    ) -> Result<Gradients, GpuError> {
        let plan = self.plan(form, shape, inputs)?;
        if d_out.is_empty() {
            return Ok(Gradients::default());
        }
        for (what, numbers) in [("the scan's states in a chunk", plan.work), ("the scan's gradients", plan.found)] {
            self.check_bytes(what, numbers)?;
        }
        let back = self.scoped(|| {
            let uniform = self.upload(bytemuck::bytes_of(&plan.uniform), BufferUsages::UNIFORM);
            let d_out = self.upload(bytemuck::cast_slice(d_out), BufferUsages::STORAGE);
            let [work, found] = [plan.work, plan.found].map(|numbers| self.written(numbers));
            let mut dispatches = vec![self.of_s("unwrite", &plan)];
            if form.is_squares() {
                dispatches.push(self.of_p("widen", &plan));
            }
            let buffers = [&uniform, &held.given, &d_out, &work, &found];
            self.submit(&self.scan, &[[&held.work, &work]], &buffers, &dispatches, &[&found])
        })?;
        let found = self.download(&back)?.pop().unwrap_or_default();
        Ok(gathered(form, shape, inputs, &plan, &found))
    }

    fn of_s(&self, entry: &'static str, plan: &Plan) -> Dispatch {
        let stride = plan.uniform.d_k as usize | 1;
        let cells = plan.rows * stride * (1 + plan.uniform.momentum as usize);
        self.dispatch(entry, [plan.rows, stride, cells], [plan.tiles, plan.lanes])
    }

    fn of_p(&self, entry: &'static str, plan: &Plan) -> Dispatch {
        let d_k = plan.uniform.d_k as usize;
        self.dispatch(entry, [d_k, d_k | 1, d_k * (d_k | 1)], [1, plan.lanes])
    }

    fn dispatch(&self, entry: &'static str, [rows, stride, cells]: [usize; 3], groups: [usize; 2]) -> Dispatch {
        let constants = [("ROWS", rows), ("STRIDE", stride), ("CELLS", cells)];
        Dispatch { pipeline: self.scan.pipeline(&self.device, entry, &constants), groups }
    }

    fn plan(&self, form: Form, shape: Shape, inputs: &Inputs<'_>) -> Result<Plan, GpuError> {
        let Shape { lanes, steps, d_k, d_v, .. } = shape;
        let chunk = shape.chunk.clamp(1, steps.max(1));
        let (all, chunks) = (lanes * steps, steps.div_ceil(chunk));
        let squares = form.is_squares();
        let takes = form.takes();
        let matrices = 1 + usize::from(takes.momentum);
        self.check_count("the number of lanes", lanes)?;

        // A row of S, and three numbers of each row beside it.
        let limits = self.device.limits();
        let limit = limits.max_compute_workgroup_storage_size as usize;
        let invocations =
            limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x) as usize;
        let fitting = |matrices: usize| {
            let bytes = ((d_k | 1) * matrices + 3) * size_of::<f32>();
            (limit / bytes).min(invocations)
        };
        let whole = match form.bias() {
            Some(Bias::Huber { .. }) => Some("the length of Huber's error"),
            Some(Bias::Kl) => Some("the softmax of the KL bias"),
            _ => None,
        };
        let rows = match fitting(matrices) {
            0 => return Err(GpuError::TooWide { width: (d_k | 1) * matrices + 3, limit }),
            fits => match whole {
                Some(what) if fits < d_v => return Err(GpuError::Together { what, rows: d_v, limit: fits }),
                Some(_) => d_v,
                None => fits.min(MOST_ROWS).min(d_v),
            },
        };
        if squares && fitting(1) < d_k {
            return Err(GpuError::Together { what: "the matrix P of least squares", rows: d_k, limit: fitting(1) });
        }
        let tiles = d_v.div_ceil(rows);
        if self.software {
            let most = most_software_steps(d_k, d_v, rows, form);
            if steps > most {
                return Err(GpuError::TooManySteps { steps, limit: most });
            }
        }

        let (bias, parameter) = match form.bias() {
            Some(Bias::Dot) => (0, 0.0),
            Some(Bias::Squared) | None => (1, 0.0),
            Some(Bias::Lp { p }) => (2, p),
            Some(Bias::Huber { delta }) => (3, delta),
            Some(Bias::Kl) => (4, 0.0),
        };
        let ridge = if let Form::LeastSquares { ridge } = form { ridge } else { 1.0 };
        let mut uniform = Uniform {
            steps: steps as u32,
            d_k: d_k as u32,
            d_v: d_v as u32,
            chunk: chunk as u32,
            lanes: lanes as u32,
            bias,
            parameter,
            ridge,
            decayed: u32::from(matches!(form, Form::Gradient { error_at_decayed: true, .. })),
            momentum: u32::from(takes.momentum),
            squares: u32::from(squares),
            strengths: u32::from(!inputs.strength.is_empty()),
            retentions: match inputs.retention.len() {
                0 => 0,
                length if length == all => 1,
                _ => 2,
            },
            tiles: tiles as u32,
            ..Uniform::default()
        };
        let mut place = inputs.q.len();
        for (field, length) in [
            (&mut uniform.k, inputs.k.len()),
            (&mut uniform.v, inputs.v.len()),
            (&mut uniform.strength, inputs.strength.len()),
            (&mut uniform.retention, inputs.retention.len()),
            (&mut uniform.eta, inputs.momentum.len()),
        ] {
            *field = place as u32;
            place += length;
        }
        let state = matrices * d_v * d_k;
        let square = usize::from(squares) * d_k * d_k;
        let mut held = all * d_v;
        for (field, length) in [
            (&mut uniform.borders, lanes * chunks * state),
            (&mut uniform.p_borders, lanes * chunks * square),
            (&mut uniform.u, usize::from(squares) * all * d_k),
            (&mut uniform.z, usize::from(squares) * all),
        ] {
            *field = held as u32;
            held += length;
        }
        let trail = lanes * (chunk + 1);
        uniform.trail = held as u32;
        uniform.p_trail = (held + trail * state) as u32;
        let rows_found = 5 * tiles * all * d_k;
        let p_found = rows_found + 2 * all * d_v;
        uniform.found_rows = rows_found as u32;
        uniform.found_p = p_found as u32;
        Ok(Plan {
            uniform,
            rows,
            tiles,
            held,
            work: held + trail * (state + square),
            found: p_found + usize::from(squares) * all * (d_k + 2),
            lanes,
        })
    }
}

/// The gradients by the inputs from what the card found: sums over tiles, rows and channels.
fn gathered(form: Form, shape: Shape, inputs: &Inputs<'_>, plan: &Plan, found: &[f32]) -> Gradients {
    let Shape { lanes, steps, d_k, d_v, .. } = shape;
    let all = lanes * steps;
    let size = all * d_k;
    let column = |which: usize| -> Vec<f32> {
        let tiles = &found[which * plan.tiles * size..][..plan.tiles * size];
        let mut sum = tiles[..size].to_vec();
        for tile in tiles[size..].chunks_exact(size) {
            for (sum, x) in sum.iter_mut().zip(tile) {
                *sum += x;
            }
        }
        sum
    };
    let over = |numbers: &[f32], width: usize| numbers.chunks_exact(width).map(|row| row.iter().sum()).collect();
    let [q, mut d_read, d_write, mut d_alpha, d_eta] = std::array::from_fn(column);
    let rows = &found[plan.uniform.found_rows as usize..];
    let v = rows[..all * d_v].to_vec();
    let (mut strength, retention): (Vec<f32>, Vec<f32>);
    let k = if form.is_squares() {
        let p = &found[plan.uniform.found_p as usize..];
        strength = p[size..][..all].to_vec();
        retention = p[size + all..][..all].to_vec();
        d_read.iter().zip(&p[..size]).map(|(read, p)| read + p).collect()
    } else {
        if matches!(form, Form::Gradient { error_at_decayed: true, .. }) && !inputs.retention.is_empty() {
            let width = inputs.retention.len() / all;
            for (j, ((d_read, d_alpha), k)) in d_read.iter_mut().zip(&mut d_alpha).zip(inputs.k).enumerate() {
                *d_alpha += k * *d_read;
                *d_read *= inputs.retention[if width == 1 { j / d_k } else { j }];
            }
        }
        strength = over(&rows[all * d_v..][..all * d_v], d_v);
        retention = if inputs.retention.len() == all { over(&d_alpha, d_k) } else { d_alpha };
        d_read.iter().zip(&d_write).map(|(read, write)| read + write).collect()
    };
    strength.truncate(inputs.strength.len());
    let mut gradients = Gradients { q, k, v, strength, retention, momentum: over(&d_eta, d_k) };
    gradients.retention.truncate(inputs.retention.len());
    gradients.momentum.truncate(inputs.momentum.len());
    gradients
}

/// Most steps that a software adapter computes rightly: llvmpipe counts the rounds of an invocation's loops, and a loop
/// of n turns costs n + 1.
fn most_software_steps(d_k: usize, d_v: usize, rows: usize, form: Form) -> usize {
    let (keys, values) = (d_k + 2, d_v + 2);
    // Chunks of one step, the worst: a step fetches a border, is taken once more, and goes back by rows and by columns.
    let columns = d_k.div_ceil(rows) * (rows + 2);
    // A loop that is skipped costs a round too.
    let gradient = 4 * keys + columns + 20;
    let round = match form.bias() {
        // The length of the error, three times from memory and once more from the workgroup.
        Some(Bias::Huber { .. }) => gradient + 4 * values,
        // The largest answer and the sum of exponentials likewise, and what is along.
        Some(Bias::Kl) => gradient + 8 * values,
        Some(_) => gradient,
        // The scan of P is the longer: five loops over a row and three sums.
        None => gradient.max(8 * keys + values + d_v.div_ceil(rows) + 12),
    };
    (SOFTWARE_ROUNDS - d_k - 2) / round
}
