//! Fine-tuning: plain descent on the task at hand, the usual lower reference.

use mnemoscope_core::{Kind, Knobs};

use crate::Footprint;
use crate::method::{Method, Site};
use crate::profile::{Needs, Place, Profile};

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "fine_tuning",
        label: "Fine-tuning",
        meaning: "Trains on the current task alone and does nothing against forgetting: the usual lower reference.",
        source: "\"None\" in van de Ven et al. 2022",
        knobs: &[],
    },
    place: Place::NONE,
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;

/// Nothing beside the batch's own loss: min CE(x, y) over the current task.
#[derive(Debug)]
pub(super) struct FineTuning;

impl FineTuning {
    pub(super) fn new(_knobs: Knobs, _site: &Site) -> Self {
        Self
    }
}

impl Method for FineTuning {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        Footprint { method: NAME, bytes: 0, flops_per_step: 0.0, note: "the plain step".to_owned() }
    }
}
