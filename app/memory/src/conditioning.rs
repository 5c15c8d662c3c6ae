//! Conditioning: cues are keys, the unconditioned stimulus is the value, and a memory learns what predicts it.
//!
//! **Why the delta rule is Rescorla and Wagner's.** Their model (1972) changes the associative strength of every cue i
//! that is present by dV_i = a b (L - sum of V_j over the present cues j), where a is the cues' salience, b the rate and
//! L the strength of the stimulus; absent cues keep theirs. Let x_i be codes of length sqrt(a) at right angles, S `[1, d_k]`
//! the memory, and V_i = S x_i. A trial writes the key k = sum of x_j over the present cues with the value L. The delta rule
//! with strength b then gives
//!
//! dV_i = b (L - S k) (k . x_i) = b (L - sum of V_j) a for a present cue, and 0 for an absent one,
//!
//! which is the same, trial by trial. Hebb's rule gives dV_i = a L for a present cue: it adds what is there, whatever is
//! predicted already, and so can neither be blocked nor unlearn. Codes that overlap (likeness) share what is learned:
//! x_i . x_j = a likeness^|i - j|, and a cue next to the trained one has likeness times its strength.
//!
//! In a trial without cues nothing is written: time passes, and what the retention does to the memory is all that happens.
//! In a trial with cues that follow (second order; lab form), what the memory predicts of those before the write stands
//! in for L: it is the target of temporal differences (Sutton and Barto 1990) without discount.

mod classical;
mod course;
mod trial;

use mnemoscope_core::{Component, Kind, Knob, Opt, Registry, Scale, Setting};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use classical::Classical;
pub use course::Course;
pub use trial::{CueError, Cues, MOST_CUES, Trial};

use crate::{Composition, MemoryError};

/// The most single trials of an experiment.
pub const MOST_TRIALS: usize = 1000;

/// The conditioning bench and its settings.
#[derive(Debug, Clone, Copy)]
pub struct Conditionings;

impl Registry for Conditionings {
    const NOUN: &'static str = "bench";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 1] = [Kind {
    name: "conditioning",
    label: "Conditioning",
    meaning: "Cues are shown trial by trial, and the memory learns which of them predict the stimulus.",
    source: "Rescorla and Wagner 1972, A theory of Pavlovian conditioning",
    knobs: &KNOBS,
}];

static CODES: [Opt; 2] = [
    Opt {
        name: "orthogonal",
        label: "at right angles",
        meaning: "no cue disturbs another, as Rescorla and Wagner have it",
    },
    Opt {
        name: "random",
        label: "random",
        meaning: "random directions, other ones for every seed: cues overlap by chance",
    },
];

static KNOBS: [Knob; 6] = [
    Knob::whole("cues", "cues", "", 1, MOST_CUES as u64, 4, Scale::Linear).meaning("number of cues, from A on").live(),
    Knob::whole("elements", "elements per cue", "", 1, 16, 4, Scale::Linear)
        .meaning("entries of a key for each cue, spread over all its channels; a key has cues times elements")
        .source("Estes 1950, Toward a statistical theory of learning")
        .live(),
    Knob::choice("codes", "codes", &CODES, "orthogonal").meaning("the directions that stand for the cues").live(),
    Knob::real("salience", "salience", "α", 0.01, 1.0, 0.2, Scale::Log)
        .meaning("squared length of a cue's code: the share of the error that one trial removes at write strength 1")
        .source("Rescorla and Wagner 1972")
        .live(),
    Knob::real("likeness", "likeness", "ρ", 0.0, 0.95, 0.0, Scale::Linear)
        .meaning("cosine of the codes of neighbouring cues; cues n apart have its n-th power")
        .source("Shepard 1987, Toward a universal law of generalization")
        .live(),
    Knob::whole("seed", "seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("of random codes").live(),
];

/// Why an experiment of conditioning was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ConditioningError {
    /// A trial shows a cue that the settings do not have.
    #[error(
        "trial {trial} shows cue {letter}, and there are {cues} cues; raise cues or take {letter} out of the trial"
    )]
    NoSuchCue {
        /// From 1, as the strip counts.
        trial: usize,
        /// The cue.
        letter: char,
        /// How many there are.
        cues: usize,
    },
    /// A stimulus that is no strength.
    #[error("trial {trial}: a stimulus of {us} is outside its range 0 to 1")]
    Stimulus {
        /// From 1, as the strip counts.
        trial: usize,
        /// What was given.
        us: f32,
    },
    /// Too many trials, or none.
    #[error("these are {trials} single trials; there must be 1 to {MOST_TRIALS}")]
    Count {
        /// How many.
        trials: usize,
    },
    /// A memory that predicts no single number.
    #[error("this memory answers with a distribution, and a stimulus is one number; choose another bias or retention")]
    Distribution,
    /// The memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// An experiment of conditioning: its settings and its trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditioning {
    /// Cues and their codes.
    #[serde(default = "defaults")]
    pub settings: Component<Conditionings>,
    /// What is shown, in order.
    pub trials: Vec<Trial>,
}

