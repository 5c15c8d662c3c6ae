//! How a retention gate is trained: read as full attention does, and hold no more than the budget.
//!
//! In each head, with l_ti the logit and β_i the token's factor, the student's logit is β_i^(t−i) l_ti (multiplicative)
//! or l_ti + (t−i) log β_i (additive). The loss is the mean over queries t of
//! KL(softmax l_t ‖ softmax student_t) + λ max(0, Σ_{i≤t} β_i^(t−i) − M) / M.
//!
//! Its gradient: by the student's logit s_ti, p_ti − a_ti (p the student's weight, a the teacher's); by log β_i, times
//! (t−i) β_i^(t−i) l_ti or (t−i), and λ (t−i) β_i^(t−i) / M where the sum is above M; by u_i = logit β_i, times
//! 1 − β_i; the rest is the network's.
//!
//! Lab form: the paper compares the whole model's outputs and trains all gates through it; here each layer's attention
//! rows are compared, so that no gradient has to pass through the frozen model. The part for capacity is divided by M
//! (the paper's normalisation was not at hand).

use std::f64::consts::E;

use rayon::prelude::*;

use super::super::Policy;
use super::super::attend::Call;
use super::super::row::Row;
use super::{Gate, HIDDEN, capacity};

/// Step size of Adam (Kingma and Ba 2015; their other constants), the lab's.
const RATE: f64 = 0.02;

/// Sequences of one training step.
const BATCH: usize = 8;

/// How fading enters the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Multiplicative,
    Additive,
}

/// What a sequence must be read like, and how much may be held.
#[derive(Debug, Clone, Copy)]
struct Objective {
    form: Form,
    /// M, tokens.
    capacity: f64,
    /// λ.
    weight: f64,
}

impl Objective {
    /// The loss of one head over one sequence with logits `[T, T]`, and its gradient by every token's log β.
    fn lane(&self, logits: &[f32], log_beta: &[f64]) -> (f64, Vec<f64>) {
        let steps = log_beta.len();
        let mut loss = 0.0;
        let mut gradient = vec![0.0; steps];
        for (t, row) in logits.chunks_exact(steps).enumerate() {
            let teacher: Vec<f64> = row[..=t].iter().map(|logit| f64::from(*logit)).collect();
            let kept: Vec<f64> = log_beta[..=t].iter().enumerate().map(|(i, b)| ((t - i) as f64 * b).exp()).collect();
            let student: Vec<f64> = teacher
                .iter()
                .enumerate()
                .map(|(i, logit)| match self.form {
                    Form::Multiplicative => kept[i] * logit,
                    Form::Additive => logit + (t - i) as f64 * log_beta[i],
                })
                .collect();
            let (a, p) = (log_softmax(&teacher), log_softmax(&student));
            let held: f64 = kept.iter().sum();
            loss += (held - self.capacity).max(0.0) / self.capacity * self.weight;
            for i in 0..=t {
                let age = (t - i) as f64;
                loss += a[i].exp() * (a[i] - p[i]);
                let by_log_beta = match self.form {
                    Form::Multiplicative => age * kept[i] * teacher[i],
                    Form::Additive => age,
                };
                gradient[i] += (p[i].exp() - a[i].exp()) * by_log_beta;
                if held > self.capacity {
                    gradient[i] += self.weight * age * kept[i] / self.capacity;
                }
            }
        }
        for part in &mut gradient {
            *part /= steps as f64;
        }
        (loss / steps as f64, gradient)
    }
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    logits.iter().map(|logit| logit - largest - sum.log(E)).collect()
}

/// A sequence as the gate and its teacher see it.
#[derive(Debug)]
struct Sample {
    /// What the layer saw of each token, scaled `[T][width]`.
    inputs: Vec<Vec<f64>>,
    /// Each head's logits `[T, T]`.
    logits: Vec<Vec<f32>>,
}

impl Gate {
    /// The mean loss of `samples`' heads, and its gradient by the parameters.
    fn loss(&self, objective: Objective, samples: &[&Sample]) -> (f64, Vec<f64>) {
        let lanes = (samples.len() * self.heads) as f64;
        let each: Vec<(f64, Vec<f64>)> = samples.par_iter().map(|sample| self.sample_loss(objective, sample)).collect();
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut loss = 0.0;
        // Added up in order, so that the sum does not depend on the number of threads.
        for (part, parts) in each {
            loss += part / lanes;
            for (sum, part) in gradient.iter_mut().zip(parts) {
                *sum += part / lanes;
            }
        }
        (loss, gradient)
    }

