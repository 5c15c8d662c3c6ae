//! Synaptic intelligence: a weight counts by how much the loss fell along its own path.
//!
//! Zenke, Poole and Ganguli 2017, with the lab's ½ ([`importance`](crate::importance)), so that c here is twice theirs.
//! - Eq. 3: over a task, ω ← ω − g Δθ at each step, g the gradient of the data's loss alone and Δθ the step that the
//!   weights then took, whatever moved them.
//! - Eq. 5: at the task's end Ω ← Ω + ω / (Δ² + ξ), Δ the way from the task's start to its end.
//! - Eq. 4: the loss gains ½ c Σ Ω (θ − θ̃)², θ̃ the weights at the last task's end.
//!
//! Noise and curvature can make ω negative, and a negative Ω would push weights away without bound. The paper is silent;
//! its authors' program cuts the sum off at 0 at each task's end, and so does the setting `negative: "cut"`.

use burn::tensor::Tensor;
use mnemoscope_core::{Kind, Knob, Knobs, Opt, Scale};

use crate::device::Column;
use crate::importance::{Elastic, Parabola};
use crate::method::{Method, Penalty, Site};
use crate::profile::{Needs, Place, Profile};
use crate::{BlockInfo, Footprint, LearnerError, Reading, State, TaskData, TermInfo};

static NEGATIVE: [Opt; 2] = [
    Opt { name: "cut", label: "Cut off at 0", meaning: "Ω never falls below 0, as in the authors' program." },
    Opt {
        name: "kept", label: "Kept", meaning: "Ω as in the equations; where it is negative it drives weights away."
    },
];

static KNOBS: [Knob; 3] = [
    Knob::real("c", "Strength", "c", 0.0, 1e6, 1.0, Scale::Log)
        .meaning("Weight of the penalty ½ Σ Ω (θ − θ̃)²; the paper writes no ½, so its c is half of this one.")
        .source("Zenke et al. 2017, eq. 4; default: preset sweep-si-c")
        .live()
        .swept(),
    Knob::real("xi", "Damping", "ξ", 1e-9, 1e3, 0.1, Scale::Log)
        .meaning("Added to the squared way, so that weights that stood still get no boundless importance.")
        .source("Zenke et al. 2017, eq. 5; 0.1 on permuted and 0.001 on split digits in the authors' program")
        .live()
        .swept(),
    Knob::choice("negative", "Negative Ω", &NEGATIVE, "cut")
        .meaning("What becomes of importances below 0.")
        .source("cut: the authors' program; kept: Zenke et al. 2017, eq. 5"),
];

pub(super) const PROFILE: Profile = Profile {
    kind: Kind {
        name: "si",
        label: "SI",
        meaning: "Pulls each weight back in proportion to how much of the old loss's fall was its own doing.",
        source: "Zenke et al. 2017, \"Continual Learning Through Synaptic Intelligence\"",
        knobs: &KNOBS,
    },
    place: Place {
        weights: "½ Σ Ω (θ − θ̃)², Ω the loss's fall along each weight's path",
        memory: "importance, anchor and running sum",
        ..Place::NONE
    },
    needs: Needs::BORDERS,
};
const NAME: &str = PROFILE.kind.name;

/// A step under way: the data's gradient and the weights before it, both `[R, P]`.
#[derive(Debug)]
struct Step {
    gradient: Tensor<2>,
    before: Tensor<2>,
}

#[derive(Debug)]
pub(super) struct Si {
    knobs: Knobs,
    elastic: Elastic,
    /// The weights at the task's start, `[R, P]`.
    start: Option<Tensor<2>>,
    /// ω, `[R, P]`.
    path: Option<Tensor<2>>,
    /// It is closed when the next one begins, so that Δθ holds what any method did to the weights after the update.
    step: Option<Step>,
}

impl Si {
    pub(super) fn new(knobs: Knobs, _site: &Site) -> Self {
        Self { knobs, elastic: Elastic::new(NAME), start: None, path: None, step: None }
    }

    /// ω ← ω − g Δθ for the step that led to the present weights.
    fn close_step(&mut self, site: &Site) {
        let Some(Step { gradient, before }) = self.step.take() else { return };
        let fall = gradient * (before - site.weights.clone());
        self.path = Some(self.path.take().map_or(fall.clone(), |path| path + fall));
    }
}

impl Method for Si {
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
        self.elastic.terms(PROFILE.kind.label, "½ c Σ Ω (θ − θ̃)²", "c", self.knobs.reals("c"))
    }

    fn watch_gradient(&mut self, site: &Site, gradient: &Tensor<2>) {
        self.close_step(site);
        self.start.get_or_insert_with(|| site.weights.clone());
        self.step = Some(Step { gradient: gradient.clone(), before: site.weights.clone() });
    }

    fn penalties(&mut self, site: &Site) -> Vec<Penalty> {
        self.elastic.penalties(site, self.knobs.reals("c"))
    }

    fn end_block(&mut self, site: &Site, _info: &BlockInfo, _data: &dyn TaskData) {
        self.close_step(site);
        let anchor = site.weights.clone();
        let start = self.start.replace(anchor.clone());
        let (Some(start), Some(path)) = (start, self.path.take()) else { return };
        let xi = Column::default().of(self.knobs.reals("xi"), &site.device);
        let mut importance = path / ((anchor.clone() - start).square() + xi);
        if let Some(old) = self.elastic.parabola.take() {
            importance = old.importance + importance;
        }
        if self.knobs.text("negative") == "cut" {
            importance = importance.clamp_min(0.0);
        }
        self.elastic.parabola = Some(Parabola::about(anchor, importance));
    }

    fn readings(&self) -> Vec<Reading> {
        self.elastic.readings("si.importance")
    }

    fn footprint(&self, site: &Site, _rows: usize) -> Footprint {
        // The start of a task after the first is the anchor, and the two arrays of a step under way stay until the next.
        let first = usize::from(self.start.is_some() && self.elastic.parabola.is_none());
        let held = first + usize::from(self.path.is_some()) + 2 * usize::from(self.step.is_some());
        let note =
            "importance, anchor and start of every weight, the sum along its path, the last step and its gradient";
        self.elastic.footprint(site, held, 3.0, note)
    }

    fn save(&self, state: &mut State) {
        self.elastic.save(state);
        let step = |part: fn(&Step) -> &Tensor<2>| self.step.as_ref().map(part);
        let held = [
            ("si.start", self.start.as_ref()),
            ("si.path", self.path.as_ref()),
            ("si.gradient", step(|step| &step.gradient)),
            ("si.before", step(|step| &step.before)),
        ];
        for (name, tensor) in held {
            if let Some(tensor) = tensor {
                state.put(name, tensor);
            }
        }
    }

    fn load(&mut self, site: &Site, state: &State) -> Result<(), LearnerError> {
        self.elastic.load(site, state)?;
        let held = |name| state.optional(name, site.shape(), &site.device);
        self.start = held("si.start")?;
        self.path = held("si.path")?;
        self.step = match held("si.gradient")? {
            Some(gradient) => Some(Step { gradient, before: state.tensor("si.before", site.shape(), &site.device)? }),
            None => None,
        };
        Ok(())
    }
}
