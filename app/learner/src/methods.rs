//! The registry of methods. Each has its own file; any subset composes, but for the refusals of
//! [`Learner::new`](crate::Learner::new).

mod cumulative;
mod ewc;
mod fine_tuning;
mod joint;
mod lwf;
mod replay;

use mnemoscope_core::{Kind, Registry};

/// The methods.
#[derive(Debug, Clone, Copy)]
pub struct Methods;

static KINDS: [Kind; 6] = [fine_tuning::KIND, cumulative::KIND, joint::KIND, replay::KIND, ewc::KIND, lwf::KIND];

impl Registry for Methods {
    const NOUN: &'static str = "method";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
