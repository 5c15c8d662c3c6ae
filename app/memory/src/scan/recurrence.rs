//! Goes through the steps of all lanes, there and back, whatever a step does.

use rayon::prelude::*;

use super::inputs::{GradientsMut, Takes};
use super::{Gradients, Inputs, Shape};

/// A step that was taken.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    /// The state before it.
    pub before: &'a [f32],
    /// The state after it.
    pub after: &'a [f32],
    /// What it kept for the way back.
    pub kept: &'a [f32],
}

/// A rule that takes a state one step on, and the gradient one step back. `Inputs` are those of one step.
pub(super) trait Recurrence: Sync {
    /// What a step needs beside the states, so that it allocates nothing.
    type Scratch;

    /// Scratch for any step.
    fn scratch(&self) -> Self::Scratch;

    /// What it takes.
    fn takes(&self) -> Takes;

    /// Numbers in a state; S is the first of them.
    fn size(&self) -> usize;

    /// Numbers that a step keeps for the way back.
    fn kept(&self) -> usize;

    /// The state before the first step.
    fn start(&self, state: &mut [f32]);

    /// From the state before to the state after, and what is kept for the way back.
    fn advance(&self, x: &Inputs<'_>, before: &[f32], after: &mut [f32], kept: &mut [f32], scratch: &mut Self::Scratch);

    /// What the step's query recalls, `[d_v]`.
    fn recall(&self, x: &Inputs<'_>, after: &[f32], out: &mut [f32]);

    /// Turns the gradient by the state after into that by the state before, and writes those by the step's inputs,
    /// which are zeros until then.
    fn retreat(
        &self,
        x: &Inputs<'_>,
        taken: Taken<'_>,
        d_out: &[f32],
        d_state: &mut [f32],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Self::Scratch,
    );
}

/// The output and the state before each chunk, `[lanes, chunks, state]`.
pub(super) fn forward<R: Recurrence>(rule: &R, shape: Shape, inputs: &Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
    inputs.check(shape, rule.takes());
    let (size, chunk) = (rule.size(), shape.chunk());
    let mut out = vec![0.0; shape.lanes * shape.steps * shape.d_v];
    let mut borders = vec![0.0; shape.lanes * shape.chunks() * size];
    if out.is_empty() {
        return (out, borders);
    }
    let begin = || (rule.scratch(), vec![0.0; size], vec![0.0; size], vec![0.0; rule.kept()]);
    out.par_chunks_mut(shape.steps * shape.d_v)
        .zip(borders.par_chunks_mut(shape.chunks() * size))
        .enumerate()
        .for_each_init(begin, |(scratch, before, after, kept), (lane, (out, borders))| {
            let lane = inputs.lane(shape.lanes, lane);
            rule.start(before);
            for (t, out) in out.chunks_exact_mut(shape.d_v).enumerate() {
                if t % chunk == 0 {
                    borders[t / chunk * size..][..size].copy_from_slice(before);
                }
                let x = lane.step(shape.steps, t);
                rule.advance(&x, before, after, kept, scratch);
                rule.recall(&x, after, out);
                std::mem::swap(before, after);
            }
        });
    (out, borders)
}

/// The gradients by all inputs.
pub(super) fn backward<R: Recurrence>(
    rule: &R,
    shape: Shape,
    inputs: &Inputs<'_>,
    borders: &[f32],
    d_out: &[f32],
) -> Gradients {
    inputs.check(shape, rule.takes());
    let (size, chunk, width) = (rule.size(), shape.chunk().min(shape.steps), rule.kept());
    let all = shape.lanes * shape.steps * shape.d_v;
    assert_eq!(d_out.len(), all, "scan: the gradient by the output has not its length");
    let states = shape.lanes * shape.chunks() * size;
    assert_eq!(borders.len(), states, "scan: what was computed forward belongs to another scan");
    let mut gradients = Gradients::zeros(inputs);
    if all == 0 {
        return gradients;
    }
    let begin = || (rule.scratch(), vec![0.0; (chunk + 1) * size], vec![0.0; chunk * width], vec![0.0; size]);
    gradients.lanes(shape.lanes).into_par_iter().enumerate().for_each_init(
        begin,
        |(scratch, states, kept, d_state), (index, mut d_lane)| {
            let lane = inputs.lane(shape.lanes, index);
            let d_out = &d_out[index * shape.steps * shape.d_v..][..shape.steps * shape.d_v];
            d_state.fill(0.0);
            for c in (0..shape.chunks()).rev() {
                let steps = c * chunk..((c + 1) * chunk).min(shape.steps);
                states[..size].copy_from_slice(&borders[(index * shape.chunks() + c) * size..][..size]);
                for t in steps.clone() {
                    let (before, after) = pair(states, t - steps.start, size);
                    let kept = &mut kept[(t - steps.start) * width..][..width];
                    rule.advance(&lane.step(shape.steps, t), before, after, kept, scratch);
                }
                for t in steps.clone().rev() {
                    let (before, after) = pair(states, t - steps.start, size);
                    rule.retreat(
                        &lane.step(shape.steps, t),
                        Taken { before, after, kept: &kept[(t - steps.start) * width..][..width] },
                        &d_out[t * shape.d_v..][..shape.d_v],
                        d_state,
                        &mut d_lane.step(shape.steps, t),
                        scratch,
                    );
                }
            }
        },
    );
    gradients
}

/// S of one lane after so many steps.
pub(super) fn state<R: Recurrence>(rule: &R, shape: Shape, inputs: &Inputs<'_>, lane: usize, steps: usize) -> Vec<f32> {
    inputs.check(shape, rule.takes());
    assert!(lane < shape.lanes, "scan: there is no lane {lane} among {}", shape.lanes);
    let lane = inputs.lane(shape.lanes, lane);
    let mut scratch = rule.scratch();
    let [mut before, mut after] = [vec![0.0; rule.size()], vec![0.0; rule.size()]];
    let mut kept = vec![0.0; rule.kept()];
    rule.start(&mut before);
    for t in 0..steps.min(shape.steps) {
        rule.advance(&lane.step(shape.steps, t), &before, &mut after, &mut kept, &mut scratch);
        std::mem::swap(&mut before, &mut after);
    }
    before.truncate(shape.d_v * shape.d_k);
    before
}

/// States number `i` and `i + 1`.
fn pair(states: &mut [f32], i: usize, size: usize) -> (&[f32], &mut [f32]) {
    let (before, after) = states[i * size..][..2 * size].split_at_mut(size);
    (before, after)
}
