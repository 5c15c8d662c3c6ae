//! The flat weights `[R, P]` and the named ranges in them.
//!
//! One matrix is the truth: an optimiser, a penalty or a mask is a line or two on it. A step cuts it into one tensor
//! per layer (views where the device allows it) and joins the gradients once.

use std::ops::Range;

use burn::tensor::Tensor;

/// One dense layer's place in a row of the flat weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenseRange {
    /// Units below.
    pub inputs: usize,
    /// Units of this layer.
    pub outputs: usize,
    /// Where the weights lie, row-major `[inputs, outputs]`.
    pub weight: Range<usize>,
    /// Where the biases lie, `[outputs]`.
    pub bias: Range<usize>,
}

/// Where each layer of a network lies in a row of the flat weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    layers: Vec<DenseRange>,
}

/// One dense layer's parameters, or their gradients, of all replicas.
#[derive(Debug, Clone)]
pub struct Dense {
    /// `[R, inputs, outputs]`.
    pub weight: Tensor<3>,
    /// `[R, 1, outputs]`.
    pub bias: Tensor<3>,
}

impl Layout {
    /// Dense layers between the units `features`, `widths` and `classes`, in this order.
    pub fn dense(features: usize, widths: &[usize], classes: usize) -> Self {
        let units: Vec<usize> = [&[features], widths, &[classes]].concat();
        let mut at = 0;
        let layers = units
            .windows(2)
            .map(|pair| {
                let (inputs, outputs) = (pair[0], pair[1]);
                let weight = at..at + inputs * outputs;
                let bias = weight.end..weight.end + outputs;
                at = bias.end;
                DenseRange { inputs, outputs, weight, bias }
            })
            .collect();
        Self { layers }
    }

    /// The layers from the input on.
    pub fn layers(&self) -> &[DenseRange] {
        &self.layers
    }

    /// Parameters of one network, P.
    pub fn parameters(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.end)
    }

    /// Weights without biases: multiplications of one row's forward pass.
    pub fn connections(&self) -> usize {
        self.layers.iter().map(|layer| layer.weight.len()).sum()
    }

    /// Cuts `[R, P]` into layers. They are views: an unfolding with windows side by side lays a row out as a matrix,
    /// where a reshape of a part of each row would copy.
    pub fn cut(&self, flat: &Tensor<2>) -> Vec<Dense> {
        let part = |range: &Range<usize>, width: usize| -> Tensor<3> {
            flat.clone().slice_dim(1, range.clone()).unfold(1, width, width)
        };
        let layers = self.layers.iter();
        layers
            .map(|layer| Dense { weight: part(&layer.weight, layer.outputs), bias: part(&layer.bias, layer.outputs) })
            .collect()
    }

    /// Joins layers into `[R, P]`.
    pub fn join(&self, layers: Vec<Dense>) -> Tensor<2> {
        let parts = layers.into_iter().zip(&self.layers).flat_map(|(dense, range)| {
            let [replicas, _, _] = dense.weight.dims();
            [dense.weight.reshape([replicas, range.weight.len()]), dense.bias.reshape([replicas, range.bias.len()])]
        });
        Tensor::cat(parts.collect(), 1)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn ranges_follow_each_other_and_cover_the_row() {
        let layout = Layout::dense(3, &[4], 2);
        assert_eq!(layout.parameters(), 3 * 4 + 4 + 4 * 2 + 2);
        assert_eq!(layout.connections(), 3 * 4 + 4 * 2);
        assert_eq!(layout.layers()[0].weight, 0..12);
        assert_eq!(layout.layers()[0].bias, 12..16);
        assert_eq!(layout.layers()[1].weight, 16..24);
        assert_eq!(layout.layers()[1].bias, 24..26);
    }

    #[test]
    fn joining_undoes_cutting() {
        let layout = Layout::dense(3, &[4], 2);
        let values: Vec<f32> = (0..2 * 26).map(|i| i as f32).collect();
        let flat = Tensor::<2>::from_data(TensorData::new(values.clone(), [2, 26]), &Device::flex());
        let dense = layout.cut(&flat);
        // Row 1 of the second replica's first layer starts after the first replica's 26 values and 4 weights.
        assert_eq!(dense[0].weight.clone().slice([1..2, 1..2, 0..1]).into_scalar::<f32>(), 30.0);
        let back = layout.join(dense).into_data();
        assert_eq!(back.try_to_vec::<f32>().unwrap(), values);
    }
}
