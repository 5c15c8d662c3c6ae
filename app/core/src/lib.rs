//! What every crate of the lab shares: declared numbers ([`Knob`]), components named in an experiment file
//! ([`Component`]), their values for a population of replicas ([`Knobs`]), named random streams ([`random`]), and how
//! sequences stand in rows of features ([`token`]).
//!
//! A number is declared once, as a [`Knob`]. The slider, its tooltip, the check of a file, `mnemoscope list` and the
//! axis of a sweep all come from that declaration.
//!
//! ```
//! use mnemoscope_core::{Component, Kind, Knob, Registry, Scale};
//!
//! static KNOBS: [Knob; 1] = [Knob::real("lambda", "strength", "λ", 0.0, 1e6, 100.0, Scale::Log)
//!     .meaning("weight of the penalty")
//!     .source("Kirkpatrick et al. 2017, eq. 3")
//!     .live()
//!     .swept()];
//! static KINDS: [Kind; 1] = [Kind { name: "ewc", label: "EWC", meaning: "elastic weights", source: "2017", knobs: &KNOBS }];
//!
//! struct Methods;
//! impl Registry for Methods {
//!     const NOUN: &'static str = "method";
//!     fn kinds() -> &'static [Kind] { &KINDS }
//! }
//!
//! let ewc: Component<Methods> = Component::new("ewc").unwrap();
//! assert_eq!(ewc.real("lambda"), 100.0);
//! ```

mod component;
mod knob;
mod knobs;
pub mod random;
mod setting;
pub mod token;

pub use component::{Component, ComponentError, Kind, Registry};
pub use knob::{Domain, Knob, Opt, Scale};
pub use knobs::Knobs;
pub use setting::{Setting, SettingError, Sweep};

/// The candidate nearest to `word` by edit distance, if one is near enough to be a likely slip.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
