//! Elastic weight consolidation: a quadratic penalty that holds weights which mattered before.
//!
//! Kirkpatrick et al. 2017, eq. 3: L(θ) = L_B(θ) + Σ_i ½ λ F_i (θ_i − θ*_{A,i})², with F the diagonal Fisher information
//! at θ*, a mean over the task's samples ([`taps::fisher`]).
//!
//! - Separate penalties add up: Σ_k ½ λ Σ F_k (θ − θ*_k)². A sum of two parabolas is one parabola and a constant,
//!   F₁ (θ − a)² + F₂ (θ − b)² = (F₁ + F₂) (θ − m)² + F₁ F₂ / (F₁ + F₂) (a − b)², m = (F₁ a + F₂ b) / (F₁ + F₂),
//!   so importance, anchor and constant of one parabola are all that is kept, however many tasks there were.
//! - Online (Schwarz et al. 2018, eq. 8 and 9): F̃ ← γ F̃ + F, and the anchor is the latest θ*.

use burn::tensor::Tensor;
use mnemoscope_core::{Kind, Knob, Knobs, Opt, Scale, random};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use crate::device::Column;
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::taps::{self, Labels};
use crate::{BlockInfo, Footprint, LearnerError, State, TaskData, TermInfo};

static FISHER: [Opt; 4] = [
    Opt {
        name: "expected",
        label: "All classes",
        meaning: "The exact diagonal Fisher information: squared gradients of log p(c), weighted by p(c), all c.",
    },
    Opt { name: "sampled", label: "Sampled", meaning: "One label per sample, drawn from the model's own prediction." },
    Opt { name: "true", label: "True labels", meaning: "The empirical Fisher: the data's labels." },
    Opt {
        name: "batch",
        label: "Squared batch gradient",
        meaning: "Squares of mini-batch mean gradients: what some tools compute; not a Fisher information.",
    },
];

static MODES: [Opt; 2] = [
    Opt { name: "separate", label: "One penalty per task", meaning: "Sum of all past tasks' penalties." },
    Opt { name: "online", label: "Online", meaning: "One penalty about the latest weights, with decayed importance." },
];

static KNOBS: [Knob; 6] = [
    Knob::real("lambda", "Strength", "λ", 0.0, 1e10, 10.0, Scale::Log)
        .meaning("Weight of the penalty; its useful range spans many decades and depends on how F is computed.")
        .source("Kirkpatrick et al. 2017, eq. 3")
        .live()
        .swept(),
    Knob::choice("fisher_labels", "Labels of F", &FISHER, "expected")
        .meaning("Where the labels come from whose log-likelihood is differentiated for F.")
        .source("Kunstner et al. 2019; van de Ven 2025"),
    Knob::choice("mode", "Penalties", &MODES, "separate")
        .meaning("Whether every past task keeps a penalty of its own.")
        .source("separate: Kirkpatrick et al. 2017; online: Schwarz et al. 2018, section 3.2"),
    Knob::real("gamma", "Decay", "γ", 0.0, 1.0, 1.0, Scale::Linear)
        .meaning("What the old importance is multiplied with at each task end; used when online.")
        .source("Schwarz et al. 2018, eq. 9")
        .when("mode", "online")
        .live()
        .swept(),
    Knob::whole("samples", "Samples for F", "n", 0, 1_000_000, 0, Scale::Log)
        .unit("samples")
        .meaning("Samples of the ended task that F is averaged over, drawn at random; 0 takes all.")
        .source("Kirkpatrick et al. 2017")
        .live(),
    Knob::whole("fisher_batch", "Batch for F", "b", 1, 4096, 16, Scale::Log)
        .unit("samples")
        .meaning("Rows of each mean gradient; used when F is the squared batch gradient.")
        .source("Kunstner et al. 2019, section 2")
        .live(),
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "ewc",
        label: "EWC",
        meaning: "Pulls each weight back to its old value in proportion to how much old predictions depend on it.",
        source: "Kirkpatrick et al. 2017, \"Overcoming catastrophic forgetting in neural networks\"",
        knobs: &KNOBS,
    },
    place: Place {
        weights: "½ Σ F (θ − θ*)², F the Fisher information",
        memory: "importance and anchor",
        ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

/// Rows of one pass when F is a mean over samples.
const CHUNK: usize = 256;

/// ½ λ (Σ F (θ − a)² + c) without its factor.
#[derive(Debug, Clone)]
struct Parabola {
    /// F, `[R, P]`.
    importance: Tensor<2>,
    /// a, `[R, P]`.
    anchor: Tensor<2>,
    /// c, `[R, 1]`.
    constant: Tensor<2>,
}

#[derive(Debug)]
pub(super) struct Ewc {
    knobs: Knobs,
    labels: Labels,
    online: bool,
    parabola: Option<Parabola>,
    lambda: Column,
}

impl Ewc {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self {
            labels: Labels::named(knobs.text("fisher_labels")),
            online: knobs.text("mode") == "online",
            parabola: None,
            lambda: Column::default(),
            knobs,
        }
    }

    /// F of the data at the present weights, `[R, P]`.
    fn importance(&self, site: &Site, info: &BlockInfo, data: &dyn TaskData) -> Tensor<2> {
        let asked = self.knobs.whole("samples");
        let chosen: Vec<Vec<u32>> = (0..site.replicas())
            .map(|replica| {
                let mut all: Vec<u32> = (0..data.len(replica) as u32).collect();
                if asked > 0 && asked < all.len() {
                    all.shuffle(&mut random::stream(
                        site.seed,
                        "ewc samples",
                        &[site.seeds[replica], info.block as u64],
                    ));
                    all.truncate(asked);
                }
                all
            })
            .collect();
        let size = if self.labels == Labels::Batch { self.knobs.whole("fisher_batch") } else { CHUNK };
        let longest = chosen.iter().map(Vec::len).max().unwrap_or(0);
        let layers = site.network.layout.cut(&site.weights);
        let mut sum = Tensor::<2>::zeros(site.shape(), &site.device);
        for start in (0..longest).step_by(size) {
            let part = |all: &Vec<u32>| all.iter().skip(start).take(size).copied().collect();
            let batch = data.gather(&chosen.iter().map(part).collect::<Vec<Vec<u32>>>());
            let mut uniforms = Vec::new();
            if self.labels == Labels::Sampled {
                for seed in &site.seeds {
                    let place = [*seed, info.block as u64, start as u64];
                    let mut random = random::stream(site.seed, "ewc labels", &place);
                    uniforms.extend((0..batch.rows).map(|_| random.random::<f32>()));
                }
            }
            let mask = site.head.of(&batch, &site.device);
            sum = sum + taps::fisher(&site.network, &layers, &batch, mask, self.labels, &uniforms);
        }
        let counts = chosen.iter().map(|all| match self.labels {
            Labels::Batch => all.len().div_ceil(size),
            _ => all.len(),
        });
        let shares: Vec<f32> = counts.map(|count| 1.0 / count.max(1) as f32).collect();
        sum * Column::default().of(shares, &site.device)
    }
}

