//! Heads: from the projections of a block to what its memory reads, and back.
//!
//! A projection `[R, B·T, 3·H·d]` holds queries, keys and values of all heads. They become lanes, one per replica, row
//! and head, `[R·B·H, T, d]`. On the way queries and keys may pass a feature map (Katharopoulos et al. 2020, eq. 7), be
//! brought to length 1 (Henry et al. 2020, "Query-Key Normalization") and be turned by their position (Su et al. 2021,
//! eq. 15).

use burn::tensor::{Tensor, TensorData};

use super::softmax;
use super::tokens::Tokens;
use crate::cosine::Direction;

/// What queries and keys pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeatureMap {
    /// Nothing.
    Identity,
    /// ELU + 1: a + 1 for a > 0, else eᵃ.
    Elu,
    /// max(0, a).
    Relu,
}

/// The heads of every block.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    /// H.
    pub(crate) count: usize,
    /// Numbers in a key, a query and a value, d.
    pub(crate) width: usize,
    pub(crate) map: FeatureMap,
    /// Whether keys and queries have length 1.
    pub(crate) unit: bool,
    pub(crate) rotary: bool,
    /// s in exp(s q·k).
    pub(crate) scale: f32,
}

/// What attention leaves behind for the backward pass; all lanes.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) q: Tensor<3>,
    pub(crate) k: Tensor<3>,
    pub(crate) v: Tensor<3>,
    /// Of queries and of keys.
    shaped: [Shaped; 2],
    /// `[lanes, T, T]`.
    pub(crate) weights: Tensor<3>,
}

/// What a query or a key passed.
#[derive(Debug)]
struct Shaped {
    /// After the feature map, where there is one.
    mapped: Option<Tensor<3>>,
    direction: Option<Direction>,
}

impl Heads {
    /// Numbers of all heads together.
    pub(crate) fn all(&self) -> usize {
        self.count * self.width
    }

    /// What the memory reads, `[R, B·T, H·d]`, from the projections.
    pub(crate) fn attend(&self, projected: &Tensor<3>, tokens: &Tokens) -> (Tensor<3>, Kept) {
        let [replicas, ..] = projected.dims();
        let part = |index: usize| {
            let own = projected.clone().slice_dim(2, index * self.all()..(index + 1) * self.all());
            self.lanes(own, tokens)
        };
        let (q, of_q) = self.shape(part(0));
        let (k, of_k) = self.shape(part(1));
        let v = part(2);
        let weights = softmax::weights(&q, &k, self.scale, &tokens.real_lanes(replicas, self.count));
        let read = weights.clone().matmul(v.clone());
        (self.merge(read, replicas, tokens), Kept { q, k, v, shaped: [of_q, of_k], weights })
    }

    /// The slope at the projections from that at what the memory read.
    pub(crate) fn chain(&self, kept: &Kept, slope: Tensor<3>, tokens: &Tokens) -> Tensor<3> {
        let [replicas, ..] = slope.dims();
        let slope = self.lanes(slope, tokens);
        let [q, k, v] = softmax::chain(&kept.q, &kept.k, &kept.v, &kept.weights, self.scale, slope);
        let [of_q, of_k] = &kept.shaped;
        let parts = [self.unshape(q, of_q), self.unshape(k, of_k), v];
        Tensor::cat(parts.map(|part| self.merge(part, replicas, tokens)).to_vec(), 2)
    }

    /// `[R, B·T, H·d]` as lanes, `[R·B·H, T, d]`.
    fn lanes(&self, values: Tensor<3>, tokens: &Tokens) -> Tensor<3> {
        let [replicas, ..] = values.dims();
        let all = replicas * tokens.rows;
        let apart = values.reshape([all, tokens.length, self.count, self.width]).swap_dims(1, 2);
        apart.reshape([all * self.count, tokens.length, self.width])
    }

    /// Lanes as `[R, B·T, H·d]`.
    fn merge(&self, lanes: Tensor<3>, replicas: usize, tokens: &Tokens) -> Tensor<3> {
        let all = replicas * tokens.rows;
        let together = lanes.reshape([all, self.count, tokens.length, self.width]).swap_dims(1, 2);
        together.reshape([replicas, tokens.rows * tokens.length, self.all()])
    }

    fn shape(&self, values: Tensor<3>) -> (Tensor<3>, Shaped) {
        let mapped = (self.map != FeatureMap::Identity).then(|| self.map.apply(values.clone()));
        let values = mapped.clone().unwrap_or(values);
        let direction = self.unit.then(|| Direction::of(values.clone(), 2));
        let values = direction.as_ref().map_or(values, |direction| direction.unit.clone());
        (if self.rotary { turned(values, 1.0) } else { values }, Shaped { mapped, direction })
    }

    fn unshape(&self, slope: Tensor<3>, shaped: &Shaped) -> Tensor<3> {
        let mut slope = if self.rotary { turned(slope, -1.0) } else { slope };
        if let Some(direction) = &shaped.direction {
            slope = direction.chain(slope);
        }
        match &shaped.mapped {
            Some(mapped) => self.map.chain(slope, mapped),
            None => slope,
        }
    }

    /// Multiplications and additions of one row in one block.
    pub(crate) fn flops(&self, length: usize, trained: bool) -> f64 {
        let product = 2 * length * length * self.all();
        (product * if trained { 6 } else { 2 }) as f64
    }

    /// Most numbers that one row takes.
    pub(crate) fn widest(&self, length: usize) -> usize {
        self.count * length * length
    }
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

    fn apply(self, a: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Identity => a,
            // Each part is cut off where the other counts, so that no exponential overflows.
            Self::Elu => a.clone().clamp_min(0.0) + a.clamp_max(0.0).exp(),
            Self::Relu => a.clamp_min(0.0),
        }
    }

    /// `slope · φ'(a)`, where `out` = φ(a).
    fn chain(self, slope: Tensor<3>, out: &Tensor<3>) -> Tensor<3> {
        match self {
            Self::Identity => slope,
            Self::Elu => slope * out.clone().clamp_max(1.0),
            Self::Relu => slope.mask_fill(out.clone().lower_equal_scalar(0.0), 0.0),
        }
    }
}

/// Pairs (a_i, a_{i + d/2}) of lanes, turned by t θ_i with θ_i = 10000^(−2i/d) at position t; a last odd number stays.
/// `sense` −1 turns back.
fn turned(values: Tensor<3>, sense: f32) -> Tensor<3> {
    let [_, length, width] = values.dims();
    let half = width / 2;
    if half == 0 {
        return values;
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
