//! What every memory can do, whatever its architecture: take a pair, answer a query, show itself.

use std::fmt;

/// A picture of what a memory holds: a matrix of numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// `[rows, columns]`.
    pub values: Vec<f32>,
    /// What it shows, such as "S".
    pub label: String,
    /// What a row is, such as "value dimension".
    pub row: &'static str,
    /// What a column is, such as "key dimension".
    pub column: &'static str,
}

/// An associative memory, written pair by pair. Nothing in it is random after it was built, so the same writes give
/// the same bits.
pub trait Memory: fmt::Debug + Send + Sync {
    /// Writes a pair: `key` `[d_k]`, `value` `[d_v]`.
    fn write(&mut self, key: &[f32], value: &[f32]);

    /// Time passes by one write without a pair: what the retention does to the memory, and nothing else. Stored pairs grow
    /// older by one.
    fn pass(&mut self);

    /// What the memory answers to `query` `[d_k]`: `[d_v]`. Reading changes nothing.
    fn read(&self, query: &[f32]) -> Vec<f32>;

    /// As if nothing had been written.
    fn reset(&mut self);

    /// Bytes of what it keeps between writes.
    fn bytes(&self) -> usize;

    /// What it holds.
    fn image(&self) -> Image;

    /// What the last write added to what the retention had left; where the two cannot be told apart, the difference
    /// that the write made. None before the first write, and for memories that keep the pairs themselves.
    fn last_write(&self) -> Option<Image> {
        None
    }

    /// Norm of the inner gradient at the last write (Behrouz et al. 2025, Titans: the surprise), where there is one.
    fn surprise(&self) -> Option<f32> {
        None
    }

    /// The share that `query` gives to each write so far, `[writes]`, zero for those forgotten; for memories that
    /// answer with a weighted mean of stored values.
    fn weights(&self, query: &[f32]) -> Option<Vec<f32>> {
        let _ = query;
        None
    }

    /// The shares that several queries `[n, d_k]` give: `[n, writes]`, where [`Memory::weights`] has some.
    fn weights_all(&self, queries: &[f32], d_k: usize) -> Option<Vec<f32>> {
        let rows: Option<Vec<Vec<f32>>> = queries.chunks_exact(d_k).map(|query| self.weights(query)).collect();
        rows.filter(|rows| !rows.is_empty()).map(|rows| rows.concat())
    }

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Memory>;

    /// The answers to several queries `[n, d_k]`: `[n, d_v]`.
    fn read_all(&self, queries: &[f32], d_k: usize) -> Vec<f32> {
        queries.chunks_exact(d_k).flat_map(|query| self.read(query)).collect()
    }
}

impl Clone for Box<dyn Memory> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
