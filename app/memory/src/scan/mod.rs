//! Scans of matrix memories, for training: every step of every sequence, forward and backward, on the processor.
//! [`Backend`] computes the same on a graphics card, by `shaders/scan.wgsl`.
//!
//! A memory S `[d_v, d_k]` is written and then asked, step by step: o_t = S_t q_t. A *lane* is one memory with its
//! sequence (a head of one sequence of one replica). Lanes never meet, so that a lane gives the same bits alone as
//! among others.
//!
//! [`forward`] keeps the state at the borders of chunks of steps; [`backward`] computes the states inside a chunk once
//! more, from the last chunk to the first, so that it needs memory for one chunk and not for the whole sequence. The
//! adjoints are written out by hand: see [`Form`].
//!
//! ```
//! use mnemoscope_memory::scan::{self, Bias, Form, Inputs, Shape};
//!
//! // One pair is written at step 0 and asked for at step 1, where nothing is written.
//! let form = Form::Gradient { bias: Bias::Squared, error_at_decayed: true, momentum: false };
//! let shape = Shape { lanes: 1, steps: 2, d_k: 2, d_v: 1, chunk: 16 };
//! let inputs = Inputs {
//!     q: &[0.0, 0.0, 1.0, 0.0],
//!     k: &[1.0, 0.0, 0.0, 1.0],
//!     v: &[3.0, 0.0],
//!     strength: &[1.0, 0.0],
//!     ..Inputs::default()
//! };
//! let forward = scan::forward(form, shape, &inputs);
//! assert_eq!(forward.out, [0.0, 3.0]);
//! let gradients = scan::backward(form, shape, &inputs, &forward, &[0.0, 1.0]);
//! assert_eq!(gradients.v, [1.0, 0.0]);
//! ```

mod around;
mod backend;
mod bias;
mod gradient;
mod inputs;
mod recurrence;
mod squares;
mod tile;

use std::convert::Infallible;

pub use backend::Backend;
use gradient::Descent;
pub(crate) use inputs::Takes;
pub use inputs::{Gradients, Inputs, Shape};
use squares::Squares;
use tile::Tile;

use crate::gpu::Held;

/// The inner objective whose gradient is written, as a function of the error e = S k - v.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bias {
    /// -v . S k, gradient -v k^T: Hebb, as linear attention writes (Katharopoulos et al. 2020).
    Dot,
    /// |e|^2 / 2, gradient e k^T: the delta rule (Widrow and Hoff 1960; Schlag et al. 2021).
    Squared,
    /// The sum of |e_i|^p, gradient p sign(e) |e|^(p - 1) k^T, with sign(x) = tanh(10 x) and |x| = sqrt(x^2 + 1e-6)
    /// (the smooth form of Moneta, Behrouz et al. 2025).
    Lp {
        /// The power, at least 1.
        p: f32,
    },
    /// |e|^2 / 2 up to |e| = delta and linear beyond, gradient min(1, delta / |e|) e k^T with the length of the whole
    /// error (Yaad's vector form, Behrouz et al. 2025).
    Huber {
        /// The length of the error beyond which the gradient grows no more, above 0.
        delta: f32,
    },
    /// The cross entropy of the value, a distribution, and softmax(S k), gradient (softmax(S k) - v) k^T (lab form). The
    /// memory answers with softmax(S q).
    Kl,
}

/// What a step does to the memory. Every form begins at S = 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// One step down the gradient of the bias: with g the gradient by the error,
    ///
    /// S_t = S_(t-1) diag(alpha_t) - beta_t g_t k_t^T, or with momentum
    /// M_t = eta_t M_(t-1) - beta_t g_t k_t^T and S_t = S_(t-1) diag(alpha_t) + M_t.
    ///
    /// Hebb is `Dot`; RetNet (Sun et al. 2023) and gated linear attention (Yang et al. 2024) are `Dot` with retention;
    /// delta is `Squared`; gated delta (Yang et al. 2025) is `Squared` with retention and the error at the decayed
    /// memory; Titans' matrix memory (Behrouz et al. 2025) is `Squared` with retention, momentum, and the error at the
    /// memory before.
    Gradient {
        /// The inner objective.
        bias: Bias,
        /// Whether the error is taken at the decayed memory, S_(t-1) diag(alpha_t) k - v, or at the memory before.
        error_at_decayed: bool,
        /// Whether the gradient goes through a momentum, which [`Inputs::momentum`] then gives.
        momentum: bool,
    },
    /// Several steps down the gradient of the bias on each pair, S = S - beta g k^T with the error anew each time, after
    /// the retention acted once; o_t = S_t q_t after the last (lab form, after Siems et al. 2025, DeltaProduct).
    Several {
        /// The inner objective.
        bias: Bias,
        /// Steps on each pair; 0 counts as 1.
        steps: usize,
    },
    /// The exact solution of the regression so far, pair by pair: recursive least squares with forgetting, as
    /// test-time regression describes it (Wang et al. 2025). Retention forgets, one number a step; the write strength
    /// is the weight of a pair (lab form; 1 is the textbook's). Retention fades the ridge too, as in the textbook: in
    /// directions that no key spans P grows as 1/ridge over the product of the retentions, and f32 loses S when that
    /// passes about 1e5. [`Composition::trainable`](crate::Composition::trainable) therefore gives it none.
    LeastSquares {
        /// The weight of |S|^2 before the first step, above 0.
        ridge: f32,
    },
}

