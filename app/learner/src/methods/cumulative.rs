//! Cumulative training: every block trains on all tasks so far.

use mnemoscope_core::{Kind, Knobs};

use super::bytes_of;
use crate::method::{Method, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, Scope, State, TaskData};

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "cumulative",
        label: "Cumulative",
        meaning: "Each block trains on the data of all tasks so far: an upper reference that keeps everything.",
        source: "Lesort et al. 2020, section 4",
        knobs: &[],
    },
    place: Place { memory: "all samples so far", ..Place::NONE },
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;

/// min CE over the union of the tasks so far; each block starts from the weights of the last.
#[derive(Debug, Default)]
pub(super) struct Cumulative {
    bytes: usize,
}

impl Cumulative {
    pub(super) fn new(_knobs: Knobs, _site: &Site) -> Self {
        Self::default()
    }
}

impl Method for Cumulative {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Option<Scope> {
        Some(Scope::SoFar)
    }

    fn begin_block(&mut self, site: &Site, _info: &BlockInfo, data: &dyn TaskData) {
        self.bytes = bytes_of(site, data);
    }

    fn footprint(&self, _site: &Site, _rows: usize) -> Footprint {
        let note = "all samples so far, which this method needs at hand".to_owned();
        Footprint { method: NAME, bytes: self.bytes, flops_per_step: 0.0, note }
    }

    fn save(&self, state: &mut State) {
        state.put_words("cumulative.bytes", [self.bytes as u64]);
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        self.bytes = state.words_of("cumulative.bytes", 1)?[0] as usize;
        Ok(())
    }
}
