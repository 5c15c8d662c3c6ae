//! What stands around the recurrences: several steps on each pair are a longer scan of single steps, and a memory with the
//! KL bias answers with the softmax of what it reads.

use super::{Bias, Form, Forward, Gradients, Inputs, Shape};
use crate::bias::softmax_in_place;

/// Runs `scan` and turns what it reads into answers.
pub(super) fn forward<E>(
    form: Form,
    shape: Shape,
    inputs: &Inputs<'_>,
    scan: impl FnOnce(Form, Shape, &Inputs<'_>) -> Result<Forward, E>,
) -> Result<Forward, E> {
    let mut found = if let Form::Several { bias, steps } = form {
        let repeated = Repeated::new(shape, inputs, steps);
        let mut found = scan(single(bias), repeated.shape, &repeated.inputs())?;
        found.out = repeated.last(&found.out);
        found
    } else {
        scan(form, shape, inputs)?
    };
    if form.answers_distributions() {
        found.out.chunks_exact_mut(shape.d_v).for_each(softmax_in_place);
    }
    Ok(found)
}

/// Runs `scan` on the gradient by what is read, and gathers the gradients by the inputs.
pub(super) fn backward<E>(
    form: Form,
    shape: Shape,
    inputs: &Inputs<'_>,
    forward: &Forward,
    d_out: &[f32],
    scan: impl FnOnce(Form, Shape, &Inputs<'_>, &[f32]) -> Result<Gradients, E>,
) -> Result<Gradients, E> {
    let all = shape.lanes * shape.steps * shape.d_v;
    assert_eq!(d_out.len(), all, "scan: the gradient by the output has not its length");
    let mut d_read = d_out.to_vec();
    if form.answers_distributions() {
        let rows = d_read.chunks_exact_mut(shape.d_v).zip(forward.out.chunks_exact(shape.d_v));
        rows.for_each(|(d, answer)| through_softmax(answer, d));
    }
    let Form::Several { bias, steps } = form else { return scan(form, shape, inputs, &d_read) };
    let repeated = Repeated::new(shape, inputs, steps);
    let found = scan(single(bias), repeated.shape, &repeated.inputs(), &repeated.spread(&d_read))?;
    Ok(repeated.gathered(&found))
}

/// S after `steps` steps.
pub(super) fn state(
    form: Form,
    shape: Shape,
    inputs: &Inputs<'_>,
    steps: usize,
    scan: impl FnOnce(Form, Shape, &Inputs<'_>, usize) -> Vec<f32>,
) -> Vec<f32> {
    let Form::Several { bias, steps: times } = form else { return scan(form, shape, inputs, steps) };
    let repeated = Repeated::new(shape, inputs, times);
    scan(single(bias), repeated.shape, &repeated.inputs(), steps.saturating_mul(repeated.times))
}

/// Beyond the first step nothing is forgotten, and the memory as it stands is the decayed one.
fn single(bias: Bias) -> Form {
    Form::Gradient { bias, error_at_decayed: true, momentum: false }
}

/// Turns the gradient by a softmax into that by its logits: p (d - p . d).
fn through_softmax(softmax: &[f32], d: &mut [f32]) {
    let along: f32 = softmax.iter().zip(&*d).map(|(p, d)| p * d).sum();
    d.iter_mut().zip(softmax).for_each(|(d, p)| *d = p * (*d - along));
}

/// Every step as often as there are steps on a pair. The first forgets, the last is asked.
struct Repeated {
    shape: Shape,
    times: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    strength: Vec<f32>,
    retention: Vec<f32>,
}

impl Repeated {
    fn new(shape: Shape, inputs: &Inputs<'_>, times: usize) -> Self {
        let times = times.max(1);
        let all = shape.lanes * shape.steps;
        let each = |values: &[f32]| rows(values, all, |row, to| (0..times).for_each(|_| to.extend(row)));
        let first_of = |row: &[f32], to: &mut Vec<f32>| {
            to.extend(row);
            to.extend(std::iter::repeat_n(1.0, (times - 1) * row.len()));
        };
        let [k, v, strength] = [inputs.k, inputs.v, inputs.strength].map(each);
        let retention = rows(inputs.retention, all, first_of);
        let mut repeated = Self {
            shape: Shape { steps: shape.steps * times, ..shape },
            times,
            q: Vec::new(),
            k,
            v,
            strength,
            retention,
        };
        repeated.q = repeated.spread(inputs.q);
        repeated
    }

    fn inputs(&self) -> Inputs<'_> {
        let Self { q, k, v, strength, retention, .. } = self;
        Inputs { q, k, v, strength, retention, momentum: &[] }
    }

    /// Rows of the last steps on each pair.
    fn last(&self, values: &[f32]) -> Vec<f32> {
        let kept = |row: &[f32], to: &mut Vec<f32>| to.extend(&row[row.len() / self.times * (self.times - 1)..]);
        rows(values, self.pairs(), kept)
    }

    /// Rows at the last steps on each pair, zeros at the others.
    fn spread(&self, values: &[f32]) -> Vec<f32> {
        rows(values, self.pairs(), |row, to| {
            to.extend(std::iter::repeat_n(0.0, (self.times - 1) * row.len()));
            to.extend(row);
        })
    }

    /// The gradients by a pair from those of its steps.
    fn gathered(&self, found: &Gradients) -> Gradients {
        let summed = |values: &[f32]| {
            rows(values, self.pairs(), |row, to| {
                let width = row.len() / self.times;
                to.extend((0..width).map(|j| row.iter().skip(j).step_by(width).sum::<f32>()));
            })
        };
        let first = |row: &[f32], to: &mut Vec<f32>| to.extend(&row[..row.len() / self.times]);
        Gradients {
            q: self.last(&found.q),
            k: summed(&found.k),
            v: summed(&found.v),
            strength: summed(&found.strength),
            retention: rows(&found.retention, self.pairs(), first),
            momentum: Vec::new(),
        }
    }

    fn pairs(&self) -> usize {
        self.shape.lanes * self.shape.steps / self.times
    }
}

/// What `each` makes of `count` equal rows; nothing of nothing.
fn rows(values: &[f32], count: usize, mut each: impl FnMut(&[f32], &mut Vec<f32>)) -> Vec<f32> {
    let mut all = Vec::new();
    if !values.is_empty() {
        values.chunks_exact(values.len() / count).for_each(|row| each(row, &mut all));
    }
    all
}
