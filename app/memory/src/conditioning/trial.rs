//! Trials: which cues are there, and what follows them.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most cues an experiment has: A to H.
pub const MOST_CUES: usize = 8;

/// Some of the cues A to H, written as their letters: "AB". Empty where nothing happens and time only passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cues(u8);

/// A letter that is no cue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{given}\": cues are written as letters from A to H, such as \"AB\"")]
pub struct CueError {
    /// What was given.
    pub given: String,
}

impl Cues {
    /// No cue.
    pub const NONE: Self = Self(0);

    /// The one cue of a number, A being 0; none beyond H.
    pub fn one(cue: usize) -> Self {
        Self(if cue < MOST_CUES { 1 << cue } else { 0 })
    }

    /// Whether the cue of that number is among them.
    pub fn has(self, cue: usize) -> bool {
        cue < MOST_CUES && self.0 & (1 << cue) != 0
    }

    /// The same with the cue of that number put in, or taken out where it was in.
    #[must_use]
    pub fn toggled(self, cue: usize) -> Self {
        Self(self.0 ^ Self::one(cue).0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their numbers, in order.
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        (0..MOST_CUES).filter(move |cue| self.has(*cue))
    }

    /// One more than the number of the last; 0 where there is none.
    pub fn end(self) -> usize {
        self.numbers().last().map_or(0, |last| last + 1)
    }

    /// The letter of a cue.
    pub fn letter(cue: usize) -> char {
        char::from(b'A' + cue.min(MOST_CUES - 1) as u8)
    }
}

impl fmt::Display for Cues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.numbers().try_for_each(|cue| write!(f, "{}", Self::letter(cue)))
    }
}

impl TryFrom<String> for Cues {
    type Error = CueError;

    fn try_from(text: String) -> Result<Self, CueError> {
        let mut cues = Self::NONE;
        for letter in text.chars() {
            let cue = (0..MOST_CUES).find(|cue| Self::letter(*cue) == letter.to_ascii_uppercase());
            let Some(cue) = cue else { return Err(CueError { given: text }) };
            cues.0 |= 1 << cue;
        }
        Ok(cues)
    }
}

impl From<Cues> for String {
    fn from(cues: Cues) -> Self {
        cues.to_string()
    }
}

/// A trial, or the same one several times in a row: cues are shown together and something follows them.
///
/// With no cue a trial is time that passes: the memory's retention acts, and nothing is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "trial")]
pub struct Trial {
    /// The cues that are shown.
    #[serde(default)]
    pub cues: Cues,
    /// Strength of the unconditioned stimulus that follows: 0 for none, to 1.
    #[serde(default)]
    pub us: f32,
    /// Cues that follow instead: what the memory predicts of them stands in for the unconditioned stimulus.
    #[serde(default, skip_serializing_if = "none")]
    pub then: Cues,
    /// Times in a row.
    #[serde(default = "once")]
    pub times: u32,
}

// The signature that serde asks for.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn none(cues: &Cues) -> bool {
    cues.is_empty()
}

fn once() -> u32 {
    1
}

impl Default for Trial {
    fn default() -> Self {
        Self { cues: Cues::one(0), us: 1.0, then: Cues::NONE, times: 1 }
    }
}

/// As the literature writes it: "A+", "AX−", "B → A", and "pause" where time only passes; with its number of times.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { cues, .. } if cues.is_empty() => f.write_str("pause")?,
            Self { cues, then, .. } if !then.is_empty() => write!(f, "{cues} → {then}")?,
            Self { cues, us, .. } if *us == 0.0 => write!(f, "{cues}−")?,
            Self { cues, us, .. } if *us == 1.0 => write!(f, "{cues}+")?,
            Self { cues, us, .. } => write!(f, "{cues} {us}")?,
        }
        if self.times == 1 { Ok(()) } else { write!(f, " ×{}", self.times) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_letters() {
        let cues = Cues::try_from("cA".to_owned()).unwrap();
        assert_eq!(cues.to_string(), "AC");
        assert_eq!(cues.numbers().collect::<Vec<_>>(), [0, 2]);
        assert_eq!((cues.end(), Cues::NONE.end()), (3, 0));
        assert_eq!(cues.toggled(2), Cues::one(0));
        assert!(Cues::try_from("AJ".to_owned()).unwrap_err().to_string().contains("\"AJ\": cues are written"));
        assert!(Cues::one(8).is_empty() && !cues.has(99));
    }

    #[test]
    fn trials_read_as_the_literature_writes_them() {
        let trial = |cues: &str, us, then: &str, times| Trial {
            cues: Cues::try_from(cues.to_owned()).unwrap(),
            us,
            then: Cues::try_from(then.to_owned()).unwrap(),
            times,
        };
        assert_eq!(trial("A", 1.0, "", 20).to_string(), "A+ ×20");
        assert_eq!(trial("AB", 0.0, "", 1).to_string(), "AB−");
        assert_eq!(trial("A", 0.5, "", 1).to_string(), "A 0.5");
        assert_eq!(trial("B", 1.0, "A", 2).to_string(), "B → A ×2");
        assert_eq!(trial("", 1.0, "A", 9).to_string(), "pause ×9");
    }
}
