//! Memory aware synapses: a weight counts by how strongly the outputs react to it; no labels are needed.
//!
//! Aljundi et al. 2018. Eq. 2 and 3: Ω is the mean over samples of |g|, g the gradient of one sample's ‖F(x)‖² (the
//! output's squared length, so that one backward pass serves all outputs). Eq. 5: the loss gains a penalty
//! Σ Ω (θ − θ*)² about the latest weights, here with the lab's ½ ([`importance`](crate::importance)), so that λ here is
//! twice theirs. Importances of several tasks add up, as in the authors' program.
//!
//! F is the logits that the head lets through. The absolute value is taken per sample and is exact
//! ([`taps::accumulate`]): a mean gradient of a batch, as in some tools, would let samples cancel.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::flat::Dense;
use crate::importance::{CHUNK, Elastic, Parabola, SAMPLES, choose, mean, sum};
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::taps::{self, Power};
use crate::{Batch, BlockInfo, Footprint, LearnerError, Reading, State, TaskData, TermInfo};

static KNOBS: [Knob; 2] = [
    Knob::real("lambda", "Strength", "λ", 0.0, 1e8, 0.1, Scale::Log)
        .meaning("Weight of the penalty ½ Σ Ω (θ − θ*)²; the paper writes no ½, so its λ is half of this one.")
        .source("Aljundi et al. 2018, eq. 5; default: preset sweep-mas-lambda")
        .live()
        .swept(),
    SAMPLES,
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "mas",
        label: "MAS",
        meaning: "Pulls each weight back in proportion to how much the outputs' length depends on it; of a row of tokens the outputs at its last answer.",
        source: "Aljundi et al. 2018, \"Memory Aware Synapses\"",
        knobs: &KNOBS,
    },
    place: Place {
        weights: "½ Σ Ω (θ − θ*)², Ω = mean |∂‖F(x)‖²/∂θ|", memory: "importance and anchor", ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct Mas {
    knobs: Knobs,
    elastic: Elastic,
}

impl Mas {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, elastic: Elastic::new(NAME) }
    }
}

/// Σ over the batch's rows of |∂‖F(x)‖²/∂θ|, `[R, P]`.
fn sensitivity(site: &Site, layers: &[Dense], batch: &Batch) -> Tensor<2> {
    let trace = site.network.forward(layers, site.inputs(batch));
    let mut outputs = trace.logits.clone();
    if let Some(mask) = site.head.of(batch, &site.device) {
        outputs = outputs * mask.equal_scalar(0.0).float();
    }
    let weights = TensorData::new(batch.weight.clone(), [site.replicas(), batch.rows, 1]);
    let deltas = site.network.deltas(layers, &trace, outputs * 2.0);
    taps::accumulate(&site.network, &trace, [(deltas, Tensor::from_data(weights, &site.device))], Power::Absolute)
}

impl Method for Mas {
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
        self.elastic.terms(PROFILE.kind.label, "½ λ Σ Ω (θ − θ*)²", "λ", self.knobs.reals("lambda"))
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        self.elastic.penalties(site, self.knobs.reals("lambda"))
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, data: &dyn TaskData) {
        let chosen = choose(site, info, data, self.knobs.whole("samples"));
        let total = sum(site, data, &chosen, CHUNK, |layers, batch, _| sensitivity(site, layers, batch));
        let mut importance = mean(total, chosen.iter().map(Vec::len));
        if let Some(old) = self.elastic.parabola.take() {
            importance = old.importance + importance;
        }
        self.elastic.parabola = Some(Parabola::about(site.weights.clone(), importance));
    }

    fn readings(&self) -> Vec<Reading> {
        self.elastic.readings("mas.importance")
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
