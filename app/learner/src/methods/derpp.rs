//! Dark experience replay++: stored logits as in DER, and stored labels on a second draw.
//!
//! Buzzega et al. 2020, eq. 6: L = CE(y, f(x)) + α E ‖z′ − h(x′)‖² + β E CE(y″, f(x″)), where x′ and x″ are two
//! independent draws from one buffer. The first draw is apart from the cross-entropy and has the term of
//! [`StoredLogits`]; the second is a mean of its own with weight β. With β = 0 the loss is DER's.

use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use super::der::ALPHA;
use crate::method::{LogitTerm, Method, Pass, Site};
use crate::profile::{Needs, Place, Profile};
use crate::rehearsal::{BATCH, CAPACITY};
use crate::rows::{Rows, Share};
use crate::stored_logits::StoredLogits;
use crate::{Footprint, LearnerError, State, TermInfo};

static KNOBS: [Knob; 4] = [
    CAPACITY,
    BATCH,
    ALPHA,
    Knob::real("beta", "Label weight", "β", 0.0, 100.0, 2.0, Scale::Log)
        .meaning("Weight of the cross-entropy on the second draw.")
        .source("2: preset sweep-derpp-beta; Buzzega et al. 2020, appendix, have 0.5 and 1")
        .live()
        .swept(),
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "derpp",
        label: "DER++",
        meaning: "Holds the network to the logits that old samples had, and to the labels of some others; of a row of tokens the logits of its last answer.",
        source: "Buzzega et al. 2020, \"Dark Experience for General Continual Learning: a Strong, Simple Baseline\"",
        knobs: &KNOBS,
    },
    place: Place {
        target: "logits at the time of storing, and labels",
        outputs: "‖z′ − z‖² / C, and cross-entropy",
        memory: "samples, labels and logits",
        ..Place::NONE
    },
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;
/// The two terms and the rows that make them.
const LOGITS: &str = "derpp_logits";
const LABELS: &str = "derpp_labels";

#[derive(Debug)]
pub(super) struct Derpp {
    knobs: Knobs,
    stored: StoredLogits,
}

impl Derpp {
    pub(super) fn new(knobs: Knobs, site: &Site) -> Self {
        Self { stored: StoredLogits::new(NAME, &knobs, site), knobs }
    }
}

impl Method for Derpp {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn knobs(&self) -> Option<&Knobs> {
        Some(&self.knobs)
    }

    fn knobs_mut(&mut self) -> Option<&mut Knobs> {
        Some(&mut self.knobs)
    }

    fn term_ids(&self) -> Vec<&'static str> {
        vec![LOGITS, LABELS]
    }

    fn terms(&self) -> Vec<TermInfo> {
        if self.stored.memory().is_empty() {
            return Vec::new();
        }
        let term = |id, label: &str, formula: &str, symbol, knob| TermInfo {
            id,
            label: label.to_owned(),
            formula: formula.to_owned(),
            method: Some(NAME),
            symbol,
            strength: self.knobs.reals(knob),
        };
        vec![
            term(LABELS, "DER++ labels", "β CE(x″, y″)", "β", "beta"),
            term(LOGITS, "DER++ logits", "α ‖z′ − f(x′)‖² / C", "α", "alpha"),
        ]
    }

    fn extend_batch(&mut self, site: &Site, rows: &mut Rows) {
        if !self.stored.memory().is_empty() {
            let wanted = self.knobs.whole("batch");
            self.stored.append(site, rows, wanted, LOGITS);
            let (second, _) = self.stored.memory().draw(site, &rows.batch().active, wanted, "second draw");
            rows.append(LABELS, &second, Share::Weighted(self.knobs.reals("beta")));
        }
        self.stored.offer(site, rows);
    }

    fn logit_terms(&mut self, site: &Site, pass: &Pass<'_>) -> Vec<LogitTerm> {
        let term = self.stored.term(site, pass, LOGITS, &self.knobs.reals("alpha"));
        self.stored.keep(site, pass);
        term.into_iter().collect()
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let held = self.stored.memory().held();
        let drawn = 2 * held.min(self.knobs.whole("batch"));
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
