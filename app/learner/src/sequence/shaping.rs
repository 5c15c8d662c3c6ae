//! What queries and keys pass before they meet the memory.

use burn::tensor::{Tensor, TensorData};

use crate::cosine::Direction;

/// A feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeatureMap {
    /// Nothing.
    Identity,
    /// ELU + 1: a + 1 for a > 0, else eᵃ.
    Elu,
    /// max(0, a).
    Relu,
}

/// What a query or a key passed.
#[derive(Debug)]
pub(crate) struct Shaped {
    /// After the feature map, where there is one.
    pub(crate) mapped: Option<Tensor<3>>,
    pub(crate) direction: Option<Direction>,
}

impl FeatureMap {
    /// The map that a knob names.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "elu" => Self::Elu,
            "relu" => Self::Relu,
            _ => Self::Identity,
        }
    }

    pub(crate) fn apply(self, a: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Identity => a,
            // Each part is cut off where the other counts, so that no exponential overflows.
            Self::Elu => a.clone().clamp_min(0.0) + a.clamp_max(0.0).exp(),
            Self::Relu => a.clamp_min(0.0),
        }
    }

    /// `slope · φ'(a)`, where `out` = φ(a).
    pub(crate) fn chain(self, slope: Tensor<3>, out: &Tensor<3>) -> Tensor<3> {
        match self {
            Self::Identity => slope,
            Self::Elu => slope * out.clone().clamp_max(1.0),
            Self::Relu => slope.mask_fill(out.clone().lower_equal_scalar(0.0), 0.0),
        }
    }
}

/// Pairs (a_i, a_{i + d/2}) of lanes, turned by t θ_i with θ_i = 10000^(−2i/d) at position t; a last odd number stays.
/// `sense` −1 turns back.
pub(crate) fn turned(values: &Tensor<3>, sense: f32) -> Tensor<3> {
    let [_, length, width] = values.dims();
    let half = width / 2;
    if half == 0 {
        return values.clone();
    }
    let device = values.device();
    let table = |of: fn(f32) -> f32| {
        let angle = |t: usize, i: usize| t as f32 * 10_000f32.powf(-2.0 * i as f32 / width as f32);
        let values: Vec<f32> = (0..length).flat_map(|t| (0..half).map(move |i| of(angle(t, i)))).collect();
        Tensor::<3>::from_data(TensorData::new(values, [1, length, half]), &device)
    };
    let (cosine, sine) = (table(f32::cos), table(f32::sin) * sense);
    let part = |from: usize, to: usize| values.clone().slice_dim(2, from..to);
    let (a, b) = (part(0, half), part(half, 2 * half));
    let mut parts = vec![a.clone() * cosine.clone() - b.clone() * sine.clone(), a * sine + b * cosine];
    if width % 2 == 1 {
        parts.push(part(width - 1, width));
    }
    Tensor::cat(parts, 2)
}
