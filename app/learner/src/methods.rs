//! The registry of methods. Each has its own file; any subset composes, but for the refusals of
//! [`Learner::new`](crate::Learner::new).

mod cumulative;
mod ewc;
mod fine_tuning;
mod joint;
mod lwf;
mod replay;

use mnemoscope_core::{Kind, Knobs, Registry};

use crate::method::{Method, Site};
use crate::{LearnerError, TaskData};

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

/// The method that `knobs` belong to.
pub(crate) fn build(knobs: Knobs, site: &Site) -> Result<Box<dyn Method>, LearnerError> {
    match knobs.kind().name {
        "fine_tuning" => Ok(Box::new(fine_tuning::FineTuning)),
        "cumulative" => Ok(Box::new(cumulative::Cumulative::default())),
        "joint" => Ok(Box::new(joint::Joint::default())),
        "replay" => Ok(Box::new(replay::Replay::new(knobs, site))),
        "ewc" => Ok(Box::new(ewc::Ewc::new(knobs))),
        "lwf" => Ok(Box::new(lwf::Lwf::new(knobs))),
        other => Err(LearnerError::Unknown { noun: Methods::NOUN, name: other.to_owned() }),
    }
}

/// Bytes of the samples that a block trains on, for methods that need old data at hand.
fn bytes_of(site: &Site, data: &dyn TaskData) -> usize {
    let samples = (0..site.replicas()).map(|replica| data.len(replica)).max().unwrap_or(0);
    samples * (site.features * size_of::<f32>() + size_of::<u32>())
}
