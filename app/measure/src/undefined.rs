//! A metric's value, or the reason why there is none.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a metric has no value: the second half of "not defined, because ...", in words shown to the person.
///
/// ```
/// let undefined = mnemoscope_measure::Undefined("the stream has no borders between tasks".to_owned());
/// assert_eq!(undefined.to_string(), "not defined, because the stream has no borders between tasks");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("not defined, because {0}")]
pub struct Undefined(pub String);

/// A metric's value (a plain number), or why it has none.
pub type Measured = Result<f64, Undefined>;

/// The mean of the values, if there are any.
pub(crate) fn average(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The mean of the values, or `reason` where there are none.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>, reason: &str) -> Measured {
    average(values).ok_or_else(|| Undefined(reason.to_owned()))
}
