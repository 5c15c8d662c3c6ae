//! What a sequence model trains through: the composed memories that have a closed-form way back.

use crate::retention::rates;
use crate::scan::Form;

/// A memory that a sequence model can be trained with.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    /// Softmax attention over all pairs so far, exp(s q·k) γ^age.
    Softmax {
        /// s for keys of length 1; keys of any length set their own, and s is then 1/√d_k (Vaswani et al. 2017).
        inverse_temperature: f32,
        /// Whether keys and queries are brought to length 1.
        unit: bool,
        /// γ; 1 knows no age.
        decay: f32,
    },
    /// A matrix that is written step by step.
    Scan {
        /// What a step does.
        form: Form,
        /// Write strength β; none where the rule has none.
        strength: Option<f32>,
        /// What stays at each step.
        fade: Fade,
        /// Momentum η; none where the rule has none.
        momentum: Option<f32>,
    },
}

/// What stays of a matrix memory at each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fade {
    /// All of it.
    None,
    /// One part of every cell.
    Factor(f32),
    /// A part per key channel, from the lowest to the highest, with forgetting rates in equal ratios.
    Channels {
        /// The channel that forgets fastest.
        low: f64,
        /// The channel that forgets slowest.
        high: f64,
    },
}

impl Fade {
    /// The parts that stay: none, one, or one per key channel.
    pub fn parts(self, d_k: usize) -> Vec<f32> {
        match self {
            Self::None => Vec::new(),
            Self::Factor(part) => vec![part],
            Self::Channels { low, high } => rates(low, high, d_k),
        }
    }
}
