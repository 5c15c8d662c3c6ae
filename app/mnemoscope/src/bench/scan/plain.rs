//! The straightforward implementation: a tensor operation for each product of the recurrence, step after step, and
//! autodiff for the way back.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use mnemoscope_memory::scan::{Bias, Form, Shape};

use super::{Case, Effort, Numbers, median, timed};

/// What it found and how long it took.
pub struct Plain {
    pub out: Vec<f32>,
    pub d_k: Vec<f32>,
    /// Seconds of either way.
    pub there: f64,
    pub back: f64,
}

/// The inputs, `[lanes, steps, width]` each.
struct Given {
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    strength: Tensor<3>,
    retention: Option<Tensor<3>>,
    momentum: Option<Tensor<3>>,
}

impl Given {
    fn new(shape: Shape, numbers: &Numbers, device: &Device, recorded: bool) -> Self {
        let tensor = |part: &[f32]| {
            let width = part.len() / (shape.lanes * shape.steps);
            let data = TensorData::new(part.to_vec(), [shape.lanes, shape.steps, width]);
            let tensor = Tensor::<3>::from_data(data, device);
            if recorded { tensor.require_grad() } else { tensor }
        };
        let some = |part: &[f32]| (!part.is_empty()).then(|| tensor(part));
        Self {
            q: tensor(&numbers.q),
            k: tensor(&numbers.k),
            v: tensor(&numbers.v),
            strength: tensor(&numbers.strength),
            retention: some(&numbers.retention),
            momentum: some(&numbers.momentum),
        }
    }
}

/// Times both ways and keeps what they find.
///
/// # Errors
/// When the device cannot read a result back.
pub fn measure(case: Case, shape: Shape, numbers: &Numbers, device: &Device, effort: Effort) -> anyhow::Result<Plain> {
    // It is slow, and needs no fine figure.
    let timings = effort.timings.min(3);
    let given = Given::new(shape, numbers, device, false);
    let out = vector(recall(case.form, shape, &given, device))?;
    let there = timed(timings, || vector(recall(case.form, shape, &given, device)))?;

    let graph = device.clone().autodiff();
    let given = Given::new(shape, numbers, &graph, true);
    let d_out = TensorData::new(numbers.d_out.clone(), [shape.lanes, shape.steps, shape.d_v]);
    let d_out = Tensor::<3>::from_data(d_out, &graph);
    let (mut times, mut d_k) = (Vec::new(), Vec::new());
    for _ in 0..timings {
        let loss = (recall(case.form, shape, &given, &graph) * d_out.clone()).sum();
        // The way there is done before the clock starts.
        drop(loss.clone().try_into_data()?);
        let start = Instant::now();
        let gradients = loss.backward();
        if let Some(found) = given.k.grad(&gradients) {
            d_k = vector(found)?;
        }
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(Plain { out, d_k, there, back: median(times) })
}

fn vector(tensor: Tensor<3>) -> anyhow::Result<Vec<f32>> {
    Ok(tensor.try_into_data()?.iter::<f32>().collect())
}

fn decayed(s: &Tensor<3>, alpha: Option<Tensor<3>>) -> Tensor<3> {
    match alpha {
        Some(alpha) => s.clone() * alpha.swap_dims(1, 2),
        None => s.clone(),
    }
}

/// Of the dot product only -v.
fn error(bias: Bias, k: Tensor<3>, v: Tensor<3>, s: Tensor<3>) -> Tensor<3> {
    match bias {
        Bias::Dot => v.neg(),
        _ => k.matmul(s) - v,
    }
}

/// What the queries recall, `[lanes, steps, d_v]`. The states are the transposes, `[lanes, d_k, d_v]`.
fn recall(form: Form, shape: Shape, given: &Given, device: &Device) -> Tensor<3> {
    let Shape { lanes, steps, d_k, d_v, .. } = shape;
    let at = |all: &Tensor<3>, t: usize| {
        let [_, _, width] = all.dims();
        all.clone().slice([0..lanes, t..t + 1, 0..width])
    };
    let mut s = Tensor::<3>::zeros([lanes, d_k, d_v], device);
    let mut m = s.clone();
    let mut p = Tensor::<2>::eye(d_k, device).unsqueeze::<3>().repeat_dim(0, lanes);
    if let Form::LeastSquares { ridge } = form {
        p = p / ridge;
    }
    let mut out = Vec::with_capacity(steps);
    for t in 0..steps {
        let (q, k, v, beta) = (at(&given.q, t), at(&given.k, t), at(&given.v, t), at(&given.strength, t));
        let alpha = given.retention.as_ref().map(|retention| at(retention, t));
        match form {
            Form::Gradient { bias, error_at_decayed, .. } => {
                let decayed = decayed(&s, alpha);
                let asked = if error_at_decayed { decayed.clone() } else { s };
                let write = k.clone().swap_dims(1, 2).matmul(error(bias, k, v, asked) * beta);
                m = match &given.momentum {
                    Some(momentum) => m * at(momentum, t) - write,
                    None => write.neg(),
                };
                s = decayed + m.clone();
            }
            Form::Several { bias, steps } => {
                s = decayed(&s, alpha);
                for _ in 0..steps {
                    let error = error(bias, k.clone(), v.clone(), s.clone());
                    s = s - k.clone().swap_dims(1, 2).matmul(error * beta.clone());
                }
            }
            Form::LeastSquares { .. } => {
                let u = k.clone().matmul(p.clone());
                let overlap = (u.clone() * k.clone()).sum_dim(2);
                let alpha = alpha.unwrap_or_else(|| beta.ones_like());
                let z = beta.clone() / (alpha.clone() + beta * overlap);
                let error = k.matmul(s.clone()) - v;
                s = s - u.clone().swap_dims(1, 2).matmul(error * z.clone());
                p = (p - u.clone().swap_dims(1, 2).matmul(u * z)) / alpha;
            }
        }
        out.push(q.matmul(s.clone()));
    }
    Tensor::cat(out, 1)
}
