//! Online elastic weight consolidation: one penalty about the latest weights, with an importance that fades.
//!
//! Schwarz et al. 2018, section 3.2. Eq. 8: task i descends its loss plus ½ ‖θ − θ*_{i−1}‖² weighted by γ F*_{i−1}, here
//! times λ. Eq. 9: F*_i = γ F*_{i−1} + F_i, with F_i the task's own diagonal Fisher information at θ*_i. The paper also
//! scales each F_i to one size before it is added; the lab does not, so that λ means what it means in `ewc`.

use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::device::Column;
use crate::fisher::{self, FISHER_BATCH, FISHER_LABELS};
use crate::importance::{Elastic, Parabola, SAMPLES};
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, Reading, State, TaskData, TermInfo};

static KNOBS: [Knob; 5] = [
    Knob::real("lambda", "Strength", "λ", 0.0, 1e10, 10.0, Scale::Log)
        .meaning("Weight of the penalty; its useful range spans many decades and depends on how F is computed.")
        .source("Schwarz et al. 2018, eq. 8; default: preset sweep-online-ewc-lambda")
        .live()
        .swept(),
    Knob::real("gamma", "Decay", "γ", 0.0, 1.0, 1.0, Scale::Linear)
        .meaning(
            "What the old importance is multiplied with at each task's end, and in the penalty; 1 forgets nothing.",
        )
        .source("Schwarz et al. 2018, eq. 8 and 9")
        .live()
        .swept(),
    FISHER_LABELS,
    SAMPLES,
    FISHER_BATCH,
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "online_ewc",
        label: "Online EWC",
        meaning: "Pulls each weight back to its latest old value; old importances are added up and fade.",
        source: "Schwarz et al. 2018, \"Progress & Compress\"",
        knobs: &KNOBS,
    },
    place: Place {
        weights: "½ γ Σ F* (θ − θ*)², F* fading Fisher information",
        memory: "importance and anchor",
        ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct OnlineEwc {
    knobs: Knobs,
    elastic: Elastic,
}

impl OnlineEwc {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, elastic: Elastic::new(NAME) }
    }
}

impl Method for OnlineEwc {
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
        self.elastic.terms(PROFILE.kind.label, "½ λ γ Σ F* (θ − θ*)²", "λ", self.knobs.reals("lambda"))
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        let factors = self.knobs.reals("lambda").into_iter().zip(self.knobs.reals("gamma"));
        self.elastic.penalties(site, factors.map(|(lambda, gamma)| lambda * gamma).collect())
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, data: &dyn TaskData) {
        let mut importance = fisher::information(&self.knobs, site, info, data);
        if let Some(old) = self.elastic.parabola.take() {
            let gamma = Column::default().of(self.knobs.reals("gamma"), &site.device);
            importance = old.importance * gamma + importance;
        }
        self.elastic.parabola = Some(Parabola::about(site.weights.clone(), importance));
    }

    fn readings(&self) -> Vec<Reading> {
        self.elastic.readings("online_ewc.importance")
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
