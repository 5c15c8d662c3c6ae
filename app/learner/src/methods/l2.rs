//! L2 to the old weights: every weight is pulled back to where the last task left it, all alike.
//!
//! The loss gains ½ λ ‖θ − θ*‖² with θ* the weights at the end of the last task. It is the plain baseline of Kirkpatrick
//! et al. 2017, fig. 2, and of Smith et al. 2023, "A Closer Look at Rehearsal-Free Continual Learning".

use burn::tensor::Tensor;
use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::device::Column;
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, State, TaskData, TermInfo};

static KNOBS: [Knob; 1] = [Knob::real("lambda", "Strength", "λ", 0.0, 1e6, 0.1, Scale::Log)
    .meaning("Weight of the penalty ½ Σ (θ − θ*)².")
    .source("Smith et al. 2023; default: preset sweep-l2-lambda")
    .live()
    .swept()];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "l2",
        label: "L2 to old weights",
        meaning: "Pulls every weight back to its value at the last task's end, all weights alike.",
        source: "Smith et al. 2023, \"A Closer Look at Rehearsal-Free Continual Learning\"",
        knobs: &KNOBS,
    },
    place: Place { weights: "½ Σ (θ − θ*)²", memory: "anchor", ..Place::NONE },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct L2 {
    knobs: Knobs,
    /// θ*, `[R, P]`.
    anchor: Option<Tensor<2>>,
    lambda: Column,
}

impl L2 {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, anchor: None, lambda: Column::default() }
    }
}

impl Method for L2 {
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
        let term = |_: &Tensor<2>| TermInfo {
            id: NAME,
            label: PROFILE.kind.label.to_owned(),
            formula: "½ λ Σ (θ − θ*)²".to_owned(),
            method: Some(NAME),
            symbol: "λ",
            strength: self.knobs.reals("lambda"),
        };
        self.anchor.iter().map(term).collect()
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        let Some(anchor) = &self.anchor else { return Vec::new() };
        let lambda = self.lambda.of(self.knobs.reals("lambda"), &site.device);
        let apart = site.weights.clone() - anchor.clone();
        let gradient = apart.clone() * lambda;
        let value = (apart * gradient.clone()).sum_dim(1) * 0.5;
        vec![Penalty { id: NAME, value, gradient }]
    }

    fn end_block(&mut self, site: &Site, _info: &BlockInfo, _data: &dyn TaskData) {
        self.anchor = Some(site.weights.clone());
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let [_, weights] = site.shape();
        let kept = self.anchor.is_some();
        Footprint {
            method: NAME,
            bytes: if kept { weights * size_of::<f32>() } else { 0 },
            // θ − θ*, times λ, added to the gradient, and the value's product and sum.
            flops_per_step: if kept { 5.0 * weights as f64 } else { 0.0 },
            note: if kept { "the old weights" } else { "nothing before the first task's end" }.to_owned(),
        }
    }

    fn save(&self, state: &mut State) {
        if let Some(anchor) = &self.anchor {
            state.put("l2.anchor", anchor);
        }
    }

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError> {
        self.anchor = state.optional("l2.anchor", site.shape(), &site.device)?;
        Ok(())
    }
}
