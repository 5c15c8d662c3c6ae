//! Goes through the steps of all lanes, there and back, whatever a step does.
//!
//! The loop over steps is compiled for each instruction set that a processor may have and picked while running: that
//! is what [`WithSimd`] is for. It takes in only what is inlined by force.
#![allow(clippy::inline_always)]

use macerator::{AutoArch, Simd, WithSimd};
use rayon::prelude::*;

use super::inputs::GradientsMut;
use super::tile::{self, Tile, Vector, ZERO, numbers, vectors, vectors_mut};
use super::{Forward, Gradients, Inputs, Shape, Trace};

/// A step that was taken.
pub(super) struct Taken<'a, S: Simd> {
    /// The state before it.
    pub before: &'a [Vector<S>],
    /// The state after it.
    pub after: &'a [Vector<S>],
    /// What it kept for the way back.
    pub kept: &'a [Vector<S>],
    /// The gradient by what it recalled.
    pub d_out: &'a [Vector<S>],
}

/// A rule that takes a state one step on, and the gradient one step back. `Inputs` are those of one step.
pub(super) trait Recurrence: Sync {
    /// What a step needs beside the states, so that it allocates nothing.
    type Scratch;

    /// Scratch for any step.
    fn scratch(&self) -> Self::Scratch;

    /// Tiles of a state; the transpose of S is the first of them.
    fn size(&self) -> usize;

    /// Tiles that a step keeps for the way back.
    fn kept(&self) -> usize;

    /// The state before the first step.
    fn start(&self, state: &mut [Tile]);

    /// Takes the state one step on: what is kept for the way back, and what the step's query recalls. Both may hold
    /// an earlier step's.
    fn advance<S: Simd>(
        &self,
        x: &Inputs<'_>,
        state: &mut [Vector<S>],
        kept: &mut [Vector<S>],
        out: &mut [Vector<S>],
        scratch: &mut Self::Scratch,
    );

    /// The same step once more, from what was kept.
    fn again<S: Simd>(
        &self,
        x: &Inputs<'_>,
        before: &[Vector<S>],
        after: &mut [Vector<S>],
        kept: &[Vector<S>],
        scratch: &mut Self::Scratch,
    );

    /// Turns the gradient by the state after into that by the state before, and writes those by the step's inputs.
    fn retreat<S: Simd>(
        &self,
        x: &Inputs<'_>,
        taken: Taken<'_, S>,
        d_state: &mut [Vector<S>],
        d_x: &mut GradientsMut<'_>,
        scratch: &mut Self::Scratch,
    );
}

/// One lane there.
struct There<'a, R: Recurrence> {
    rule: &'a R,
    shape: Shape,
    lane: Inputs<'a>,
    state: &'a mut [Tile],
    recalled: &'a mut [Tile],
    scratch: &'a mut R::Scratch,
    out: &'a mut [f32],
    borders: &'a mut [Tile],
    kept: &'a mut [Tile],
}

impl<R: Recurrence> WithSimd for There<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Self { rule, shape, lane, state, recalled, scratch, out, borders, kept } = self;
        rule.start(state);
        let mut borders = borders.chunks_exact_mut(rule.size());
        let steps = out.chunks_exact_mut(shape.d_v).zip(kept.chunks_exact_mut(rule.kept()));
        for (t, (out, kept)) in steps.enumerate() {
            if t % shape.chunk() == 0
                && let Some(border) = borders.next()
            {
                border.copy_from_slice(state);
            }
            let (state, kept) = (vectors_mut::<S>(state), vectors_mut(kept));
            rule.advance(&lane.step(shape, t), state, kept, vectors_mut(recalled), scratch);
            out.copy_from_slice(&numbers(recalled)[..shape.d_v]);
        }
    }
}

/// All lanes side by side; the inputs are checked.
pub(super) fn forward<R: Recurrence>(rule: &R, shape: Shape, inputs: &Inputs<'_>) -> Forward {
    let (size, width, steps) = (rule.size(), rule.kept(), shape.steps);
    let mut out = vec![0.0; shape.lanes * steps * shape.d_v];
    let mut borders = vec![ZERO; shape.lanes * shape.chunks() * size];
    let mut kept = vec![ZERO; shape.lanes * steps * width];
    if out.is_empty() {
        return Forward { out, trace: Trace::Cpu { borders, kept } };
    }
    let begin = || (rule.scratch(), vec![ZERO; size], vec![ZERO; tile::count(shape.d_v)]);
    out.par_chunks_mut(steps * shape.d_v)
        .zip(borders.par_chunks_mut(shape.chunks() * size))
        .zip(kept.par_chunks_mut(steps * width))
        .enumerate()
        .for_each_init(begin, |(scratch, state, recalled), (lane, ((out, borders), kept))| {
            let lane = inputs.lane(shape.lanes, lane);
            AutoArch::new().dispatch(There { rule, shape, lane, state, recalled, scratch, out, borders, kept });
        });
    Forward { out, trace: Trace::Cpu { borders, kept } }
}

