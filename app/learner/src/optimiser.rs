//! The registry of optimisers. Each acts on the flat weights `[R, P]` with its own knobs per replica.

mod adamw;
mod sgd;

use std::fmt;

use burn::tensor::{Bool, Tensor};
use mnemoscope_core::{Kind, Knobs, Registry};

use crate::method::Site;
use crate::{LearnerError, State};

/// The optimisers.
#[derive(Debug, Clone, Copy)]
pub struct Optimisers;

static KINDS: [Kind; 2] = [sgd::KIND, adamw::KIND];

impl Registry for Optimisers {
    const NOUN: &'static str = "optimiser";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

/// A step that was worked out and not yet taken.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// What is to be subtracted from the weights, `[R, P]`.
    pub step: Tensor<2>,
    /// A sum over further state that must be finite, `[R, 1]`.
    pub watch: Option<Tensor<2>>,
}

/// Works out steps from gradients.
pub(crate) trait Optimiser: fmt::Debug + Send {
    fn knobs(&self) -> &Knobs;

    fn knobs_mut(&mut self) -> &mut Knobs;

    /// Strengths of an L2 penalty that is part of the loss, `[R]`; none when all are 0.
    fn penalty(&self) -> Option<Vec<f32>> {
        None
    }

    /// The next step, with `rates` `[R, 1]`. Moments are updated as if every replica took it.
    fn propose(&mut self, site: &Site, gradient: Tensor<2>, rates: Tensor<2>) -> Proposal;

    /// Puts back the moments of replicas that do not take the proposed step, `held` `[R, P]`; not called when all take it.
    fn hold(&mut self, held: &Tensor<2, Bool>);

    /// Floating-point operations of one step per weight.
    fn flops(&self) -> f64;

    fn save(&self, state: &mut State);

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError>;
}

/// The optimiser that `knobs` belong to.
pub(crate) fn build(knobs: Knobs) -> Result<Box<dyn Optimiser>, LearnerError> {
    match knobs.kind().name {
        "sgd" => Ok(Box::new(sgd::Sgd::new(knobs))),
        "adamw" => Ok(Box::new(adamw::AdamW::new(knobs))),
        other => Err(LearnerError::Unknown { noun: Optimisers::NOUN, name: other.to_owned() }),
    }
}
