//! Attentional bias: the inner objective that a write lowers (Behrouz et al. 2025, Miras: "It's All Connected").

use mnemoscope_core::{Component, Kind, Knob, Registry, Scale};

/// The family of inner objectives.
#[derive(Debug, Clone, Copy)]
pub struct Biases;

impl Registry for Biases {
    const NOUN: &'static str = "attentional bias";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 5] = [
    Kind {
        name: "dot_product",
        label: "dot product",
        meaning: "the answer shall point along the value; what is answered already changes nothing",
        source: "Katharopoulos et al. 2020; Behrouz et al. 2025, Miras",
        knobs: &[],
    },
    Kind {
        name: "squared_error",
        label: "squared error",
        meaning: "the answer shall be the value: a write corrects what the memory answers wrongly",
        source: "Widrow and Hoff 1960; Schlag et al. 2021; Behrouz et al. 2025, Titans",
        knobs: &[],
    },
    Kind {
        name: "lp",
        label: "L_p error",
        meaning: "below p = 2 outliers count less, above it more; sign and modulus are smoothed as tanh(10 x) and \
                  the root of x² + 10⁻⁶",
        source: "Behrouz et al. 2025, Miras: Moneta",
        knobs: &LP,
    },
    Kind {
        name: "huber",
        label: "Huber",
        meaning: "squared error up to delta, and beyond it a write of fixed size along the error: an outlier cannot \
                  shout",
        source: "Behrouz et al. 2025, Miras: Yaad",
        knobs: &HUBER,
    },
    Kind {
        name: "kl",
        label: "KL (softmax)",
        meaning: "the answer is a distribution, softmax of the read-out, and shall be the value's, which must be one",
        source: "lab form: the cross entropy of Miras's KL bias for values on the simplex",
        knobs: &[],
    },
];

static LP: [Knob; 1] = [Knob::real("p", "p", "p", 1.0, 4.0, 3.0, Scale::Linear)
    .meaning("exponent of the error")
    .source("Behrouz et al. 2025, Moneta: p = 3")
    .live()];

static HUBER: [Knob; 1] = [Knob::real("delta", "delta", "δ", 0.01, 10.0, 1.0, Scale::Log)
    .meaning("length of the error up to which it counts in full")
    .source("Behrouz et al. 2025, Yaad")
    .live()];

/// A bias with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    Dot,
    Squared,
    Lp { p: f32 },
    Huber { delta: f32 },
    Kl,
}

impl Loss {
    pub(crate) fn of(bias: &Component<Biases>) -> Self {
        match bias.name() {
            "squared_error" => Self::Squared,
            "lp" => Self::Lp { p: bias.real("p") as f32 },
            "huber" => Self::Huber { delta: bias.real("delta") as f32 },
            "kl" => Self::Kl,
            _ => Self::Dot,
        }
    }

    /// The gradient of the loss by the answer `[d_v]`. With e = answer - value:
    /// dot -v; squared (of |e|²/2) e; L_p p sign(e) |e|^(p-1); Huber e, or delta e/|e| beyond; KL softmax(answer) - v.
    pub(crate) fn derivative(self, answer: &[f32], value: &[f32]) -> Vec<f32> {
        let errors = || answer.iter().zip(value).map(|(o, v)| o - v);
        match self {
            Self::Dot => value.iter().map(|v| -v).collect(),
            Self::Squared => errors().collect(),
            Self::Lp { p } => {
                errors().map(|e| p * (10.0 * e).tanh() * e.mul_add(e, 1e-6).powf((p - 1.0) / 2.0)).collect()
            }
            Self::Huber { delta } => {
                let length = errors().map(|e| e * e).sum::<f32>().sqrt();
                let scale = if length <= delta { 1.0 } else { delta / length };
                errors().map(|e| scale * e).collect()
            }
            Self::Kl => softmax(answer).iter().zip(value).map(|(o, v)| o - v).collect(),
        }
    }

    /// What a read gives out of the memory's own answer.
    pub(crate) fn read_out(self, answer: Vec<f32>) -> Vec<f32> {
        if self == Self::Kl { softmax(&answer) } else { answer }
    }
}

/// exp(x) over its sum, without overflow.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let mut weights = logits.to_vec();
    softmax_in_place(&mut weights);
    weights
}

/// [`softmax`] of `logits`, in their place.
pub(crate) fn softmax_in_place(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    for weight in logits {
        *weight /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The losses, written out; L_p without its smoothing, which is nothing at errors of this size.
    fn loss(of: Loss, answer: &[f64], value: &[f64]) -> f64 {
        let errors = || answer.iter().zip(value).map(|(o, v)| o - v);
        match of {
            Loss::Dot => -answer.iter().zip(value).map(|(o, v)| o * v).sum::<f64>(),
            Loss::Squared => errors().map(|e| e * e).sum::<f64>() / 2.0,
            Loss::Lp { p } => errors().map(|e| e.abs().powf(f64::from(p))).sum(),
            Loss::Huber { delta } => {
                let (length, delta) = (errors().map(|e| e * e).sum::<f64>().sqrt(), f64::from(delta));
                if length <= delta { length * length / 2.0 } else { delta * (length - delta / 2.0) }
            }
            Loss::Kl => {
                let sum: f64 = answer.iter().map(|o| o.exp()).sum();
                answer.iter().zip(value).map(|(o, v)| -v * (o.exp() / sum).ln()).sum()
            }
        }
    }

    #[test]
    fn derivatives_are_the_slopes_of_the_losses() {
        let (answer, value) = ([1.5, -2.0, 0.75], [0.2, 0.5, 0.3]);
        let all = [
            Loss::Dot,
            Loss::Squared,
            Loss::Lp { p: 1.5 },
            Loss::Lp { p: 3.0 },
            Loss::Huber { delta: 0.5 },
            Loss::Huber { delta: 50.0 },
            Loss::Kl,
        ];
        for of in all {
            let single = |x: &[f64]| x.iter().map(|x| *x as f32).collect::<Vec<_>>();
            let derivative = of.derivative(&single(&answer), &single(&value));
            for i in 0..3 {
                let moved = |by: f64| {
                    let mut answer = answer;
                    answer[i] += by;
                    loss(of, &answer, &value)
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                // tanh(10 x) is 0.9998 at the smallest of these errors.
                let allowed = 1e-3 * (1.0 + slope.abs());
                assert!((f64::from(derivative[i]) - slope).abs() < allowed, "{of:?} {i}: {} {slope}", derivative[i]);
            }
        }
    }

    #[test]
    fn the_smoothed_modulus_is_that_of_moneta() {
        let small = Loss::Lp { p: 3.0 }.derivative(&[0.05], &[0.0])[0];
        assert!((small - 3.0 * 0.5f32.tanh() * (0.0025 + 1e-6)).abs() < 1e-7, "{small}");
    }
}
