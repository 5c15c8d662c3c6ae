//! Joint training: all tasks from the start.

use mnemoscope_core::{Kind, Knobs};

use super::bytes_of;
use crate::method::{Method, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, Scope, State, TaskData};

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "joint",
        label: "Joint",
        meaning: "Every block trains on all tasks of the stream at once: the usual upper reference, which sees the future.",
        source: "\"Joint\" in van de Ven et al. 2022",
        knobs: &[],
    },
    place: Place { memory: "all samples of the stream", ..Place::NONE },
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;

/// min CE over the union of all tasks, in every block.
#[derive(Debug, Default)]
pub(super) struct Joint {
    bytes: usize,
}

impl Joint {
    pub(super) fn new(_knobs: Knobs, _site: &Site) -> Self {
        Self::default()
    }
}

impl Method for Joint {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Option<Scope> {
        Some(Scope::All)
    }

    fn begin_block(&mut self, site: &Site, _info: &BlockInfo, data: &dyn TaskData) {
        self.bytes = bytes_of(site, data);
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        let note = "all samples of the stream, which this method needs at hand".to_owned();
        Footprint { method: NAME, bytes: self.bytes, flops_per_step: 0.0, note }
    }

    fn save(&self, state: &mut State) {
        state.put_words("joint.bytes", [self.bytes as u64]);
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        self.bytes = state.words_of("joint.bytes", 1)?[0] as usize;
        Ok(())
    }
}
