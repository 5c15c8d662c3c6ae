//! A memory composed of four choices, after Miras (Behrouz et al. 2025, "It's All Connected"): an architecture, an
//! inner objective, what is kept at each write, and the rule by which a write lowers the objective.

mod check;
mod equation;
mod formula;
mod named;
mod trainable;

use mnemoscope_core::{Component, Kind, Registry};
use serde::{Deserialize, Serialize};

use crate::MemoryError;
use crate::architecture::Architectures;
use crate::architecture::cached::{Cached, Caching, ReadOut};
use crate::architecture::chunks::Chunks;
use crate::architecture::codebook::{Codebook, Sizes};
use crate::architecture::gated::Gated;
use crate::architecture::hybrid::{Hybrid, Stores};
use crate::architecture::list::{Eviction, List, Reading};
use crate::architecture::matrix::Matrix;
use crate::architecture::mlp::Mlp;
use crate::architecture::state_space::{StateSpace, Time};
use crate::bias::{Biases, Loss};
use crate::learned::{Learned, Weighted};
use crate::least_squares::LeastSquares;
use crate::memory::Memory;
use crate::retention::{Keep, Retentions};
use crate::rule::{Rules, Step};

pub use formula::choice_formula;
pub use named::NamedPoint;

/// The four choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// What the memory is made of.
    #[serde(default = "first")]
    pub architecture: Component<Architectures>,
    /// The inner objective.
    #[serde(default = "first")]
    pub bias: Component<Biases>,
    /// What stays of the memory at each write.
    #[serde(default = "first")]
    pub retention: Component<Retentions>,
    /// How a write lowers the objective.
    #[serde(default = "first")]
    pub rule: Component<Rules>,
}

/// One of the four choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// What the memory is made of.
    Architecture,
    /// The inner objective.
    Bias,
    /// What stays of the memory at each write.
    Retention,
    /// How a write lowers the objective.
    Rule,
}

impl Place {
    /// All four, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Architecture, Self::Bias, Self::Retention, Self::Rule];

    /// The place in an experiment file, such as "memory.rule".
    pub fn path(self) -> &'static str {
        match self {
            Self::Architecture => "memory.architecture",
            Self::Bias => "memory.bias",
            Self::Retention => "memory.retention",
            Self::Rule => "memory.rule",
        }
    }

    /// The kinds that may stand here.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Architecture => Architectures::kinds(),
            Self::Bias => Biases::kinds(),
            Self::Retention => Retentions::kinds(),
            Self::Rule => Rules::kinds(),
        }
    }
}

/// The first kind of a registry, every knob at its default.
fn first<R: Registry>() -> Component<R> {
    Component::of(&R::kinds()[0])
}

impl Default for Composition {
    /// Linear attention.
    fn default() -> Self {
        Self { architecture: first(), bias: first(), retention: first(), rule: first() }
    }
}

