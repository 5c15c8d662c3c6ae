//! The non-linearities of hidden layers and their slopes.

use burn::tensor::{Tensor, activation};

/// A hidden layer's non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// max(0, a).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// a Φ(a), exact (Hendrycks and Gimpel 2016).
    Gelu,
    /// a²: with it, units that are single waves solve modular addition (Gromov 2023, eq. 5).
    Square,
}

impl Activation {
    /// The activation that a knob names.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "tanh" => Self::Tanh,
            "gelu" => Self::Gelu,
            "square" => Self::Square,
            _ => Self::Relu,
        }
    }

    /// φ(a), elementwise.
    pub(crate) fn apply(self, a: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Relu => activation::relu(a),
            Self::Tanh => a.tanh(),
            Self::Gelu => activation::gelu(a),
            Self::Square => a.square(),
        }
    }

    /// Whether [`Activation::chain`] needs the pre-activation; the others' slopes follow from the output.
    pub(crate) fn needs_pre(self) -> bool {
        matches!(self, Self::Gelu | Self::Square)
    }

    /// `upstream · φ'(a)`, where `out` = φ(a).
    pub(crate) fn chain(self, upstream: Tensor<3>, pre: Option<&Tensor<3>>, out: &Tensor<3>) -> Tensor<3> {
        match (self, pre) {
            (Self::Tanh, _) => upstream * (out.clone().square().neg() + 1.0),
            (Self::Gelu, Some(a)) => upstream * gelu_slope(a.clone()),
            (Self::Square, Some(a)) => upstream * (a.clone() * 2.0),
            _ => upstream.mask_fill(out.clone().lower_equal_scalar(0.0), 0.0),
        }
    }
}

/// Φ(a) + a φ(a), with the normal distribution function Φ and density φ.
fn gelu_slope(a: Tensor<3>) -> Tensor<3> {
    let density = (a.clone().square() * -0.5).exp() * (1.0 / (2.0 * std::f64::consts::PI).sqrt());
    let distribution = ((a.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    distribution + a * density
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn slopes_match_finite_differences() {
        let device = Device::flex();
        let at = [-2.0f32, -0.7, -0.1, 0.2, 0.9, 3.0];
        for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::Square] {
            let tensor = |shift: f32| Tensor::<3>::from_data([[at.map(|a| a + shift)]], &device);
            let value = |shift| activation.apply(tensor(shift)).into_data().try_to_vec::<f32>().unwrap();
            let pre = tensor(0.0);
            let out = activation.apply(pre.clone());
            let slope = activation.chain(pre.ones_like(), Some(&pre), &out).into_data().try_to_vec::<f32>().unwrap();
            let (up, down) = (value(5e-3), value(-5e-3));
            for i in 0..at.len() {
                let numeric = (up[i] - down[i]) / 1e-2;
                // Central differences in f32 with step 5e-3: truncation about 1e-5, rounding about 1e-5.
                assert!((numeric - slope[i]).abs() < 2e-4, "{activation:?} at {}: {numeric} {}", at[i], slope[i]);
            }
        }
    }

    #[test]
    fn known_values() {
        let device = Device::flex();
        let one = Tensor::<3>::from_data([[[1.0f32, -1.0]]], &device);
        let gelu = Activation::Gelu.apply(one).into_data().try_to_vec::<f32>().unwrap();
        // Φ(1) = 0.8413447.
        assert!((gelu[0] - 0.8413447).abs() < 1e-6 && (gelu[1] + 0.1586553).abs() < 1e-6);
    }
}
