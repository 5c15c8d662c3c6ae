//! A matrix memory that is written step by step, through [`mnemoscope_memory::scan`].
//!
//! The scan works on plain arrays, which are copied from and to tensors. Where the tensors lie on a graphics card they are
//! read back first, and the scan's own shaders get them anew ([`Scans`]): a step then waits for its scans.

use burn::tensor::{Device, Tensor, TensorData};
use mnemoscope_memory::scan::{self, Backend, Bias, Form, Inputs, Shape};

use super::gates::Open;
use super::scans::Scans;
use crate::device::read;

/// Steps between two states that are kept for the way back.
const CHUNK: usize = 16;

/// The writes of all lanes and what was read.
#[derive(Debug)]
pub(crate) struct Written {
    form: Form,
    pub(crate) shape: Shape,
    held: Held,
    gates: Open,
    forward: scan::Forward,
    scans: Scans,
    /// Where `forward` was computed.
    backend: Backend,
}

/// The scan's inputs as plain arrays.
#[derive(Debug)]
struct Held {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    strength: Vec<f32>,
    retention: Vec<f32>,
    momentum: Vec<f32>,
}

impl Held {
    fn inputs(&self) -> Inputs<'_> {
        let Self { q, k, v, strength, retention, momentum } = self;
        Inputs { q, k, v, strength, retention, momentum }
    }
}

/// Slopes, `[lanes, T, n]`; of the gates' pre-activations where there are gates.
pub(crate) struct Slopes {
    pub(crate) q: Tensor<3>,
    pub(crate) k: Tensor<3>,
    pub(crate) v: Tensor<3>,
    pub(crate) gates: Option<Tensor<3>>,
}

impl Written {
    /// Writes keys and values and asks the queries, all `[lanes, T, d]`.
    pub(crate) fn new(scans: &Scans, form: Form, [q, k, v]: [&Tensor<3>; 3], gates: Open) -> Self {
        let ([lanes, steps, d_k], [_, _, d_v]) = (q.dims(), v.dims());
        let shape = Shape { lanes, steps, d_k, d_v, chunk: CHUNK };
        let gate = |gate: &Option<Tensor<3>>| gate.as_ref().map(read).unwrap_or_default();
        let held = Held {
            q: read(q),
            k: read(k),
            v: read(v),
            strength: gate(&gates.strength),
            retention: gate(&gates.retention),
            momentum: gate(&gates.momentum),
        };
        let (forward, backend) = scans.forward(form, shape, &held.inputs());
        Self { form, shape, held, gates, forward, scans: scans.clone(), backend }
    }

    /// What the queries recall, `[lanes, T, d]`.
    pub(crate) fn read(&self, device: &Device) -> Tensor<3> {
        let Shape { lanes, steps, d_v, .. } = self.shape;
        Tensor::from_data(TensorData::new(self.forward.out.clone(), [lanes, steps, d_v]), device)
    }

    /// What was written and asked, all lanes.
    pub(crate) fn inputs(&self) -> Inputs<'_> {
        self.held.inputs()
    }

    /// What the queries recall, `[lanes, T, d]`.
    pub(crate) fn out(&self) -> &[f32] {
        &self.forward.out
    }

    /// 1 for a token, 0 for a filler, `[lanes, T, 1]`.
    pub(crate) fn real(&self) -> &Tensor<3> {
        &self.gates.real
    }

    /// The slopes from that at what was recalled, `[lanes, T, d]`.
    pub(crate) fn chain(&self, slope: &Tensor<3>) -> Slopes {
        let device = slope.device();
        let Self { form, shape, forward, scans, backend, .. } = self;
        let gradients = scans.backward(backend, *form, *shape, &self.inputs(), forward, &read(slope));
        let Shape { lanes, steps, .. } = *shape;
        let tensor = |values: Vec<f32>| -> Tensor<3> {
            let width = values.len() / (lanes * steps);
            Tensor::from_data(TensorData::new(values, [lanes, steps, width]), &device)
        };
        let gate = |values: Vec<f32>| (!values.is_empty()).then(|| tensor(values));
        let gates = self.gates.chain(gate(gradients.strength), gate(gradients.retention), gate(gradients.momentum));
        Slopes { q: tensor(gradients.q), k: tensor(gradients.k), v: tensor(gradients.v), gates }
    }
}

/// Products of a matrix and a vector, or of two vectors to a matrix, in one step.
pub(crate) fn products(form: Form) -> f64 {
    match form {
        // Write and read.
        Form::Gradient { bias: Bias::Dot, .. } => 2.0,
        // What the memory answers to the key, write and read.
        Form::Gradient { .. } => 3.0,
        // A step asks the memory and writes it.
        Form::Several { steps, .. } => 2.0 * steps.max(1) as f64 + 1.0,
        // The same, and P k and the change of P.
        Form::LeastSquares { .. } => 5.0,
    }
}
