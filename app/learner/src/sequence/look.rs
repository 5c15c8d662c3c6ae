//! A look into a sequence model at one row: what each head asked, wrote and read.

use mnemoscope_memory::Mixer;
use mnemoscope_memory::scan::{self, Bias, Form, Inputs, Shape};

use super::heads::{Kept, Memory};
use super::{Course, Heads};
use crate::device::read;
use crate::network::Trace;

/// A model at one row of tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// T.
    pub length: usize,
    /// Outputs, C.
    pub classes: usize,
    /// From the first on.
    pub layers: Vec<LayerLook>,
    /// Outputs at every position before the softmax, `[T, C]`.
    pub logits: Vec<f32>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerLook {
    /// What the projections read of each token: the normalised vector, with a shift those of earlier tokens behind it,
    /// `[T, n]`.
    pub seen: Vec<f32>,
    /// Its heads.
    pub heads: Vec<HeadLook>,
}

/// One head.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadLook {
    /// Numbers of a query, key and value, d.
    pub width: usize,
    /// How a matrix memory is written; none of softmax attention.
    pub form: Option<Form>,
    /// Queries as they meet the memory, `[T, d]`.
    pub q: Vec<f32>,
    /// Keys as they meet the memory, `[T, d]`; those of fillers are 0 in a matrix memory.
    pub k: Vec<f32>,
    /// Values, `[T, d]`.
    pub v: Vec<f32>,
    /// What was read, `[T, d]`.
    pub out: Vec<f32>,
    /// The weight of value i in what was read at t, `[t, i]`, `[T, T]`: of softmax attention its weights; of a matrix
    /// memory whose writes are linear in the values what they amount to, which may be negative; else empty.
    pub attention: Vec<f32>,
    /// Write strength, `[T]`; empty where there is none.
    pub strength: Vec<f32>,
    /// What stays at each step, `[T]` or per key channel `[T, d]`; empty where all stays.
    pub retention: Vec<f32>,
    /// Momentum, `[T]`; empty where there is none.
    pub momentum: Vec<f32>,
}

impl Look {
    /// The matrix memory S `[d_v, d_k]` of a head after so many steps; none of softmax attention, or where there is no
    /// such head.
    pub fn state(&self, layer: usize, head: usize, steps: usize) -> Option<Vec<f32>> {
        let head = self.layers.get(layer)?.heads.get(head)?;
        Some(scan::state(head.form?, head.shape(self.length), &head.inputs(&head.v), 0, steps))
    }

    /// From a pass over one row of one replica.
    pub(crate) fn new(heads: &Heads, trace: &Trace, course: &Course) -> Self {
        let length = course.tokens.length;
        let logits = read(&course.logits);
        let layers = course.kept().zip(course.seen(trace)).map(|(kept, seen)| LayerLook {
            seen: read(seen),
            heads: (0..heads.count).map(|head| HeadLook::new(heads, kept, head, length)).collect(),
        });
        Self { length, classes: logits.len() / length, layers: layers.collect(), logits }
    }
}

impl HeadLook {
    fn new(heads: &Heads, kept: &Kept, head: usize, length: usize) -> Self {
        let lane = |values: &[f32]| {
            let own = values.len() / heads.count;
            values[head * own..(head + 1) * own].to_vec()
        };
        let mut look = Self {
            width: heads.width,
            form: None,
            q: lane(&read(&kept.q)),
            k: lane(&read(&kept.k)),
            v: lane(&read(&kept.v)),
            out: Vec::new(),
            attention: Vec::new(),
            strength: Vec::new(),
            retention: Vec::new(),
            momentum: Vec::new(),
        };
        match (&kept.memory, &heads.mixer) {
            (Memory::Written(written), Mixer::Scan { form, .. }) => {
                let inputs = written.inputs();
                look.form = Some(*form);
                look.out = lane(written.out());
                look.strength = lane(inputs.strength);
                look.retention = lane(inputs.retention);
                look.momentum = lane(inputs.momentum);
                look.attention = look.amounts(*form, length);
            }
            (Memory::Softmax(weights), _) => {
                look.out = lane(&read(&weights.as_ref().clone().matmul(kept.v.clone())));
                look.attention = lane(&read(weights));
            }
            (Memory::Written(_), Mixer::Softmax { .. }) => {}
        }
        look
    }

    /// What the writes amount to as weights of the values: the memory of values e_i, whose read-outs are the weights.
    fn amounts(&self, form: Form, length: usize) -> Vec<f32> {
        if matches!(form.bias(), Some(Bias::Lp { .. } | Bias::Huber { .. } | Bias::Kl)) {
            return Vec::new();
        }
        let mut codes = vec![0.0; length * length];
        (0..length).for_each(|i| codes[i * length + i] = 1.0);
        scan::forward(form, Shape { d_v: length, ..self.shape(length) }, &self.inputs(&codes)).out
    }

    fn shape(&self, steps: usize) -> Shape {
        Shape { lanes: 1, steps, d_k: self.width, d_v: self.width, chunk: steps }
    }

    fn inputs<'a>(&'a self, v: &'a [f32]) -> Inputs<'a> {
        let Self { q, k, strength, retention, momentum, .. } = self;
        Inputs { q, k, v, strength, retention, momentum }
    }
}
