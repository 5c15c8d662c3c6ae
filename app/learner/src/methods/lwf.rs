//! Learning without forgetting: the network before the task teaches the old outputs on the new inputs.
//!
//! Li and Hoiem 2016, eq. 2 to 4: the loss adds λ_o L_old(Y_o, Ŷ_o), the cross-entropy between the old and the present
//! network's softened outputs over the old classes on the new task's inputs. Here L_old is T² KL(q ‖ p) with
//! q = softmax(z_old / T) and p = softmax(z / T) over the classes seen before the block, a mean over the new rows; it
//! differs from the paper's cross-entropy by the entropy of q, which no weight changes, and by T² (Hinton et al. 2015).
//! Its slope at the logits is T (p − q).

use burn::tensor::{Tensor, TensorData};
use mnemoscope_core::{Kind, Knob, Knobs, Scale};

use crate::head::only;
use crate::loss::softmax;
use crate::method::{LogitTerm, Method, Pass, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, State, TaskData, TermInfo};

static KNOBS: [Knob; 2] = [
    Knob::real("weight", "Strength", "β", 0.0, 1e3, 1.0, Scale::Log)
        .meaning("Weight of the distillation term.")
        .source("λ_o of Li and Hoiem 2016, fig. 3")
        .live()
        .swept(),
    Knob::real("temperature", "Temperature", "T", 0.1, 20.0, 2.0, Scale::Log)
        .meaning("Softens both predictions; the term carries T² so that its gradients keep their size.")
        .source("Hinton et al. 2015; T = 2: Li and Hoiem 2016")
        .live()
        .swept(),
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "lwf",
        label: "LwF",
        meaning: "Keeps the old outputs on the new inputs close to what the network said before the task.",
        source: "Li and Hoiem 2016, \"Learning without Forgetting\"",
        knobs: &KNOBS,
    },
    place: Place {
        target: "the old network's outputs on new inputs",
        outputs: "T² KL(σ(z*/T) ‖ σ(z/T))",
        memory: "the old network",
        ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

/// The network at the end of the last block.
#[derive(Debug)]
struct Teacher {
    /// `[R, P]`.
    weights: Tensor<2>,
    /// Classes that it had seen, per replica.
    classes: Vec<Vec<u16>>,
    /// The same as a mask on the logits, `[R, 1, C]`.
    mask: Tensor<3>,
}

impl Teacher {
    fn new(weights: Tensor<2>, classes: Vec<Vec<u16>>, site: &Site) -> Self {
        let mask = only(&classes, site.classes, &site.device);
        Self { weights, classes, mask }
    }
}

#[derive(Debug)]
pub(super) struct Lwf {
    knobs: Knobs,
    teacher: Option<Teacher>,
}

impl Lwf {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, teacher: None }
    }
}

impl Method for Lwf {
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
        if self.teacher.is_none() {
            return Vec::new();
        }
        vec![TermInfo {
            id: NAME,
            label: PROFILE.kind.label.to_owned(),
            formula: "β T² KL(σ(z*/T) ‖ σ(z/T))".to_owned(),
            method: Some(NAME),
            symbol: "β",
            strength: self.knobs.reals("weight"),
        }]
    }

    fn logit_terms(&mut self, site: &Site, pass: &Pass<'_>) -> Vec<LogitTerm> {
        let Some(teacher) = &self.teacher else { return Vec::new() };
        let (replicas, rows) = (site.replicas(), pass.rows.new_rows());
        let new = |tensor: &Tensor<3>| {
            let [_, _, width] = tensor.dims();
            tensor.clone().slice([0..replicas, 0..rows, 0..width])
        };
        let per_replica = |values: Vec<f32>| -> Tensor<3> {
            Tensor::from_data(TensorData::new(values, [replicas, 1, 1]), &site.device)
        };
        let temperatures = self.knobs.reals("temperature");
        let temperature = per_replica(temperatures.clone());
        let soft = |z: Tensor<3>| z / temperature.clone() + teacher.mask.clone();
        let old = soft(site.network.logits(&site.network.layout.cut(&teacher.weights), new(pass.x)));
        let now = soft(new(pass.logits));
        let (q, p) = (softmax(&old), softmax(&now));
        let log_ratio = (old - q.log_sum) - (now - p.log_sum);
        // Each row's share of the mean, with β and one T; the value takes the second T.
        let betas = self.knobs.reals("weight");
        let mut shares = pass.rows.new_factors();
        for (at, share) in shares.iter_mut().enumerate() {
            let replica = at / rows.max(1);
            *share *= betas[replica] * temperatures[replica];
        }
        let shares = Tensor::<3>::from_data(TensorData::new(shares, [replicas, rows, 1]), &site.device);
        let divergence = (q.probabilities.clone() * log_ratio).sum_dim(2);
        let value = (divergence * shares.clone()).sum_dim(1) * temperature;
        let gradient = (p.probabilities - q.probabilities) * shares;
        vec![LogitTerm { id: NAME, value: value.reshape([replicas, 1]), first: 0, gradient }]
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, _data: &dyn TaskData) {
        self.teacher = Some(Teacher::new(site.weights.clone(), info.seen.clone(), site));
    }

    fn footprint(&self, site: &Site, rows: usize) -> Footprint {
        let [_, weights] = site.shape();
        let kept = self.teacher.is_some();
        let note = if kept { "the old network, and its forward pass" } else { "nothing before the first task's end" };
        Footprint {
            method: NAME,
            bytes: if kept { weights * size_of::<f32>() } else { 0 },
            flops_per_step: if kept { 2.0 * (rows * site.network.layout.connections()) as f64 } else { 0.0 },
            note: note.to_owned(),
        }
    }

    fn save(&self, state: &mut State) {
        if let Some(teacher) = &self.teacher {
            state.put("lwf.weights", &teacher.weights);
            for (replica, classes) in teacher.classes.iter().enumerate() {
                state.put_words(&format!("lwf.{replica}.classes"), classes.iter().map(|class| u64::from(*class)));
            }
        }
    }

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError> {
        let Some(weights) = state.optional("lwf.weights", site.shape(), &site.device)? else {
            self.teacher = None;
            return Ok(());
        };
        let classes = (0..site.replicas())
            .map(|replica| {
                let words = state.words(&format!("lwf.{replica}.classes"))?;
                Ok(words.iter().map(|class| *class as u16).collect())
            })
            .collect::<Result<Vec<Vec<u16>>, LearnerError>>()?;
        self.teacher = Some(Teacher::new(weights, classes, site));
        Ok(())
    }
}
