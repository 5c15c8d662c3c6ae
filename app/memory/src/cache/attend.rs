//! Causal softmax attention token by token, over what a policy keeps.
//!
//! At step t the token's key and value join the cache in the policy's form, the query reads what is held, and then the
//! policy says what goes. What has gone never comes back.

use rayon::prelude::*;

use super::policy::{Parts, Step};
use super::row::Row;
use crate::bias::softmax_in_place;
use crate::matrix::dot;

/// Sizes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Sequences.
    pub rows: usize,
    /// Heads of the layer.
    pub heads: usize,
    /// Tokens of a sequence, T.
    pub steps: usize,
    /// Entries of a key.
    pub d_k: usize,
    /// Entries of a value.
    pub d_v: usize,
}

impl Shape {
    /// Sequences times heads; a lane is one head of one sequence, heads running fastest.
    pub fn lanes(&self) -> usize {
        self.rows * self.heads
    }
}

/// One layer's attention over some sequences. Row-major.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Which layer, from 0.
    pub layer: usize,
    /// Sizes.
    pub shape: Shape,
    /// s in exp(s q.k) γ^age, of which a softmax weight is a share.
    pub scale: f32,
    /// γ; 1 knows no age.
    pub decay: f32,
    /// Queries `[lanes, T, d_k]`.
    pub q: &'a [f32],
    /// Keys `[lanes, T, d_k]`.
    pub k: &'a [f32],
    /// Values `[lanes, T, d_v]`.
    pub v: &'a [f32],
    /// What the layer's projections saw of each token `[rows, T, width]`, for policies that judge a token by itself; may
    /// be empty, and then they see its keys and values of all heads.
    pub hidden: &'a [f32],
    /// First token of each row, before which it has fillers that no policy sees and that read nothing; empty where there are none.
    pub starts: &'a [usize],
}

impl Call<'_> {
    /// The logit of a query and a key that is `age` tokens older.
    pub(super) fn logit(&self, query: &[f32], key: &[f32], age: usize) -> f32 {
        // Without decay no age is looked at: 0 times an infinite logarithm would be no number.
        self.scale * dot(query, key) + if self.decay < 1.0 { age as f32 * self.decay.ln() } else { 0.0 }
    }

    /// The first token of a row that is not a filler.
    pub(super) fn start(&self, row: usize) -> usize {
        self.starts.get(row).copied().unwrap_or(0)
    }
}

/// What a call under a policy gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Attended {
    /// Read-outs `[lanes, T, d_v]`.
    pub out: Vec<f32>,
    /// Per token `[lanes, T]` the step at whose end it was dropped; T where it stayed, 0 for a filler.
    pub until: Vec<u32>,
    /// Bytes held after each step `[rows, T]`, all heads together: keys, values and what the policy remembers of them.
    pub bytes: Vec<u32>,
}

impl Attended {
    /// Whether the token at `position` was still held after step `t` (`position` <= `t`), for a strip.
    pub fn holds(&self, steps: usize, lane: usize, position: usize, t: usize) -> bool {
        position <= t && self.until[lane * steps + position] as usize > t
    }

    /// Most bytes that a sequence held after any step.
    pub fn most_bytes(&self) -> u32 {
        self.bytes.iter().copied().max().unwrap_or(0)
    }
}

/// The rows of `call` side by side, each under its own policy.
pub(super) fn attend(call: &Call<'_>, policies: Vec<Parts>) -> Attended {
    let Shape { rows, heads, steps, d_v, .. } = call.shape;
    let each: Vec<Course> =
        policies.into_par_iter().enumerate().map(|(row, parts)| attend_row(call, row, parts)).collect();
    let mut attended = Attended {
        out: Vec::with_capacity(rows * heads * steps * d_v),
        until: Vec::with_capacity(rows * heads * steps),
        bytes: Vec::with_capacity(rows * steps),
    };
    for row in each {
        attended.out.extend(row.out);
        attended.until.extend(row.until);
        attended.bytes.extend(row.bytes);
    }
    attended
}

/// [`Attended`] of one sequence.
struct Course {
    out: Vec<f32>,
    until: Vec<u32>,
    bytes: Vec<u32>,
}

fn attend_row(call: &Call<'_>, index: usize, mut parts: Parts) -> Course {
    let Shape { heads, steps: all, d_k, d_v, .. } = call.shape;
    let start = call.start(index);
    let row = Row::of(call, index);
    let (mut keys, mut values) = (row.k.clone(), row.v.clone());
    let width = row.width();

    let mut out = vec![0.0; heads * all * d_v];
    let mut until = vec![0; heads * all];
    let mut bytes = vec![0; start];
    // Bytes of each token's keys and values of all heads, as the codec counts them.
    let mut sizes = Vec::with_capacity(row.steps);
    let mut held: Vec<Vec<usize>> = vec![Vec::with_capacity(row.steps); heads];
    let mut weights: Vec<Vec<f32>> = vec![Vec::with_capacity(row.steps); heads];
    for t in 0..row.steps {
        let key = &mut keys[t * heads * d_k..][..heads * d_k];
        let value = &mut values[t * heads * d_v..][..heads * d_v];
        sizes.push(parts.codec.store(t, key, value));
        for (head, (held, weights)) in held.iter_mut().zip(&mut weights).enumerate() {
            held.push(t);
            until[head * all + start + t] = all as u32;
            weights.clear();
            weights.extend(held.iter().map(|&i| row.logit(head, t, &keys, i)));
            softmax_in_place(weights);
            let out = &mut out[(head * all + start + t) * d_v..][..d_v];
            for (i, weight) in held.iter().zip(weights.iter()) {
                for (sum, x) in out.iter_mut().zip(&values[(i * heads + head) * d_v..][..d_v]) {
                    *sum += weight * x;
                }
            }
        }
        let hidden = &row.hidden[t * width..][..width];
        let step = Step { layer: call.layer, row: index, t, held: &held, weights: &weights, hidden };
        if let Some(kept) = parts.eviction.held(&step) {
            for (head, (before, after)) in held.iter_mut().zip(kept).enumerate() {
                for i in before.iter().filter(|i| after.binary_search(i).is_err()) {
                    until[head * all + start + i] = (start + t) as u32;
                }
                *before = after;
            }
        }
        for (i, bits) in parts.eviction.recoded(t) {
            let key = &mut keys[i * heads * d_k..][..heads * d_k];
            key.copy_from_slice(&row.k[i * heads * d_k..][..heads * d_k]);
            let value = &mut values[i * heads * d_v..][..heads * d_v];
            value.copy_from_slice(&row.v[i * heads * d_v..][..heads * d_v]);
            sizes[i] = parts.codec.recode(bits, key, value);
        }
        // A head's part of a token is one of `heads` equal parts.
        let stored: usize = held.iter().flatten().map(|&i| sizes[i]).sum();
        bytes.push((stored.div_ceil(heads) + parts.eviction.bytes(&held)) as u32);
    }
    Course { out, until, bytes }
}
