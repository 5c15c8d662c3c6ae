//! The flat weights `[R, P]` and the named ranges in them.
//!
//! Every layer is a matrix product and a bias; a convolution is one taken at each of its positions. One matrix is the
//! truth: an optimiser, a penalty or a mask is a line or two on it. A step cuts it into one tensor per layer (views where
//! the device allows it) and joins the gradients once.

use std::ops::Range;

use burn::tensor::Tensor;

/// What a layer's product reads and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Numbers that one product reads.
    pub inputs: usize,
    /// Units that it gives.
    pub outputs: usize,
    /// Places of one sample at which it is taken: 1, or the positions of a convolution.
    pub places: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

/// One layer's place in a row of the flat weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenseRange {
    /// Numbers that one product reads: units below, or the patch of a convolution.
    pub inputs: usize,
    /// Units of this layer, or channels.
    pub outputs: usize,
    /// Places of one sample at which the product is taken.
    pub places: usize,
    /// Where the weights lie, row-major `[inputs, outputs]`.
    pub weight: Range<usize>,
    /// Where the biases lie, `[outputs]`; empty where there are none.
    pub bias: Range<usize>,
}

/// Where each layer of a network lies in a row of the flat weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    layers: Vec<DenseRange>,
}

/// One layer's parameters, or their gradients, of all replicas.
#[derive(Debug, Clone)]
pub struct Dense {
    /// `[R, inputs, outputs]`.
    pub weight: Tensor<3>,
    /// `[R, 1, outputs]`.
    pub bias: Option<Tensor<3>>,
}

impl Layout {
    /// Layers of these sizes, from the input on.
    pub fn new(sizes: &[Size]) -> Self {
        let mut at = 0;
        let layers = sizes
            .iter()
            .map(|&Size { inputs, outputs, places, bias }| {
                let weight = at..at + inputs * outputs;
                let bias = weight.end..weight.end + if bias { outputs } else { 0 };
                at = bias.end;
                DenseRange { inputs, outputs, places, weight, bias }
            })
            .collect();
        Self { layers }
    }

    /// Dense layers between the units `features`, `widths` and `classes`, in this order.
    pub fn dense(features: usize, widths: &[usize], classes: usize) -> Self {
        let units: Vec<usize> = [&[features], widths, &[classes]].concat();
        let sizes = units.windows(2).map(|pair| Size { inputs: pair[0], outputs: pair[1], places: 1, bias: true });
        Self::new(&sizes.collect::<Vec<_>>())
    }

    /// The layers from the input on.
    pub fn layers(&self) -> &[DenseRange] {
        &self.layers
    }

    /// Parameters of one network, P.
    pub fn parameters(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.end)
    }

    /// Multiplications of one row's forward pass: weights without biases, each as often as it is used.
    pub fn connections(&self) -> usize {
        self.layers.iter().map(DenseRange::connections).sum()
    }

    /// Cuts `[R, P]` into layers. They are views: an unfolding with windows side by side lays a row out as a matrix,
    /// where a reshape of a part of each row would copy.
    pub fn cut(&self, flat: &Tensor<2>) -> Vec<Dense> {
        let part = |range: &Range<usize>, width: usize| -> Tensor<3> {
            flat.clone().slice_dim(1, range.clone()).unfold(1, width, width)
        };
        let layers = self.layers.iter();
        layers
            .map(|layer| Dense {
                weight: part(&layer.weight, layer.outputs),
                bias: (!layer.bias.is_empty()).then(|| part(&layer.bias, layer.outputs)),
            })
            .collect()
    }

    /// Joins the last layers into `[R, P]`; what lies before them is 0.
    ///
    /// # Panics
    /// When there are no layers, or more than the network has.
    pub fn join(&self, layers: Vec<Dense>) -> Tensor<2> {
        let ranges = &self.layers[self.layers.len() - layers.len()..];
        let ([replicas, ..], before) = (layers[0].weight.dims(), ranges[0].weight.start);
        let mut parts = Vec::with_capacity(1 + 2 * layers.len());
        if before > 0 {
            parts.push(Tensor::zeros([replicas, before], &layers[0].weight.device()));
        }
        for (dense, range) in layers.into_iter().zip(ranges) {
            parts.push(dense.weight.reshape([replicas, range.weight.len()]));
            parts.extend(dense.bias.map(|bias| bias.reshape([replicas, range.bias.len()])));
        }
        Tensor::cat(parts, 1)
    }
}

impl Dense {
    /// The same with its bias, or without.
    pub(crate) fn with_bias(self, bias: bool) -> Self {
        Self { bias: self.bias.filter(|_| bias), ..self }
    }
}

impl DenseRange {
    /// Multiplications of one row's forward pass through this layer.
    pub fn connections(&self) -> usize {
        self.weight.len() * self.places
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
        let last = layout.join(dense[1..].to_vec()).into_data().try_to_vec::<f32>().unwrap();
        let back = layout.join(dense).into_data();
        assert_eq!(back.try_to_vec::<f32>().unwrap(), values);
        // Layers that are left out are 0.
        let kept = |(at, value): (usize, &f32)| if at % 26 < 16 { 0.0 } else { *value };
        assert_eq!(last, values.iter().enumerate().map(kept).collect::<Vec<_>>());
    }

    #[test]
    fn a_layer_may_go_without_a_bias_and_may_be_used_at_many_places() {
        let patch = Size { inputs: 9, outputs: 2, places: 16, bias: true };
        let layout = Layout::new(&[patch, Size { inputs: 32, outputs: 3, places: 1, bias: false }]);
        assert_eq!(layout.parameters(), 9 * 2 + 2 + 32 * 3);
        assert_eq!(layout.connections(), 16 * 9 * 2 + 32 * 3);
        let values: Vec<f32> = (0..116).map(|i| i as f32).collect();
        let layers = layout.cut(&Tensor::from_data(TensorData::new(values.clone(), [1, 116]), &Device::flex()));
        assert!(layers[1].bias.is_none());
        assert_eq!(layout.join(layers).into_data().try_to_vec::<f32>().unwrap(), values);
    }
}
