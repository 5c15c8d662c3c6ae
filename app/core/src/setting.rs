//! The value that a file gives to a knob.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A value as written: one value for all replicas, or a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Yes or no.
    Switch(bool),
    /// A number, whole or real.
    Number(f64),
    /// A choice's name, or free text.
    Text(String),
    /// Several numbers that belong together, such as layer widths.
    List(Vec<f64>),
    /// One value per part of the population.
    Sweep(Sweep),
}

/// Several values of one knob, trained side by side as one population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sweep {
    /// These values.
    Each(Vec<f64>),
    /// `n` values from `a` to `b` in equal ratios.
    Log(f64, f64, usize),
    /// `n` values from `a` to `b` in equal steps.
    Linear(f64, f64, usize),
}

/// Most values that one sweep may have.
pub const LONGEST_SWEEP: usize = 64;

impl Sweep {
    /// The values, in order.
    ///
    /// # Errors
    /// Says why the sweep has no values: an end at or below 0 on a log sweep, no or too many values.
    pub fn values(&self) -> Result<Vec<f64>, String> {
        let (a, b, n) = match *self {
            Self::Each(ref values) => (0.0, 0.0, values.len()),
            Self::Log(a, b, n) | Self::Linear(a, b, n) => (a, b, n),
        };
        if n == 0 || n > LONGEST_SWEEP {
            return Err(format!("a sweep has 1 to {LONGEST_SWEEP} values, not {n}"));
        }
        let part = |i: usize| if n == 1 { 0.0 } else { i as f64 / (n - 1) as f64 };
        match self {
            Self::Each(values) => Ok(values.clone()),
            Self::Log(..) if a <= 0.0 || b <= 0.0 => Err("both ends of a Log sweep must be above 0".to_owned()),
            // The ends are exact: a sweep that says 1e4 reaches 1e4.
            Self::Log(..) => Ok((0..n)
                .map(|i| {
                    if i == 0 {
                        a
                    } else if i == n - 1 {
                        b
                    } else {
                        a * (b / a).powf(part(i))
                    }
                })
                .collect()),
            Self::Linear(..) => Ok((0..n).map(|i| if i == n - 1 { b } else { a + (b - a) * part(i) }).collect()),
        }
    }
}

impl Setting {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Switch(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::List(list) => format!("{list:?}"),
            Self::Sweep(sweep) => format!("{sweep:?}"),
        }
    }
}

/// Why a value does not fit its knob.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SettingError {
    /// A number outside its range.
    #[error("{knob} = {value} is outside its range {min} to {max}")]
    OutOfRange {
        /// The knob's name.
        knob: &'static str,
        /// What was given.
        value: f64,
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// A fraction where a whole number belongs.
    #[error("{knob} = {value} must be a whole number")]
    NotWhole {
        /// The knob's name.
        knob: &'static str,
        /// What was given.
        value: f64,
    },
    /// An unknown option of a choice.
    #[error("{knob} = \"{value}\" is not one of: {options}{}", hint.as_ref().map(|h| format!("; did you mean \"{h}\"?")).unwrap_or_default())]
    UnknownOption {
        /// The knob's name.
        knob: &'static str,
        /// What was given.
        value: String,
        /// All options.
        options: String,
        /// The nearest option.
        hint: Option<String>,
    },
    /// A sweep over a knob that shapes the network or the stream.
    #[error("{knob} cannot be swept: it must be the same for all replicas of a population")]
    NotSwept {
        /// The knob's name.
        knob: &'static str,
    },
    /// A sweep without values.
    #[error("{knob}: {problem}")]
    BadSweep {
        /// The knob's name.
        knob: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Too many entries in a list.
    #[error("{knob} has {count} entries; at most {longest} are allowed")]
    TooLong {
        /// The knob's name.
        knob: &'static str,
        /// Entries given.
        count: usize,
        /// Entries allowed.
        longest: usize,
    },
    /// Text for a number, or the like.
    #[error("{knob} must be {wanted}, not {got}")]
    WrongType {
        /// The knob's name.
        knob: &'static str,
        /// The knob's domain in words.
        wanted: String,
        /// What was given.
        got: String,
    },
}