fn defaults() -> Component<Conditionings> {
    Component::of(&KINDS[0])
}

/// Blocking.
impl Default for Conditioning {
    fn default() -> Self {
        let trials = Classical::find("blocking").map(Classical::trials).unwrap_or_default();
        Self { settings: defaults(), trials }
    }
}

impl Conditioning {
    /// A classical experiment, at the defaults but for what it wants otherwise.
    ///
    /// # Errors
    /// Never today; a test sets all of them.
    pub fn of(classical: &Classical) -> Result<Self, ConditioningError> {
        let set = |settings: Component<Conditionings>, (name, value): &(&str, f64)| {
            settings.with(name, Setting::Number(*value)).map_err(MemoryError::from)
        };
        let settings = classical.settings.iter().try_fold(defaults(), set)?;
        Ok(Self { settings, trials: classical.trials() })
    }

    /// The classical experiment that these trials are, if they are one.
    pub fn classical(&self) -> Option<&'static Classical> {
        Classical::all().iter().find(|one| one.trials() == self.trials)
    }

    /// Single trials, the repeated ones counted as often as they are shown.
    pub fn count(&self) -> usize {
        self.trials.iter().map(|trial| trial.times as usize).sum()
    }

    /// Moves the trial at `from` to where `to` is; places beyond the end mean the last.
    pub fn move_trial(&mut self, from: usize, to: usize) {
        if from < self.trials.len() {
            let trial = self.trials.remove(from);
            self.trials.insert(to.min(self.trials.len()), trial);
        }
    }

    /// Settings and trials that do not go together are refused.
    ///
    /// # Errors
    /// When a trial shows a cue that there is not, or has a stimulus out of range, or there are too many or none.
    pub fn check(&self) -> Result<(), ConditioningError> {
        let cues = self.settings.whole("cues");
        for (index, trial) in self.trials.iter().enumerate() {
            let last = trial.cues.end().max(trial.then.end());
            if last > cues {
                return Err(ConditioningError::NoSuchCue { trial: index + 1, letter: Cues::letter(last - 1), cues });
            }
            if !(0.0..=1.0).contains(&trial.us) {
                return Err(ConditioningError::Stimulus { trial: index + 1, us: trial.us });
            }
        }
        match self.count() {
            1..=MOST_TRIALS => Ok(()),
            trials => Err(ConditioningError::Count { trials }),
        }
    }

    /// A memory that cannot be conditioned is refused, and whatever [`Conditioning::check`] refuses.
    ///
    /// # Errors
    /// When the memory answers with distributions, or does not converge on the longest key of the trials.
    pub fn check_memory(&self, composition: &Composition) -> Result<(), ConditioningError> {
        self.check()?;
        self.check_codes(composition, &self.codes(0))
    }

    fn check_codes(&self, composition: &Composition, codes: &[f32]) -> Result<(), ConditioningError> {
        if composition.keys_on_simplex() || composition.values_on_simplex() {
            return Err(ConditioningError::Distribution);
        }
        composition.check()?;
        let length =
            |trial: &Trial| course::sum(codes, trial.cues, self.d_k()).iter().map(|entry| entry * entry).sum::<f32>();
        let longest = self.trials.iter().map(length).fold(0.0, f32::max).sqrt();
        // With no cue anywhere nothing is written.
        if longest > 0.0 {
            composition.check_keys(f64::from(longest))?;
        }
        Ok(())
    }

    /// Entries of a key.
    pub fn d_k(&self) -> usize {
        self.settings.whole("cues") * self.settings.whole("elements")
    }
}

#[cfg(test)]
mod tests;
