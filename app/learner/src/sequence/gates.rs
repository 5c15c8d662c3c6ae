//! Gates: how strongly a token is written, what stays of the memory, and what goes on of the last write.
//!
//! Fixed gates are the numbers of the composed memory. Learned ones are σ(W u + b) of each token and head, as in gated
//! linear attention (Yang et al. 2024, section 4) and Titans (Behrouz et al. 2025); b begins where σ(b) is the number of
//! the composed memory, as near as [`EDGE`] allows.

use burn::tensor::{Tensor, TensorData, activation};
use mnemoscope_memory::Mixer;

/// A learned gate begins no nearer to 0 and 1: there its slope vanishes.
const EDGE: f32 = 0.02;

/// The gates of a head in their order: write strength, retention, momentum.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gates {
    strength: Option<f32>,
    /// None, one, or one per key channel.
    retention: Vec<f32>,
    momentum: Option<f32>,
}

/// Open gates of all lanes: `[lanes, T, 1]`, the retention `[lanes, T, 1 or d]`.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) strength: Option<Tensor<3>>,
    pub(crate) retention: Option<Tensor<3>>,
    pub(crate) momentum: Option<Tensor<3>>,
    /// All gates before fillers were taken out, `[lanes, T, g]`; none where there are no gates.
    all: Option<Tensor<3>>,
    /// 1 for a token, 0 for a filler, `[lanes, T, 1]`.
    pub(crate) real: Tensor<3>,
}

impl Gates {
    /// Of a memory with keys of `width` numbers.
    pub(crate) fn of(mixer: &Mixer, width: usize) -> Self {
        match mixer {
            Mixer::Softmax { .. } => Self { strength: None, retention: Vec::new(), momentum: None },
            Mixer::Scan { strength, fade, momentum, .. } => {
                Self { strength: *strength, retention: fade.parts(width), momentum: *momentum }
            }
        }
    }

    /// Numbers of one head.
    pub(crate) fn count(&self) -> usize {
        self.values().count()
    }

    fn values(&self) -> impl Iterator<Item = f32> {
        self.strength.into_iter().chain(self.retention.iter().copied()).chain(self.momentum)
    }

    /// The first biases of one head.
    pub(crate) fn biases(&self) -> impl Iterator<Item = f32> {
        self.values().map(|value| value.clamp(EDGE, 1.0 - EDGE)).map(|value| (value / (1.0 - value)).ln())
    }

    /// The gates from their pre-activations, `[lanes, T, g]`, or fixed; `real` as in [`Open`]. A filler lets all pass.
    pub(crate) fn open(&self, learned: Option<Tensor<3>>, real: &Tensor<3>) -> Open {
        let [lanes, length, _] = real.dims();
        let count = self.count();
        let fixed = || -> Tensor<3> {
            let values = TensorData::new(self.values().collect::<Vec<_>>(), [1, 1, count]);
            Tensor::<3>::from_data(values, &real.device()).expand([lanes, length, count])
        };
        let all = (count > 0).then(|| learned.map_or_else(fixed, activation::sigmoid));
        let (first, last) = (usize::from(self.strength.is_some()), count - usize::from(self.momentum.is_some()));
        let part = |from: usize, to: usize| all.clone().filter(|_| from < to).map(|all| all.slice_dim(2, from..to));
        let (strength, momentum) = (part(0, first), part(last, count));
        let retention = part(first, last).map(|part| (part - 1.0) * real.clone() + 1.0);
        Open { strength, retention, momentum, all, real: real.clone() }
    }
}

impl Open {
    /// The slope at the pre-activations from those at the gates, each in the shape of its gate.
    pub(crate) fn chain(
        &self,
        strength: Option<Tensor<3>>,
        retention: Option<Tensor<3>>,
        momentum: Option<Tensor<3>>,
    ) -> Option<Tensor<3>> {
        let retention = retention.map(|slope| slope * self.real.clone());
        let parts = [strength, retention, momentum].into_iter().flatten().collect();
        let all = self.all.clone()?;
        Some(Tensor::cat(parts, 2) * all.clone() * (all.neg() + 1.0))
    }
}
