//! Positions of rows: `[R, B·T, n]` holds each row's T positions one behind the other.

use burn::tensor::Tensor;

/// What stands `by` positions earlier in the same row; 0 before its first. The same tensor for 0.
pub(crate) fn earlier(values: Tensor<3>, length: usize, by: usize) -> Tensor<3> {
    moved(values, length, by, true)
}

/// What stands `by` positions later in the same row; 0 behind its last. The transpose of [`earlier`].
pub(crate) fn later(values: Tensor<3>, length: usize, by: usize) -> Tensor<3> {
    moved(values, length, by, false)
}

fn moved(values: Tensor<3>, length: usize, by: usize, forward: bool) -> Tensor<3> {
    if by == 0 {
        return values;
    }
    let shape @ [replicas, all, width] = values.dims();
    let (rows, by) = (all / length, by.min(length));
    let kept = if forward { 0..length - by } else { by..length };
    let zeros = Tensor::<4>::zeros([replicas, rows, by, width], &values.device());
    if kept.is_empty() {
        return zeros.reshape(shape);
    }
    let part = values.reshape([replicas, rows, length, width]).slice_dim(2, kept);
    Tensor::cat(if forward { vec![zeros, part] } else { vec![part, zeros] }, 2).reshape(shape)
}

/// The last position of each row, `[R, B, n]`.
pub(crate) fn last(values: Tensor<3>, length: usize) -> Tensor<3> {
    let [replicas, all, width] = values.dims();
    let rows = values.reshape([replicas, all / length, length, width]);
    rows.slice_dim(2, length - 1..length).reshape([replicas, all / length, width])
}

/// Zeros except for the last positions: the transpose of [`last`].
pub(crate) fn at_last(values: Tensor<3>, length: usize) -> Tensor<3> {
    let [replicas, rows, width] = values.dims();
    let own = values.reshape([replicas, rows, 1, width]);
    let zeros = Tensor::<4>::zeros([replicas, rows, length - 1, width], &own.device());
    let all = if length > 1 { Tensor::cat(vec![zeros, own], 2) } else { own };
    all.reshape([replicas, rows * length, width])
}

/// Numbers of each of `rows` rows, `[R, B, n]` or shared `[R, 1, n]`, at each of its positions, `[R, B·T, n]`.
pub(crate) fn spread(values: Tensor<3>, rows: usize, length: usize) -> Tensor<3> {
    let [replicas, given, width] = values.dims();
    let values = values.reshape([replicas, given, 1, width]);
    values.expand([replicas, rows, length, width]).reshape([replicas, rows * length, width])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::test_support::vector;

    #[test]
    fn two_rows_by_hand() {
        let values: Vec<f32> = (1..=6).map(|i| i as f32).collect();
        let tensor = || Tensor::<3>::from_data(TensorData::new(values.clone(), [1, 6, 1]), &Device::flex());
        assert_eq!(vector(earlier(tensor(), 3, 1)), [0.0, 1.0, 2.0, 0.0, 4.0, 5.0]);
        assert_eq!(vector(later(tensor(), 3, 2)), [3.0, 0.0, 0.0, 6.0, 0.0, 0.0]);
        assert_eq!(vector(earlier(tensor(), 3, 5)), [0.0; 6]);
        assert_eq!(vector(last(tensor(), 3)), [3.0, 6.0]);
        assert_eq!(vector(spread(last(tensor(), 3), 2, 3)), [3.0, 3.0, 3.0, 6.0, 6.0, 6.0]);
        assert_eq!(vector(at_last(last(tensor(), 3), 3)), [0.0, 0.0, 3.0, 0.0, 0.0, 6.0]);
    }
}
