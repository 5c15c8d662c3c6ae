//! What a policy learns of a model before it is used.

use super::gate::Gate;

/// What was learned, one entry per layer.
#[derive(Debug, Clone, Default)]
pub(super) enum Learned {
    /// Nothing.
    #[default]
    Nothing,
    /// Shares of the sequence that each layer may hold.
    Shares(Vec<f64>),
    /// Gates, one per layer with an output per head.
    Gates(Vec<Gate>),
}
