//! One sequence of a call, its tokens in order and its fillers left out.

use super::attend::{Call, Shape};
use crate::bias::softmax_in_place;

/// A sequence as the policies see it. Arrays by token: `[T, H, d]`.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    /// Heads.
    pub heads: usize,
    /// Tokens, fillers left out.
    pub steps: usize,
    /// Entries of a key.
    pub d_k: usize,
    /// Queries.
    pub q: Vec<f32>,
    /// Keys.
    pub k: Vec<f32>,
    /// Values.
    pub v: Vec<f32>,
    /// What the layer saw of each token `[T, width]`: the hidden vectors if given, else keys and values.
    pub hidden: Vec<f32>,
    call: Call<'a>,
}

impl<'a> Row<'a> {
    /// The call's sequence number `row`.
    pub(super) fn of(call: &Call<'a>, row: usize) -> Self {
        let Shape { rows, heads, steps: all, d_k, d_v } = call.shape;
        let start = call.start(row);
        let by_token = |array: &[f32], d: usize| {
            let lane = |t: usize, head: usize| &array[((row * heads + head) * all + t) * d..][..d];
            (start..all).flat_map(|t| (0..heads).flat_map(move |head| lane(t, head))).copied().collect::<Vec<f32>>()
        };
        let (k, v) = (by_token(call.k, d_k), by_token(call.v, d_v));
        let hidden = if call.hidden.is_empty() {
            let pairs = k.chunks_exact(heads * d_k).zip(v.chunks_exact(heads * d_v));
            pairs.flat_map(|(key, value)| key.iter().chain(value).copied()).collect()
        } else {
            let width = call.hidden.len() / (rows * all);
            call.hidden[(row * all + start) * width..(row + 1) * all * width].to_vec()
        };
        Self { heads, steps: all - start, d_k, q: by_token(call.q, d_k), k, v, hidden, call: *call }
    }

    /// Numbers in what the layer saw of a token.
    pub(super) fn width(&self) -> usize {
        self.hidden.len() / self.steps
    }

    /// The logit of the token at `t` with the key at `i` of `keys` `[T, H, d_k]`.
    pub(super) fn logit(&self, head: usize, t: usize, keys: &[f32], i: usize) -> f32 {
        let at = |array, position: usize| key(array, position * self.heads + head, self.d_k);
        self.call.logit(at(&self.q, t), at(keys, i), t - i)
    }

    /// The logits of one head for i <= t, `[T, T]`; 0 beyond the diagonal.
    pub(super) fn logits(&self, head: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.steps * self.steps];
        for (t, row) in out.chunks_exact_mut(self.steps).enumerate() {
            for (i, logit) in row[..=t].iter_mut().enumerate() {
                *logit = self.logit(head, t, &self.k, i);
            }
        }
        out
    }

    /// Full causal attention of one head, `[T, T]`; 0 beyond the diagonal.
    pub(super) fn attention(&self, head: usize) -> Vec<f32> {
        let mut rows = self.logits(head);
        for (t, row) in rows.chunks_exact_mut(self.steps).enumerate() {
            softmax_in_place(&mut row[..=t]);
        }
        rows
    }
}

fn key(array: &[f32], index: usize, d: usize) -> &[f32] {
    &array[index * d..][..d]
}
