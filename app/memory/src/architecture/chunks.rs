//! Hierarchical chunk attention (Lampinen et al. 2021, HCAM): pairs stand in chunks, a query first picks the chunks whose
//! mean key is nearest, attends within each of them, and mixes the answers by the chunks' relevance.
//!
//! Relevance r = b q·s of a chunk with mean key s; the k largest, w = softmax of them; o = Σ w attention(q; chunk).
//! Lab form: one head, the query asks chunks and pairs alike, and there are no positions; in the paper all are learned.

use crate::bias::softmax;
use crate::matrix::dot;
use crate::memory::{Image, Memory};

/// The chunks.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    pub(crate) d_k: usize,
    pub(crate) d_v: usize,
    /// Pairs of a chunk, and chunks that are asked.
    pub(crate) chunk: usize,
    pub(crate) most: usize,
    pub(crate) inverse_temperature: f32,
    pub(crate) sharpness: f32,
    /// `[n, d_k]`, `[n, d_v]`.
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

impl Chunks {
    /// The pairs that a query asks and the share of each.
    fn asked(&self, query: &[f32]) -> Vec<(usize, f32)> {
        let chunks = self.keys.chunks(self.chunk * self.d_k);
        let relevance = |keys: &[f32]| {
            let pairs = (keys.len() / self.d_k) as f32;
            keys.chunks_exact(self.d_k).map(|key| dot(query, key)).sum::<f32>() / pairs
        };
        let mut chosen: Vec<(usize, f32)> = chunks.map(relevance).enumerate().collect();
        // Stable, so that of equals the older stays.
        chosen.sort_by(|a, b| b.1.total_cmp(&a.1));
        chosen.truncate(self.most);
        let weights = softmax(&chosen.iter().map(|(_, r)| self.sharpness * r).collect::<Vec<_>>());
        let within = |((chunk, _), weight): (&(usize, f32), f32)| {
            let first = chunk * self.chunk;
            let keys = self.keys[first * self.d_k..].chunks_exact(self.d_k).take(self.chunk);
            let logits: Vec<f32> = keys.map(|key| self.inverse_temperature * dot(query, key)).collect();
            let shares = softmax(&logits);
            shares.into_iter().enumerate().map(move |(pair, share)| (first + pair, weight * share)).collect::<Vec<_>>()
        };
        chosen.iter().zip(weights).flat_map(within).collect()
    }
}

impl Memory for Chunks {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        self.keys.extend(key);
        self.values.extend(value);
    }

    /// Nothing: pairs in chunks have no age.
    fn pass(&mut self) {}

    fn read(&self, query: &[f32]) -> Vec<f32> {
        let mut answer = vec![0.0; self.d_v];
        for (pair, share) in self.asked(query) {
            let value = &self.values[pair * self.d_v..][..self.d_v];
            answer.iter_mut().zip(value).for_each(|(sum, v)| *sum += share * v);
        }
        answer
    }

    fn reset(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    fn bytes(&self) -> usize {
        (self.keys.len() + self.values.len()) * size_of::<f32>()
    }

    fn image(&self) -> Image {
        let rows = self.keys.chunks_exact(self.d_k).zip(self.values.chunks_exact(self.d_v));
        Image {
            rows: self.keys.len() / self.d_k,
            columns: self.d_k + self.d_v,
            values: rows.flat_map(|(key, value)| key.iter().chain(value)).copied().collect(),
            label: "stored pairs".to_owned(),
            row: "pair",
            column: "key, then value",
        }
    }

    fn weights(&self, query: &[f32]) -> Option<Vec<f32>> {
        let mut all = vec![0.0; self.keys.len() / self.d_k];
        self.asked(query).into_iter().for_each(|(pair, share)| all[pair] = share);
        Some(all)
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}