    /// The sum over heads, and its gradient.
    fn sample_loss(&self, objective: Objective, sample: &Sample) -> (f64, Vec<f64>) {
        let units: Vec<Vec<f64>> = sample.inputs.iter().map(|x| self.units(x)).collect();
        let outputs: Vec<Vec<f64>> = units.iter().map(|units| self.outputs(units)).collect();
        let (_, _, w2, _) = self.parts();
        let mut gradient = vec![0.0; self.parameters.len()];
        let (by_w1, rest) = gradient.split_at_mut(HIDDEN * self.width);
        let (by_b1, rest) = rest.split_at_mut(HIDDEN);
        let (by_w2, by_b) = rest.split_at_mut(HIDDEN * self.heads);
        let mut by_units = vec![vec![0.0; HIDDEN]; units.len()];
        let mut loss = 0.0;
        for (head, logits) in sample.logits.iter().enumerate() {
            let log_beta: Vec<f64> = outputs.iter().map(|u| super::log_sigmoid(u[head])).collect();
            let (part, by_log_beta) = objective.lane(logits, &log_beta);
            loss += part;
            for (i, by_log_beta) in by_log_beta.into_iter().enumerate() {
                let by_u = by_log_beta * (1.0 - log_beta[i].exp());
                by_b[head] += by_u;
                for unit in 0..HIDDEN {
                    by_w2[head * HIDDEN + unit] += by_u * units[i][unit];
                    by_units[i][unit] += by_u * w2[head * HIDDEN + unit];
                }
            }
        }
        for ((x, units), by_units) in sample.inputs.iter().zip(&units).zip(&by_units) {
            for unit in 0..HIDDEN {
                let by_sum = by_units[unit] * (1.0 - units[unit] * units[unit]);
                by_b1[unit] += by_sum;
                for (sum, x) in by_w1[unit * self.width..][..self.width].iter_mut().zip(x) {
                    *sum += by_sum * x;
                }
            }
        }
        (loss, gradient)
    }
}

/// The gate of `layer` after the policy's steps of Adam on the layer's `calls`.
pub(super) fn train(policy: &Policy, layer: usize, calls: &[Call<'_>]) -> Gate {
    let rows: Vec<Row<'_>> =
        calls.iter().flat_map(|call| (0..call.shape.rows).map(move |row| Row::of(call, row))).collect();
    let (width, heads) = (rows[0].width(), rows[0].heads);
    let seed = policy.whole("seed") as u64;
    let mut gate = Gate::new(width, heads, policy.real("bias"), seed, layer);
    gate.scaling = (0..width).map(|column| scaling(&rows, width, column)).collect();
    let samples: Vec<Sample> = rows
        .iter()
        .map(|row| Sample {
            inputs: row.hidden.chunks_exact(width).map(|x| gate.scaled(x)).collect(),
            logits: (0..heads).map(|head| row.logits(head)).collect(),
        })
        .collect();
    // The longest sequence's; shorter ones have room left.
    let steps = rows.iter().map(|row| row.steps).max().unwrap_or(0);
    let objective = Objective {
        form: if policy.text("form") == "additive" { Form::Additive } else { Form::Multiplicative },
        capacity: capacity(policy, steps),
        weight: policy.real("capacity"),
    };

    let mut moments = vec![(0.0f64, 0.0f64); gate.parameters.len()];
    for step in 0..policy.whole("steps") {
        let batch: Vec<&Sample> =
            (0..BATCH.min(samples.len())).map(|i| &samples[(step * BATCH + i) % samples.len()]).collect();
        let (_, gradient) = gate.loss(objective, &batch);
        let (first, second) = (1.0 - 0.9f64.powi(step as i32 + 1), 1.0 - 0.999f64.powi(step as i32 + 1));
        for ((weight, (m, v)), g) in gate.parameters.iter_mut().zip(&mut moments).zip(gradient) {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *weight -= RATE * (*m / first) / ((*v / second).sqrt() + 1e-8);
        }
    }
    gate
}

/// Mean and spread of one input over all samples' tokens.
fn scaling(rows: &[Row<'_>], width: usize, column: usize) -> (f64, f64) {
    let values = || rows.iter().flat_map(|row| row.hidden.chunks_exact(width)).map(|x| f64::from(x[column]));
    let count = values().count() as f64;
    let mean = values().sum::<f64>() / count;
    let spread = (values().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if spread > 0.0 { spread } else { 1.0 })
}

#[cfg(test)]
mod tests;
