//! ER-ACE: new samples compete only with the classes of their own batch, old ones with all.
//!
//! Caccia et al. 2022, eq. 5 and 6 (asymmetric cross-entropy): L = CE(B; C_B) + CE(M; C_old ∪ C_B), two means, where C_B
//! are the classes of the incoming batch. So new samples cannot push the logits of old classes down, which is what makes
//! representations of old classes drift at a task's start. [`Method::mask_logits`] shuts all classes out of C_B for the new
//! rows of a replica; old rows keep the head's classes. Two things in which the authors' code goes further are left out:
//! there, classes that were never seen compete for new rows too (no difference where the head has seen classes only), and
//! with known borders the first task is trained without the restriction.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::{Kind, Knob, Knobs};

use crate::SHUT;
use crate::method::{Method, Site};
use crate::profile::{Needs, Place, Profile};
use crate::rehearsal::{BATCH, CAPACITY, Rehearsal, STORAGE_RULE};
use crate::rows::{Rows, Share};
use crate::{Footprint, LearnerError, State, TermInfo};

static KNOBS: [Knob; 3] = [CAPACITY, BATCH, STORAGE_RULE];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "er_ace",
        label: "ER-ACE",
        meaning: "Replay in which new samples compete only with the classes of their own batch.",
        source: "Caccia et al. 2022, \"New Insights on Reducing Abrupt Representation Change in Online Continual Learning\"",
        knobs: &KNOBS,
    },
    place: Place {
        target: "labels",
        outputs: "cross-entropy",
        memory: "samples and labels",
        acts: "on which classes new samples compete with",
        ..Place::NONE
    },
    needs: Needs::NOTHING,
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct ErAce {
    knobs: Knobs,
    memory: Rehearsal,
}

impl ErAce {
    pub(super) fn new(knobs: Knobs, site: &Site) -> Self {
        Self { memory: Rehearsal::new(NAME, &knobs, knobs.text("storage"), 0, site), knobs }
    }
}

impl Method for ErAce {
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
        if self.memory.is_empty() {
            return Vec::new();
        }
        vec![TermInfo {
            id: NAME,
            label: PROFILE.kind.label.to_owned(),
            formula: "CE(x′, y′)".to_owned(),
            method: Some(NAME),
            symbol: "",
            strength: Vec::new(),
        }]
    }

    fn competitors(&self) -> Option<&'static str> {
        Some("C(B)")
    }

    fn extend_batch(&mut self, site: &Site, rows: &mut Rows) {
        let wanted = self.knobs.whole("batch");
        let drawn = (!self.memory.is_empty()).then(|| self.memory.draw(site, &rows.batch().active, wanted, "draw").0);
        self.memory.offer(site, rows.batch(), rows.new_rows());
        if let Some(drawn) = drawn {
            rows.append(NAME, &drawn, Share::Weighted(vec![1.0; site.replicas()]));
        }
    }

    fn mask_logits(&mut self, site: &Site, rows: &Rows) -> Option<Tensor<3>> {
        let (batch, new, classes) = (rows.batch(), rows.new_rows(), site.classes);
        let mut mask = vec![0.0; batch.y.len() * classes];
        for replica in 0..site.replicas() {
            let own = || (0..new).map(|row| replica * batch.rows + row);
            let mut present = vec![SHUT; classes];
            own().filter(|row| batch.weight[*row] > 0.0).for_each(|row| present[batch.y[row] as usize] = 0.0);
            own().for_each(|row| mask[row * classes..(row + 1) * classes].copy_from_slice(&present));
        }
        Some(Tensor::from_data(TensorData::new(mask, [site.replicas(), batch.rows, classes]), &site.device))
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let held = self.memory.held();
        let drawn = held.min(self.knobs.whole("batch"));
        Footprint {
            method: NAME,
            bytes: self.memory.bytes(),
            flops_per_step: site.network.step_flops(drawn),
            note: format!("{held} samples as f32, {drawn} more rows in each step"),
        }
    }

    fn save(&self, state: &mut State) {
        self.memory.save(state);
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        self.memory.load(state)
    }
}