impl Composition {
    /// The known memories that load at one click.
    pub fn named() -> &'static [NamedPoint] {
        named::POINTS
    }

    /// The known memory that this one is, setting for setting.
    pub fn name(&self) -> Option<&'static NamedPoint> {
        Self::named().iter().find(|point| point.composition() == *self)
    }

    /// The kind that stands in a place.
    pub fn kind(&self, place: Place) -> &'static Kind {
        match place {
            Place::Architecture => self.architecture.kind(),
            Place::Bias => self.bias.kind(),
            Place::Retention => self.retention.kind(),
            Place::Rule => self.rule.kind(),
        }
    }

    /// The same with another kind in a place, its knobs at their defaults. A kind that belongs elsewhere changes nothing.
    #[must_use]
    pub fn with_kind(&self, place: Place, kind: &'static Kind) -> Self {
        let mut next = self.clone();
        if place.kinds().contains(kind) && self.kind(place).name != kind.name {
            match place {
                Place::Architecture => next.architecture = Component::of(kind),
                Place::Bias => next.bias = Component::of(kind),
                Place::Retention => next.retention = Component::of(kind),
                Place::Rule => next.rule = Component::of(kind),
            }
        }
        next
    }

    /// The nearest composition that goes together and has the same kind in `keep`: with as few other choices changed
    /// as possible, and those that are changed to the first kind that goes.
    #[must_use]
    pub fn settled(&self, keep: Place) -> Self {
        let mut best: Option<(usize, Self)> = None;
        let options = |place: Place| {
            let own = self.kind(place);
            let others = place.kinds().iter().filter(move |kind| place != keep && kind.name != own.name);
            std::iter::once(own).chain(others)
        };
        for architecture in options(Place::Architecture) {
            for bias in options(Place::Bias) {
                for retention in options(Place::Retention) {
                    for rule in options(Place::Rule) {
                        let kinds = [architecture, bias, retention, rule];
                        let changed =
                            Place::ALL.iter().zip(kinds).filter(|(place, kind)| self.kind(**place).name != kind.name);
                        let changed = changed.count();
                        if best.as_ref().is_some_and(|(fewest, _)| *fewest <= changed) {
                            continue;
                        }
                        let next = Place::ALL
                            .iter()
                            .zip(kinds)
                            .fold(self.clone(), |next, (place, kind)| next.with_kind(*place, kind));
                        if next.check().is_ok() {
                            best = Some((changed, next));
                        }
                    }
                }
            }
        }
        best.map_or_else(|| self.clone(), |(_, next)| next)
    }

    /// Refuses choices that do not go together, with the place and the reason.
    ///
    /// # Errors
    /// The first pair of choices that does not go together.
    pub fn check(&self) -> Result<(), MemoryError> {
        check::check(self)
    }

    /// Refuses keys of a length at which this memory would not converge.
    ///
    /// # Errors
    /// For a step on the squared error whose size lets errors grow: for the delta rule, unless 0 < β |k|² < 2.
    pub fn check_keys(&self, key_length: f64) -> Result<(), MemoryError> {
        check::keys(self, key_length)
    }

    /// Refuses choices that do not go together, or not with keys of `d_k` and values of `d_v` entries; builds nothing.
    ///
    /// # Errors
    /// What does not go together.
    pub fn check_sizes(&self, d_k: usize, d_v: usize) -> Result<(), MemoryError> {
        self.check()?;
        check::sizes(self, d_k, d_v)
    }

    /// One update equation with the live numbers filled in, as plain text.
    pub fn equation(&self) -> String {
        equation::text(self)
    }

    /// Whether keys must be distributions for the memory to mean anything: none below 0, sum 1.
    pub fn keys_on_simplex(&self) -> bool {
        self.retention.name() == "kl"
    }

    /// Whether values must be distributions for the memory to mean anything: none below 0, sum 1.
    pub fn values_on_simplex(&self) -> bool {
        self.retention.name() == "kl" || self.bias.name() == "kl"
    }

    /// An empty memory for keys of `d_k` and values of `d_v` entries. What is drawn at random is drawn from `seed`.
    ///
    /// # Errors
    /// When the choices do not go together, or not with these sizes.
    pub fn build(&self, d_k: usize, d_v: usize, seed: u64) -> Result<Box<dyn Memory>, MemoryError> {
        self.check_sizes(d_k, d_v)?;
        Ok(match (self.architecture.name(), self.rule.name()) {
            ("key_value_list", _) => Box::new(List::new(d_k, d_v, self.reading())),
            (_, "least_squares") => {
                let real = |name: &str| self.rule.real(name);
                let chunk = self.rule.whole("chunk");
                Box::new(LeastSquares::new(d_k, d_v, real("ridge"), real("forgetting"), chunk))
            }
            ("gated_matrix", _) => {
                let novelty = self.architecture.text("input") == "novelty";
                Box::new(Gated::new(d_k, d_v, Keep::of(&self.retention, d_k), novelty))
            }
            ("mlp", _) => {
                let residual = self.architecture.switch("residual");
                Box::new(self.learned(Mlp::new(d_k, d_v, self.architecture.whole("expansion"), residual, seed)))
            }
            ("codebook", _) => Box::new(self.codebook(d_k, d_v, seed)),
            ("cached", _) if self.architecture.text("inner") == "mlp" => {
                // As the option says: expansion 2, no residual.
                Box::new(Cached::new(self.learned(Mlp::new(d_k, d_v, 2, false, seed)), self.caching(), d_k))
            }
            ("cached", _) => Box::new(Cached::new(self.learned(Matrix { d_k, d_v }), self.caching(), d_k)),
            ("hybrid", _) => Box::new(Hybrid::new(self.learned(Matrix { d_k, d_v }), self.stores())),
            ("state_space", _) => {
                let part = &self.architecture;
                let time =
                    if part.text("time") == "scaled" { Time::Scaled } else { Time::Invariant(part.real("step")) };
                let sharpness = part.real("inverse_temperature") as f32;
                Box::new(StateSpace::new(d_k, d_v, part.whole("order"), time, sharpness))
            }
            ("chunks", _) => Box::new(self.chunks(d_k, d_v)),
            _ => Box::new(self.learned(Matrix { d_k, d_v })),
        })
    }

    fn learned<A: Weighted>(&self, architecture: A) -> Learned<A> {
        let keep = Keep::of(&self.retention, architecture.channels());
        Learned::new(architecture, Loss::of(&self.bias), keep, Step::of(&self.rule))
    }

    fn codebook(&self, d_k: usize, d_v: usize, seed: u64) -> Codebook {
        let whole = |name: &str| self.architecture.whole(name);
        let sizes = Sizes {
            d_k,
            d_v,
            heads: whole("heads"),
            codes: whole("codes"),
            width: whole("width"),
            warm_up: whole("warm_up"),
            beta: self.rule.real("beta") as f32,
            decay: if self.retention.name() == "decay" { self.retention.real("gamma") as f32 } else { 1.0 },
            at_decayed: self.rule.text("error_at") == "decayed",
        };
        Codebook::new(sizes, Loss::of(&self.bias), seed)
    }

    fn caching(&self) -> Caching {
        let part = &self.architecture;
        Caching {
            segment: part.whole("segment"),
            reset: part.text("at_border") == "reset",
            read_out: match part.text("read_out") {
                "residual" => ReadOut::Residual,
                "soup" => ReadOut::Soup,
                "sparse" => ReadOut::Sparse(part.whole("top")),
                _ => ReadOut::Gated,
            },
            sharpness: part.real("sharpness") as f32,
        }
    }

    fn stores(&self) -> Stores {
        let part = &self.architecture;
        Stores {
            window: part.whole("window"),
            store: part.whole("store"),
            inverse_temperature: part.real("inverse_temperature") as f32,
            fading_at: part.real("fading_at") as f32,
        }
    }

    fn chunks(&self, d_k: usize, d_v: usize) -> Chunks {
        let part = &self.architecture;
        Chunks {
            d_k,
            d_v,
            chunk: part.whole("chunk"),
            most: part.whole("top"),
            inverse_temperature: part.real("inverse_temperature") as f32,
            sharpness: part.real("sharpness") as f32,
            keys: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The list's own settings.
    pub(crate) fn reading(&self) -> Reading {
        let retention = &self.retention;
        let eviction = |name: &str| match name {
            "sinks" => Eviction::Sinks,
            "least_attention" => Eviction::LeastAttention,
            _ => Eviction::Oldest,
        };
        Reading {
            inverse_temperature: self.architecture.real("inverse_temperature") as f32,
            unit: self.architecture.switch("qk_norm"),
            log_decay: if retention.name() == "decay" { (retention.real("gamma") as f32).ln() } else { 0.0 },
            linear: (self.rule.text("order") == "linear").then(|| self.rule.real("ridge")),
            bound: (retention.name() == "bounded_cache")
                .then(|| (retention.whole("budget"), eviction(retention.text("eviction")))),
        }
    }
}

#[cfg(test)]
mod tests;
