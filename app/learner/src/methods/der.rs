//! Dark experience replay: old samples are held to the outputs that the network once gave them.
//!
//! Buzzega et al. 2020, eq. 5: L = CE(y, f(x)) + α E ‖z′ − h(x′)‖² over (x′, z′) from the buffer, with h the logits and z′
//! those of the moment of storing; algorithm 1: draw, step, and offer the new samples to a reservoir with the logits of
//! before the update. The square is here the mean over the outputs, as in the authors' code, to which the published α
//! belong; see [`StoredLogits`]. Labels are not replayed.

use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::method::{LogitTerm, Method, Pass, Site};
use crate::profile::{Needs, Place, Profile};
use crate::rehearsal::{BATCH, CAPACITY};
use crate::rows::Rows;
use crate::stored_logits::StoredLogits;
use crate::{Footprint, LearnerError, State, TermInfo};

/// Strength of the squared distance to the stored logits.
pub(super) const ALPHA: Knob = Knob::real("alpha", "Logit weight", "α", 0.0, 100.0, 1.0, Scale::Log)
    .meaning("Weight of the squared distance to the stored logits, a mean over rows and outputs.")
    .source("1: preset sweep-der-alpha; Buzzega et al. 2020, appendix, have 0.1 to 1 with the same mean over outputs")
    .live()
    .swept();

static KNOBS: [Knob; 3] = [CAPACITY, BATCH, ALPHA];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "der",
        label: "DER",
        meaning: "Keeps old samples with the logits that they had, and holds the network to those; of a row of tokens those of its last answer.",
        source: "Buzzega et al. 2020, \"Dark Experience for General Continual Learning: a Strong, Simple Baseline\"",
        knobs: &KNOBS,
    },
    place: Place {
        target: "logits at the time of storing",
        outputs: "‖z′ − z‖² / C",
        memory: "samples, labels and logits",
        ..Place::NONE
    },
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct Der {
    knobs: Knobs,
    stored: StoredLogits,
}

impl Der {
    pub(super) fn new(knobs: Knobs, site: &Site) -> Self {
        Self { stored: StoredLogits::new(NAME, &knobs, site), knobs }
    }
}

impl Method for Der {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn knobs(&self) -> Option<&Knobs> {
        Some(&self.knobs)
    }

    fn knobs_mut(&mut self) -> Option<&mut Knobs> {
        Some(&mut self.knobs)
    }

    fn terms(&self) -> Vec<TermInfo> {
        if self.stored.memory().is_empty() {
            return Vec::new();
        }
        vec![TermInfo {
            id: NAME,
            label: PROFILE.kind.label.to_owned(),
            formula: "α ‖z′ − f(x′)‖² / C".to_owned(),
            method: Some(NAME),
            symbol: "α",
            strength: self.knobs.reals("alpha"),
        }]
    }

    fn extend_batch(&mut self, site: &Site, rows: &mut Rows) {
        if !self.stored.memory().is_empty() {
            self.stored.append(site, rows, self.knobs.whole("batch"), NAME);
        }
        self.stored.offer(site, rows);
    }

    fn logit_terms(&mut self, site: &Site, pass: &Pass<'_>) -> Vec<LogitTerm> {
        let term = self.stored.term(site, pass, NAME, &self.knobs.reals("alpha"));
        self.stored.keep(site, pass);
        term.into_iter().collect()
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let held = self.stored.memory().held();
        let drawn = held.min(self.knobs.whole("batch"));
        Footprint {
            method: NAME,
            bytes: self.stored.memory().bytes(),
            flops_per_step: site.network.step_flops(drawn),
            note: format!("{held} samples with their logits as f32, {drawn} more rows in each step"),
        }
    }

    fn save(&self, state: &mut State) {
        self.stored.save(state);
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        self.stored.load(state)
    }
}
