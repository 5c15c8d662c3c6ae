//! The recurrences once more, in f64, matrix by matrix as the papers print them; nothing is shared with the scans.

use super::super::{Bias, Form};
use super::Drawn;

type Matrix = Vec<Vec<f64>>;

pub struct Run {
    /// `[lanes, steps, d_v]`.
    pub out: Vec<f64>,
    /// S row by row, of each lane, before the first step and after each.
    pub states: Vec<Vec<Vec<f64>>>,
}

/// The inputs in f64, in the order of [`Drawn::parts`].
fn widened(drawn: &mut Drawn) -> [Vec<f64>; 6] {
    drawn.parts().map(|(_, part)| part.iter().map(|x| f64::from(*x)).collect())
}

/// <out, d_out> with one input number moved.
pub fn loss(form: Form, drawn: &mut Drawn, part: usize, index: usize, by: f64) -> f64 {
    let mut inputs = widened(drawn);
    inputs[part][index] += by;
    follow(form, drawn, &inputs).out.iter().zip(&drawn.d_out).map(|(out, d)| out * f64::from(*d)).sum()
}

pub fn run(form: Form, drawn: &Drawn) -> Run {
    let Drawn { q, k, v, strength, retention, momentum, .. } = drawn;
    let inputs = [q, k, v, strength, retention, momentum].map(|part| part.iter().map(|x| f64::from(*x)).collect());
    follow(form, drawn, &inputs)
}

fn follow(form: Form, drawn: &Drawn, inputs: &[Vec<f64>; 6]) -> Run {
    let shape = drawn.shape;
    let (rows, columns) = (shape.d_v, shape.d_k);
    let [q, k, v, strength, retention, momentum] = inputs;
    let mut run = Run { out: Vec::new(), states: Vec::new() };
    for lane in 0..shape.lanes {
        let mut s = zeros(rows, columns);
        let mut m = zeros(rows, columns);
        let mut states = vec![s.concat()];
        // Of the regression: the weighted sums of k k^T, the ridge with them, and of v k^T.
        let mut keys = zeros(columns, columns);
        let mut pairs = zeros(rows, columns);
        if let Form::LeastSquares { ridge } = form {
            for i in 0..columns {
                keys[i][i] = f64::from(ridge);
            }
        }
        for t in 0..shape.steps {
            let at = lane * shape.steps + t;
            let (q, k, v) = (&q[at * columns..][..columns], &k[at * columns..][..columns], &v[at * rows..][..rows]);
            let retained = |j: usize| match retention.len() / (shape.lanes * shape.steps) {
                0 => 1.0,
                1 => retention[at],
                _ => retention[at * columns + j],
            };
            let decayed: Matrix =
                s.iter().map(|row| row.iter().enumerate().map(|(j, x)| x * retained(j)).collect()).collect();
            match form {
                Form::Several { bias, steps } => {
                    s = decayed;
                    for _ in 0..steps {
                        let g = gradient(bias, &times(&s, k), v);
                        for i in 0..rows {
                            (0..columns).for_each(|j| s[i][j] -= strength[at] * g[i] * k[j]);
                        }
                    }
                }
                Form::Gradient { bias, error_at_decayed, momentum: has_momentum } => {
                    let g = gradient(bias, &times(if error_at_decayed { &decayed } else { &s }, k), v);
                    for i in 0..rows {
                        for j in 0..columns {
                            let write = -strength[at] * g[i] * k[j];
                            m[i][j] = if has_momentum { momentum[at] * m[i][j] } else { 0.0 } + write;
                            s[i][j] = decayed[i][j] + m[i][j];
                        }
                    }
                }
                // Not recursively: the normal equations of all pairs so far, solved anew at each step.
                Form::LeastSquares { .. } => {
                    for j in 0..columns {
                        for i in 0..columns {
                            keys[i][j] = retained(0) * keys[i][j] + strength[at] * k[i] * k[j];
                        }
                        for i in 0..rows {
                            pairs[i][j] = retained(0) * pairs[i][j] + strength[at] * v[i] * k[j];
                        }
                    }
                    s = pairs.iter().map(|row| solve(&keys, row)).collect();
                }
            }
            states.push(s.concat());
            let read = times(&s, q);
            run.out.extend(if form.bias() == Some(Bias::Kl) { softmax(&read) } else { read });
        }
        run.states.push(states);
    }
    run
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|x| x.exp()).sum();
    logits.iter().map(|x| x.exp() / sum).collect()
}

fn gradient(bias: Bias, answer: &[f64], v: &[f64]) -> Vec<f64> {
    let error: Vec<f64> = answer.iter().zip(v).map(|(y, v)| y - v).collect();
    match bias {
        Bias::Kl => softmax(answer).iter().zip(v).map(|(p, v)| p - v).collect(),
        Bias::Dot => v.iter().map(|v| -v).collect(),
        Bias::Squared => error,
        Bias::Lp { p } => {
            let p = f64::from(p);
            error.iter().map(|e| p * (10.0 * e).tanh() * (e * e + 1e-6).sqrt().powf(p - 1.0)).collect()
        }
        Bias::Huber { delta } => {
            let length = error.iter().map(|e| e * e).sum::<f64>().sqrt();
            let delta = f64::from(delta);
            if length <= delta { error } else { error.iter().map(|e| delta * e / length).collect() }
        }
    }
}

fn zeros(rows: usize, columns: usize) -> Matrix {
    vec![vec![0.0; columns]; rows]
}

fn times(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

/// x with `matrix` x = `right`, the matrix symmetric and positive definite: Gauss elimination without pivots.
fn solve(matrix: &Matrix, right: &[f64]) -> Vec<f64> {
    let n = right.len();
    let mut rows: Matrix = matrix.iter().zip(right).map(|(row, b)| row.iter().copied().chain([*b]).collect()).collect();
    for i in 0..n {
        for below in i + 1..n {
            let factor = rows[below][i] / rows[i][i];
            for j in i..=n {
                rows[below][j] -= factor * rows[i][j];
            }
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * x[j]).sum();
        x[i] = (rows[i][n] - known) / rows[i][i];
    }
    x
}
