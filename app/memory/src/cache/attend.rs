//! Causal softmax attention token by token, over what a policy keeps.
//!
//! At step t the token's key and value join the cache in the policy's form, the query reads what is held, and then the
//! policy says what goes. What has gone never comes back.

use rayon::prelude::*;

use super::policy::{Parts, Step};
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
    /// Factor on q.k before the softmax.
    pub scale: f32,
    /// Queries `[lanes, T, d_k]`.
    pub q: &'a [f32],
    /// Keys `[lanes, T, d_k]`.
    pub k: &'a [f32],
    /// Values `[lanes, T, d_v]`.
    pub v: &'a [f32],
    /// What the layer's projections saw of each token `[rows, T, width]`, for policies that judge a token by itself; may
    /// be empty, and then they see its keys and values of all heads.
    pub hidden: &'a [f32],
}

/// What a call under a policy gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Attended {
    /// Read-outs `[lanes, T, d_v]`.
    pub out: Vec<f32>,
    /// Per token `[lanes, T]` the step at whose end it was dropped; T where it stayed.
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

/// The softmax of `logits`, in place.
pub(super) fn softmax(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    for weight in logits {
        *weight /= sum;
    }
}

/// One array `[H, T, d]` of a row as `[T, H, d]`.
fn by_token(row: &[f32], heads: usize, steps: usize, d: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(row.len());
    for t in 0..steps {
        for head in 0..heads {
            out.extend_from_slice(&row[(head * steps + t) * d..][..d]);
        }
    }
    out
}

/// What the layer saw of each token of a row, `[T, width]`: the hidden vectors if given, else keys and values.
pub(super) fn seen(call: &Call<'_>, row: usize) -> Vec<f32> {
    let Shape { rows, heads, steps, d_k, d_v } = call.shape;
    if !call.hidden.is_empty() {
        let size = call.hidden.len() / rows;
        return call.hidden[row * size..][..size].to_vec();
    }
    let keys = by_token(&call.k[row * heads * steps * d_k..][..heads * steps * d_k], heads, steps, d_k);
    let values = by_token(&call.v[row * heads * steps * d_v..][..heads * steps * d_v], heads, steps, d_v);
    let pairs = keys.chunks_exact(heads * d_k).zip(values.chunks_exact(heads * d_v));
    pairs.flat_map(|(key, value)| key.iter().chain(value).copied()).collect()
}

/// The rows of `call` side by side, each with its own copy of the policy; `parts` gives the policy of a row.
pub(super) fn attend(call: &Call<'_>, parts: impl Fn(usize) -> Parts + Sync) -> Attended {
    let Shape { rows, heads, steps, d_v, .. } = call.shape;
    let each: Vec<Row> = (0..rows).into_par_iter().map(|row| attend_row(call, row, parts(row))).collect();
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
struct Row {
    out: Vec<f32>,
    until: Vec<u32>,
    bytes: Vec<u32>,
}

fn attend_row(call: &Call<'_>, row: usize, mut parts: Parts) -> Row {
    let Shape { heads, steps, d_k, d_v, .. } = call.shape;
    let q = &call.q[row * heads * steps * d_k..][..heads * steps * d_k];
    let mut keys = by_token(&call.k[row * heads * steps * d_k..][..heads * steps * d_k], heads, steps, d_k);
    let mut values = by_token(&call.v[row * heads * steps * d_v..][..heads * steps * d_v], heads, steps, d_v);
    // What a codec of several precisions goes back to.
    let (raw_keys, raw_values) = (keys.clone(), values.clone());
    let hidden = seen(call, row);
    let width = hidden.len() / steps;

    let mut out = vec![0.0; heads * steps * d_v];
    let mut until = vec![steps as u32; heads * steps];
    let mut bytes = Vec::with_capacity(steps);
    // Bytes of each token's keys and values of all heads, as the codec counts them.
    let mut sizes = Vec::with_capacity(steps);
    let mut held: Vec<Vec<usize>> = vec![Vec::with_capacity(steps); heads];
    let mut weights: Vec<Vec<f32>> = vec![Vec::with_capacity(steps); heads];
    for t in 0..steps {
        let key = &mut keys[t * heads * d_k..][..heads * d_k];
        let value = &mut values[t * heads * d_v..][..heads * d_v];
        sizes.push(parts.codec.store(t, key, value));
        for (head, (held, weights)) in held.iter_mut().zip(&mut weights).enumerate() {
            held.push(t);
            let query = &q[(head * steps + t) * d_k..][..d_k];
            weights.clear();
            weights.extend(held.iter().map(|i| call.scale * dot(query, &keys[(i * heads + head) * d_k..][..d_k])));
            softmax(weights);
            let out = &mut out[(head * steps + t) * d_v..][..d_v];
            for (i, weight) in held.iter().zip(weights.iter()) {
                for (sum, x) in out.iter_mut().zip(&values[(i * heads + head) * d_v..][..d_v]) {
                    *sum += weight * x;
                }
            }
        }
        let hidden = &hidden[t * width..][..width];
        let step = Step { layer: call.layer, row, t, held: &held, weights: &weights, hidden };
        if let Some(kept) = parts.eviction.held(&step) {
            for (head, (before, after)) in held.iter_mut().zip(kept).enumerate() {
                for i in before.iter().filter(|i| after.binary_search(i).is_err()) {
                    until[head * steps + i] = t as u32;
                }
                *before = after;
            }
        }
        for (i, bits) in parts.eviction.recoded(t) {
            let key = &mut keys[i * heads * d_k..][..heads * d_k];
            key.copy_from_slice(&raw_keys[i * heads * d_k..][..heads * d_k]);
            let value = &mut values[i * heads * d_v..][..heads * d_v];
            value.copy_from_slice(&raw_values[i * heads * d_v..][..heads * d_v]);
            sizes[i] = parts.codec.recode(bits, key, value);
        }
        // A head's part of a token is one of `heads` equal parts.
        let stored: usize = held.iter().flatten().map(|&i| sizes[i]).sum();
        bytes.push((stored.div_ceil(heads) + parts.eviction.bytes(&held)) as u32);
    }
    Row { out, until, bytes }
}
