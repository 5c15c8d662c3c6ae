//! Local cross-entropy: new rows compete with the classes of their own task only, so that nothing presses old outputs
//! down while their classes are away.
//!
//! Smith et al. 2023, "A Closer Look at Rehearsal-Free Continual Learning", train their regularised methods in this way
//! in class-incremental learning; Zeno et al. 2018 call the restriction to the mini-batch's classes the labels trick.
//! The old outputs are shut out of the softmax of the new rows' cross-entropy, in training alone: evaluation compares
//! all. Lab form where it meets replay: rows that a method appends keep the head's own mask.

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::{Kind, Knob, Knobs, Opt};

use crate::SHUT;
use crate::method::{Method, Site};
use crate::profile::{Borders, Needs, Place, Profile};
use crate::rows::Rows;
use crate::{BlockInfo, Footprint, LearnerError, State, TaskData};

static OVER: [Opt; 2] = [
    Opt { name: "task", label: "The task's classes", meaning: "All classes of the task that the row comes from." },
    Opt { name: "batch", label: "The batch's classes", meaning: "The classes that occur among the step's new rows." },
];

static KNOBS: [Knob; 1] = [Knob::choice("over", "Competing", &OVER, "task")
    .meaning("Which outputs a new row's cross-entropy compares.")
    .source("task: Smith et al. 2023; batch: the labels trick of Zeno et al. 2018")];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "local_ce",
        label: "Local cross-entropy",
        meaning: "New rows compete with the classes of their own task only; old outputs are left in peace.",
        source: "Smith et al. 2023, \"A Closer Look at Rehearsal-Free Continual Learning\"",
        knobs: &KNOBS,
    },
    place: Place { acts: "shuts old outputs out of the new rows' cross-entropy", ..Place::NONE },
    needs: Needs { borders: Borders::NeededWhen("over", "task"), ..Needs::NOTHING },
};
const NAME: &str = PROFILE.kind.name;

#[derive(Debug)]
pub(super) struct LocalCe {
    knobs: Knobs,
    by_task: bool,
    /// Classes of every group, `[replica][group]`.
    groups: Vec<Vec<Vec<u16>>>,
}

impl LocalCe {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { by_task: knobs.text("over") == "task", knobs, groups: Vec::new() }
    }
}

impl Method for LocalCe {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn knobs(&self) -> Option<&Knobs> {
        Some(&self.knobs)
    }

    fn knobs_mut(&mut self) -> Option<&mut Knobs> {
        Some(&mut self.knobs)
    }

    fn competitors(&self) -> Option<&'static str> {
        Some(if self.by_task { "C(task)" } else { "C(B)" })
    }

    fn begin_block(&mut self, _site: &Site, info: &BlockInfo, _data: &dyn TaskData) {
        self.groups.clone_from(&info.group_classes);
    }

    fn mask_logits(&mut self, site: &Site, rows: &Rows) -> Option<Tensor<3>> {
        let batch = rows.batch();
        let mut mask = vec![0.0; site.replicas() * batch.rows * site.classes];
        for replica in 0..site.replicas() {
            let new = replica * batch.rows..replica * batch.rows + rows.new_rows();
            let met: Vec<u16> = new.clone().filter(|row| batch.weight[*row] > 0.0).map(|r| batch.y[r] as u16).collect();
            for row in new {
                let own = self.groups.get(replica).and_then(|groups| groups.get(usize::from(batch.group[row])));
                let allowed = if self.by_task { own.unwrap_or(&met) } else { &met };
                let outputs = &mut mask[row * site.classes..(row + 1) * site.classes];
                outputs.fill(SHUT);
                // A mislabelled row's own label competes too: shut out, its loss would be without bound.
                for class in allowed.iter().copied().chain([batch.y[row] as u16]).map(usize::from) {
                    if let Some(output) = outputs.get_mut(class) {
                        *output = 0.0;
                    }
                }
            }
        }
        let shape = [site.replicas(), batch.rows, site.classes];
        Some(Tensor::from_data(TensorData::new(mask, shape), &site.device))
    }

    fn footprint(&self, site: &Site, rows: usize) -> Footprint {
        let (bytes, note) = (0, "a mask of the step's outputs, made anew".to_owned());
        Footprint { method: NAME, bytes, flops_per_step: (rows * site.classes) as f64, note }
    }

    fn load(&mut self, _site: &Site, state: &State) -> Result<(), LearnerError> {
        self.groups = state.block.as_ref().map(|info| info.group_classes.clone()).unwrap_or_default();
        Ok(())
    }
}