/// One lane back.
struct Back<'a, R: Recurrence> {
    rule: &'a R,
    shape: Shape,
    lane: Inputs<'a>,
    borders: &'a [Tile],
    kept: &'a [Tile],
    d_out: &'a [f32],
    states: &'a mut [Tile],
    d_state: &'a mut [Tile],
    d_recalled: &'a mut [Tile],
    scratch: &'a mut R::Scratch,
    d_lane: GradientsMut<'a>,
}

impl<R: Recurrence> WithSimd for Back<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Self { rule, shape, lane, borders, kept, d_out, states, d_state, d_recalled, scratch, mut d_lane } = self;
        let (size, width, steps) = (rule.size(), rule.kept(), shape.steps);
        d_state.fill(ZERO);
        for (c, border) in borders.chunks_exact(size).enumerate().rev() {
            let first = c * shape.chunk();
            let last = (first + shape.chunk()).min(steps);
            states[..size].copy_from_slice(border);
            for t in first..last {
                let (before, after) = states[(t - first) * size..][..2 * size].split_at_mut(size);
                let kept = vectors(&kept[t * width..][..width]);
                rule.again::<S>(&lane.step(shape, t), vectors(before), vectors_mut(after), kept, scratch);
            }
            for t in (first..last).rev() {
                let (before, after) = states[(t - first) * size..][..2 * size].split_at(size);
                tile::fill(d_recalled, &d_out[t * shape.d_v..][..shape.d_v]);
                let taken = Taken::<S> {
                    before: vectors(before),
                    after: vectors(after),
                    kept: vectors(&kept[t * width..][..width]),
                    d_out: vectors(d_recalled),
                };
                let (d_state, mut d_x) = (vectors_mut(d_state), d_lane.step(shape, t));
                rule.retreat(&lane.step(shape, t), taken, d_state, &mut d_x, scratch);
            }
        }
    }
}

/// The gradients by all inputs.
pub(super) fn backward<R: Recurrence>(
    rule: &R,
    shape: Shape,
    inputs: &Inputs<'_>,
    forward: &Forward,
    d_out: &[f32],
) -> Gradients {
    let (size, width, steps) = (rule.size(), rule.kept(), shape.steps);
    let all = shape.lanes * steps * shape.d_v;
    // What another device found is not here: once more.
    let again;
    let trace = match &forward.trace {
        Trace::Gpu(_) => {
            again = self::forward(rule, shape, inputs);
            &again.trace
        }
        Trace::Cpu { .. } => &forward.trace,
    };
    let Trace::Cpu { borders, kept } = trace else {
        return Gradients::zeros(inputs);
    };
    let fits = borders.len() == shape.lanes * shape.chunks() * size && kept.len() == shape.lanes * steps * width;
    assert!(fits, "scan: what was computed forward belongs to another scan");
    let mut gradients = Gradients::zeros(inputs);
    if all == 0 {
        return gradients;
    }
    let begin = || {
        let states = vec![ZERO; (shape.chunk().min(steps) + 1) * size];
        (rule.scratch(), states, vec![ZERO; size], vec![ZERO; tile::count(shape.d_v)])
    };
    let borders = borders.par_chunks(shape.chunks() * size);
    let given = borders.zip(kept.par_chunks(steps * width)).zip(d_out.par_chunks(steps * shape.d_v));
    gradients.lanes(shape.lanes).into_par_iter().zip(given).enumerate().for_each_init(
        begin,
        |(scratch, states, d_state, d_recalled), (lane, (d_lane, ((borders, kept), d_out)))| {
            let lane = inputs.lane(shape.lanes, lane);
            AutoArch::new().dispatch(Back {
                rule,
                shape,
                lane,
                borders,
                kept,
                d_out,
                states,
                d_state,
                d_recalled,
                scratch,
                d_lane,
            });
        },
    );
    gradients
}

/// S of one lane after so many steps.
pub(super) fn state<R: Recurrence>(rule: &R, shape: Shape, inputs: &Inputs<'_>, lane: usize, steps: usize) -> Vec<f32> {
    assert!(lane < shape.lanes, "scan: there is no lane {lane} among {}", shape.lanes);
    let steps = steps.min(shape.steps);
    let width = tile::count(shape.d_v);
    let mut state = vec![ZERO; rule.size()];
    AutoArch::new().dispatch(There {
        rule,
        shape,
        lane: inputs.lane(shape.lanes, lane),
        state: &mut state,
        recalled: &mut vec![ZERO; width],
        scratch: &mut rule.scratch(),
        out: &mut vec![0.0; steps * shape.d_v],
        borders: &mut [],
        kept: &mut vec![ZERO; steps * rule.kept()],
    });
    let columns = numbers(&state[..width * shape.d_k]);
    (0..shape.d_v).flat_map(|i| columns.iter().skip(i).step_by(width * tile::WIDTH)).copied().collect()
}
