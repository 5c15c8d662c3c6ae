//! Elastic weight consolidation: a quadratic penalty that holds weights which mattered before.
//!
//! Kirkpatrick et al. 2017, eq. 3: L(θ) = L_B(θ) + Σ_i ½ λ F_i (θ_i − θ*_{A,i})², with F the diagonal Fisher information
//! at θ*, a mean over the task's samples ([`fisher::information`]), and one such penalty for each past task.
//!
//! The penalties add up: Σ_k ½ λ Σ F_k (θ − θ*_k)². A sum of two parabolas is one parabola and a constant
//! ([`Parabola::plus`]), so importance, anchor and constant are all that is kept, however many tasks there were.

use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::fisher::{self, FISHER_BATCH, FISHER_LABELS};
use crate::importance::{Elastic, Parabola, SAMPLES};
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, Reading, State, TaskData, TermInfo};

static KNOBS: [Knob; 4] = [
    Knob::real("lambda", "Strength", "λ", 0.0, 1e10, 10.0, Scale::Log)
        .meaning("Weight of the penalty; its useful range spans many decades and depends on how F is computed.")
        .source("Kirkpatrick et al. 2017, eq. 3; default: preset sweep-ewc-lambda")
        .live()
        .swept(),
    FISHER_LABELS,
    SAMPLES,
    FISHER_BATCH,
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "ewc",
        label: "EWC",
        meaning: "Pulls each weight back to its old values in proportion to how much old predictions depend on it.",
        source: "Kirkpatrick et al. 2017, \"Overcoming catastrophic forgetting in neural networks\"",
        knobs: &KNOBS,
    },
    place: Place {
        weights: "½ Σₖ Σ Fₖ (θ − θ*ₖ)², F the Fisher information",
        memory: "importance and anchor",
        ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct Ewc {
    knobs: Knobs,
    elastic: Elastic,
}

impl Ewc {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, elastic: Elastic::new(NAME) }
    }
}

impl Method for Ewc {
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
        self.elastic.terms(PROFILE.kind.label, "½ λ Σₖ Σ Fₖ (θ − θ*ₖ)²", "λ", self.knobs.reals("lambda"))
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        self.elastic.penalties(site, self.knobs.reals("lambda"))
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, data: &dyn TaskData) {
        let importance = fisher::information(&self.knobs, site, info, data);
        let anchor = site.weights.clone();
        self.elastic.parabola = Some(match self.elastic.parabola.take() {
            None => Parabola::about(anchor, importance),
            Some(old) => old.plus(importance, anchor),
        });
    }

    fn readings(&self) -> Vec<Reading> {
        self.elastic.readings("ewc.importance")
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        self.elastic.footprint(site, 0, 0.0, "importance and anchor of every weight")
    }

    fn save(&self, state: &mut State) {
        self.elastic.save(state);
    }

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError> {
        self.elastic.load(site, state)
    }
}
