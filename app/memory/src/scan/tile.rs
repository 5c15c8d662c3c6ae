//! Vectors and matrices in tiles of sixteen numbers, and sums and products of the processor's vectors.
//!
//! A scan holds S transposed, `[d_k, d_v]` with d_v rounded up to whole tiles: then S k and S q are sums of rows, and
//! no step of the way there adds up the numbers of a vector.
#![allow(clippy::inline_always)]

use bytemuck::{Pod, Zeroable};
use macerator::{Scalar as _, Simd};

/// Numbers of a tile.
pub(super) const WIDTH: usize = 16;

/// Sixteen neighbours: whole vectors of any processor, where these like to stand.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Tile([f32; WIDTH]);

/// No numbers yet.
pub(super) const ZERO: Tile = Tile([0.0; WIDTH]);

/// What an instruction of a set takes at once.
pub(super) type Vector<S> = macerator::Vector<S, f32>;

/// Tiles that hold so many numbers.
pub(super) fn count(numbers: usize) -> usize {
    numbers.div_ceil(WIDTH)
}

/// Tiles, or vectors, as numbers.
#[inline(always)]
pub(super) fn numbers<T: Pod>(parts: &[T]) -> &[f32] {
    bytemuck::cast_slice(parts)
}

/// Tiles, or vectors, as numbers.
#[inline(always)]
pub(super) fn numbers_mut<T: Pod>(parts: &mut [T]) -> &mut [f32] {
    bytemuck::cast_slice_mut(parts)
}

/// Tiles as vectors.
#[inline(always)]
pub(super) fn vectors<S: Simd>(tiles: &[Tile]) -> &[Vector<S>] {
    bytemuck::cast_slice(tiles)
}

/// Tiles as vectors.
#[inline(always)]
pub(super) fn vectors_mut<S: Simd>(tiles: &mut [Tile]) -> &mut [Vector<S>] {
    bytemuck::cast_slice_mut(tiles)
}

/// Copies numbers to the beginning; what is behind them stays as it is.
#[inline(always)]
pub(super) fn fill<T: Pod>(parts: &mut [T], numbers: &[f32]) {
    numbers_mut(parts)[..numbers.len()].copy_from_slice(numbers);
}

/// One number in all places.
#[inline(always)]
pub(super) fn all<S: Simd>(number: f32) -> Vector<S> {
    number.splat()
}

/// Sets `to` to scale times `from`.
#[inline(always)]
pub(super) fn scale_to<S: Simd>(to: &mut [Vector<S>], scale: f32, from: &[Vector<S>]) {
    let scale = all::<S>(scale);
    for (to, from) in to.iter_mut().zip(from) {
        *to = scale * *from;
    }
}

/// Multiplies by `scale`.
#[inline(always)]
pub(super) fn scale<S: Simd>(x: &mut [Vector<S>], scale: f32) {
    let scale = all::<S>(scale);
    for x in x {
        *x = scale * *x;
    }
}

/// sum += scale * x
#[inline(always)]
pub(super) fn add<S: Simd>(sum: &mut [Vector<S>], scale: f32, x: &[Vector<S>]) {
    let scale = all::<S>(scale);
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum = scale.mul_add(*x, *sum);
    }
}

/// The inner product.
#[inline(always)]
pub(super) fn dot<S: Simd>(x: &[Vector<S>], y: &[Vector<S>]) -> f32 {
    let mut sum = all::<S>(0.0);
    for (x, y) in x.iter().zip(y) {
        sum = x.mul_add(*y, sum);
    }
    sum.reduce_add()
}

/// `sums` plus the transpose of `rows` `[d_k, vectors]` times `scales` `[d_k]`.
#[inline(always)]
pub(super) fn add_rows<S: Simd>(sums: &mut [Vector<S>], rows: &[Vector<S>], scales: &[f32]) {
    let width = sums.len();
    for (i, sum) in sums.iter_mut().enumerate() {
        // Two sums, so that an addition need not wait for the one before.
        let [mut even, mut odd] = [*sum, all::<S>(0.0)];
        let (pairs, last) = scales.as_chunks::<2>();
        for (rows, [first, second]) in rows.chunks_exact(2 * width).zip(pairs) {
            even = all::<S>(*first).mul_add(rows[i], even);
            odd = all::<S>(*second).mul_add(rows[width + i], odd);
        }
        if let [last] = last {
            even = all::<S>(*last).mul_add(rows[rows.len() - width + i], even);
        }
        *sum = even + odd;
    }
}
