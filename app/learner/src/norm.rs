//! Layer normalisation of a hidden layer's pre-activation, without parameters.
//!
//! Ba, Kiros and Hinton 2016, "Layer Normalization", eq. 3, with gain 1 and bias 0: n = (z − μ)/σ with mean and standard
//! deviation over the layer's units of one sample: of a convolution all positions and channels (those that a pooling
//! covers). Batch normalisation is not offered: it would let samples, and with
//! shared statistics replicas, change each other's results.

use burn::tensor::Tensor;

/// Added to the variance, as in PyTorch's `LayerNorm`.
const EPSILON: f64 = 1e-5;

/// Normalised pre-activations and what their slope needs.
#[derive(Debug, Clone)]
pub(crate) struct Normed {
    /// `[R, B, units]`.
    pub(crate) value: Tensor<3>,
    /// 1/σ, `[R, B, 1]`.
    inverse: Tensor<3>,
}

impl Normed {
    /// Normalises `z`, `[R, B, units]`.
    pub(crate) fn new(z: Tensor<3>) -> Self {
        let centred = z.clone() - z.mean_dim(2);
        let inverse = (centred.clone().square().mean_dim(2) + EPSILON).sqrt().recip();
        Self { value: centred * inverse.clone(), inverse }
    }

    /// ∂L/∂z from ∂L/∂n = g: (g − mean g − n mean(g n))/σ.
    pub(crate) fn chain(&self, slope: Tensor<3>) -> Tensor<3> {
        let along = (slope.clone() * self.value.clone()).mean_dim(2);
        (slope.clone() - slope.mean_dim(2) - self.value.clone() * along) * self.inverse.clone()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::test_support::{numbers, vector};

    #[test]
    fn two_units_by_hand() {
        // Mean 2 and standard deviation 1, up to the small number in the root.
        let normed = Normed::new(Tensor::from_data([[[1.0f32, 3.0]]], &Device::flex()));
        let value = vector(normed.value);
        assert!((value[0] + 1.0).abs() < 1e-5 && (value[1] - 1.0).abs() < 1e-5, "{value:?}");
    }

    #[test]
    fn the_slope_agrees_with_finite_differences() {
        let (z, weights) = (numbers(2 * 3 * 4, 1), numbers(2 * 3 * 4, 2));
        let tensor =
            |values: &[f32]| Tensor::<3>::from_data(TensorData::new(values.to_vec(), [2, 3, 4]), &Device::flex());
        let value = |z: &[f32]| -> f64 {
            vector(Normed::new(tensor(z)).value).iter().zip(&weights).map(|(n, w)| f64::from(n * w)).sum()
        };
        let slope = vector(Normed::new(tensor(&z)).chain(tensor(&weights)));
        for i in 0..z.len() {
            let shifted = |by: f32| {
                let mut z = z.clone();
                z[i] += by;
                value(&z)
            };
            let numeric = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            // Central differences in f32: truncation is of the order 1e-3 where σ is small.
            assert!((numeric - f64::from(slope[i])).abs() < 5e-3, "{i}: {numeric} {}", slope[i]);
        }
    }
}
