//! Fine-tuning: plain descent on the task at hand, the usual lower reference.

use mnemoscope_core::Kind;

use crate::Footprint;
use crate::method::{Method, Site};

pub(super) const KIND: Kind = Kind {
    name: "fine_tuning",
    label: "Fine-tuning",
    meaning: "Trains on the current task alone and does nothing against forgetting: the usual lower reference.",
    source: "\"None\" in van de Ven et al. 2022",
    knobs: &[],
};

/// Nothing beside the batch's own loss: min CE(x, y) over the current task.
#[derive(Debug)]
pub(super) struct FineTuning;

impl Method for FineTuning {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        Footprint { method: KIND.name, bytes: 0, flops_per_step: 0.0, note: "the plain step".to_owned() }
    }
}