impl Form {
    /// Whether it is the regression.
    pub(crate) fn is_squares(self) -> bool {
        matches!(self, Self::LeastSquares { .. })
    }

    /// The inner objective of its steps; none of the regression, which is solved.
    pub fn bias(self) -> Option<Bias> {
        match self {
            Self::Gradient { bias, .. } | Self::Several { bias, .. } => Some(bias),
            Self::LeastSquares { .. } => None,
        }
    }

    /// Whether it answers with distributions, and its values must be some: none below 0, sum 1.
    pub fn answers_distributions(self) -> bool {
        self.bias() == Some(Bias::Kl)
    }

    /// What it takes beside queries, keys and values.
    pub(crate) fn takes(self) -> Takes {
        match self {
            Self::Gradient { momentum, .. } => Takes { channels: true, momentum },
            Self::Several { .. } => Takes { channels: true, momentum: false },
            Self::LeastSquares { .. } => Takes { channels: false, momentum: false },
        }
    }
}

/// What [`forward`] found.
#[derive(Debug, Clone)]
pub struct Forward {
    /// What the queries recall, `[lanes, steps, d_v]`.
    pub out: Vec<f32>,
    trace: Trace,
}

/// What the way back needs, where it was found.
#[derive(Debug, Clone)]
enum Trace {
    Cpu {
        /// The state before each chunk, `[lanes, chunks, state]`.
        borders: Vec<Tile>,
        /// What each step keeps, `[lanes, steps, kept]`.
        kept: Vec<Tile>,
    },
    Gpu(Held),
}

/// Writes and asks step by step, all lanes side by side.
///
/// # Panics
/// When an input has not the length that `shape` says: see [`Inputs`].
pub fn forward(form: Form, shape: Shape, inputs: &Inputs<'_>) -> Forward {
    inputs.check(shape, form.takes());
    let Ok(found) = around::forward(form, shape, inputs, |form, shape, inputs| {
        Ok::<_, Infallible>(match Rule::of(form, shape) {
            Rule::Descent(rule) => recurrence::forward(&rule, shape, inputs),
            Rule::Squares(rule) => recurrence::forward(&rule, shape, inputs),
        })
    });
    found
}

/// The gradients of a loss by all inputs, from its gradient by the output, `d_out` `[lanes, steps, d_v]`.
///
/// # Panics
/// When an input or `d_out` has not the length that `shape` says, or `forward` belongs to another scan.
pub fn backward(form: Form, shape: Shape, inputs: &Inputs<'_>, forward: &Forward, d_out: &[f32]) -> Gradients {
    inputs.check(shape, form.takes());
    let Ok(found) = around::backward(form, shape, inputs, forward, d_out, |form, shape, inputs, d_out| {
        Ok::<_, Infallible>(match Rule::of(form, shape) {
            Rule::Descent(rule) => recurrence::backward(&rule, shape, inputs, forward, d_out),
            Rule::Squares(rule) => recurrence::backward(&rule, shape, inputs, forward, d_out),
        })
    });
    found
}

/// S `[d_v, d_k]` of one lane after `steps` steps; more than there are means all.
///
/// # Panics
/// When an input has not the length that `shape` says, or there is no such lane.
pub fn state(form: Form, shape: Shape, inputs: &Inputs<'_>, lane: usize, steps: usize) -> Vec<f32> {
    inputs.check(shape, form.takes());
    around::state(form, shape, inputs, steps, |form, shape, inputs, steps| match Rule::of(form, shape) {
        Rule::Descent(rule) => recurrence::state(&rule, shape, inputs, lane, steps),
        Rule::Squares(rule) => recurrence::state(&rule, shape, inputs, lane, steps),
    })
}

/// The recurrence of a form.
enum Rule {
    Descent(Descent),
    Squares(Squares),
}

impl Rule {
    fn of(form: Form, Shape { d_k, d_v, .. }: Shape) -> Self {
        match form {
            Form::Gradient { bias, error_at_decayed, momentum } => {
                Self::Descent(Descent { bias, error_at_decayed, momentum, d_k, d_v })
            }
            // Its steps one by one: what is around has repeated them.
            Form::Several { bias, .. } => {
                Self::Descent(Descent { bias, error_at_decayed: true, momentum: false, d_k, d_v })
            }
            Form::LeastSquares { ridge } => Self::Squares(Squares { ridge, d_k, d_v }),
        }
    }
}

#[cfg(test)]
mod tests;