impl Parabola {
    /// This parabola plus Σ F (θ − b)².
    fn plus(self, importance: Tensor<2>, anchor: Tensor<2>) -> Self {
        let total = self.importance.clone() + importance.clone();
        // Where neither task cares, any anchor will do; 1 keeps the division clean.
        let nobody = total.clone().equal_scalar(0.0);
        let share = importance / total.clone().mask_fill(nobody, 1.0);
        let apart = anchor - self.anchor.clone();
        let between = (self.importance * share.clone() * apart.clone().square()).sum_dim(1);
        Self { importance: total, anchor: self.anchor + share * apart, constant: self.constant + between }
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
        if self.parabola.is_none() {
            return Vec::new();
        }
        let formula = if self.online { "½ λ Σ F̃ (θ − θ*)²" } else { "½ λ Σₖ Σ Fₖ (θ − θ*ₖ)²" };
        vec![TermInfo {
            id: NAME,
            label: PROFILE.kind.label.to_owned(),
            formula: formula.to_owned(),
            method: Some(NAME),
            symbol: "λ",
            strength: self.knobs.reals("lambda"),
        }]
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        let Some(Parabola { importance, anchor, constant }) = &self.parabola else { return Vec::new() };
        let lambda = self.lambda.of(self.knobs.reals("lambda"), &site.device);
        let apart = site.weights.clone() - anchor.clone();
        let slope = importance.clone() * apart.clone();
        let squares = (apart * slope.clone()).sum_dim(1) + constant.clone();
        vec![Penalty { id: NAME, value: squares * lambda.clone() * 0.5, gradient: slope * lambda }]
    }

    fn end_block(&mut self, site: &Site, info: &BlockInfo, data: &dyn TaskData) {
        let importance = self.importance(site, info, data);
        let anchor = site.weights.clone();
        let constant = Tensor::zeros([site.replicas(), 1], &site.device);
        self.parabola = Some(match self.parabola.take() {
            None => Parabola { importance, anchor, constant },
            Some(old) if self.online => {
                let gamma = Column::default().of(self.knobs.reals("gamma"), &site.device);
                Parabola { importance: old.importance * gamma + importance, anchor, constant }
            }
            Some(old) => old.plus(importance, anchor),
        });
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        let [_, weights] = site.shape();
        let kept = self.parabola.is_some();
        let note = if kept { "importance and anchor of every weight" } else { "nothing before the first task's end" };
        Footprint {
            method: NAME,
            bytes: if kept { (2 * weights + 1) * size_of::<f32>() } else { 0 },
            // θ − a, times F, times λ, added to the gradient, and the value's product and sum.
            flops_per_step: if kept { 6.0 * weights as f64 } else { 0.0 },
            note: note.to_owned(),
        }
    }

    fn save(&self, state: &mut State) {
        if let Some(parabola) = &self.parabola {
            state.put("ewc.importance", &parabola.importance);
            state.put("ewc.anchor", &parabola.anchor);
            state.put("ewc.constant", &parabola.constant);
        }
    }

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError> {
        let Some(importance) = state.optional("ewc.importance", site.shape(), &site.device)? else {
            self.parabola = None;
            return Ok(());
        };
        self.parabola = Some(Parabola {
            importance,
            anchor: state.tensor("ewc.anchor", site.shape(), &site.device)?,
            constant: state.tensor("ewc.constant", [site.replicas(), 1], &site.device)?,
        });
        Ok(())
    }
}
