//! Why a cache refused a call.

use thiserror::Error;

/// Why a cache refused a call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CacheError {
    /// An array of another length than the sizes say.
    #[error("cache: {what} has {found} numbers where the sizes {shape} need {expected}")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that the sizes need.
        expected: usize,
        /// The sizes, as text.
        shape: String,
    },
    /// A row without a token.
    #[error("cache: a row's first token is said to be at {start}, and its last place is {}; leave such rows out", steps - 1)]
    OnlyFillers {
        /// Where the row's tokens begin.
        start: usize,
        /// Places of a row.
        steps: usize,
    },
    /// A layer that the cache was not made for.
    #[error("cache: there is no layer {layer}; this one was made for {layers}, counted from 0")]
    Layer {
        /// The layer asked for.
        layer: usize,
        /// The layers there are.
        layers: usize,
    },
    /// A policy that has to see the model first.
    #[error("cache policy {policy} has to be calibrated on full attention of every layer before it is used")]
    NotCalibrated {
        /// The policy.
        policy: &'static str,
    },
    /// Calibration without a call for every layer.
    #[error("cache policy {policy}: calibration needs calls of all {layers} layers and has none of layer {layer}")]
    NoSamples {
        /// The policy.
        policy: &'static str,
        /// The layers of the model.
        layers: usize,
        /// The layer without calls.
        layer: usize,
    },
    /// A layer that follows another one that has not been attended to.
    #[error("cache policy window_selection: layer {layer} follows layer {leader}, which has to come first")]
    NoLeader {
        /// The layer asked for.
        layer: usize,
        /// The layer it takes its choice from.
        leader: usize,
    },
    /// Other sizes than those calibrated on.
    #[error("cache policy {policy} was calibrated on {what} {expected} and meets {found}; calibrate it again")]
    Changed {
        /// The policy.
        policy: &'static str,
        /// Which size.
        what: &'static str,
        /// The size calibrated on.
        expected: usize,
        /// The size met.
        found: usize,
    },
}
