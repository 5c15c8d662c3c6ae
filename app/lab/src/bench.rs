//! Benches: what an attention experiment measures of its memory.

use mnemoscope_memory::{ConditioningError, MemoryError, fits, fits_depth};
use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
use crate::refusal::Refusal;

/// What `run` of an attention experiment measures, and which bench the window shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bench {
    /// Pairs are stored and asked for: error against load, recall against age, capacity.
    #[default]
    Association,
    /// Cues are shown trial by trial.
    Conditioning,
    /// Memories one after another and side by side.
    Depth,
}

impl Bench {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Association, Self::Conditioning, Self::Depth];

    /// As a heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Association => "Association",
            Self::Conditioning => "Conditioning",
            Self::Depth => "Depth and heads",
        }
    }

    /// One sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Association => "pairs of key and value are stored, and every key is asked for again",
            Self::Conditioning => "cues are shown trial by trial, and the memory learns which predict the stimulus",
            Self::Depth => "what one memory recalls is the next one's query, and heads are averaged",
        }
    }
}

/// Why the bench of this experiment cannot be run; none where it can.
pub(crate) fn refusal(experiment: &Experiment) -> Option<Refusal> {
    let memory = &experiment.memory;
    // Of the memory's own the error knows the place; the rest lies in the bench's settings.
    let of_memory = |error: MemoryError| Refusal { place: error.place().to_owned(), message: error.to_string() };
    if let Err(error) = memory.check() {
        return Some(of_memory(error));
    }
    match experiment.bench {
        Bench::Association => fits(&experiment.attention, memory).err().map(of_memory),
        Bench::Conditioning => experiment.conditioning.check_memory(memory).err().map(|error| match error {
            ConditioningError::Memory(error) => of_memory(error),
            error => Refusal { place: "conditioning".to_owned(), message: error.to_string() },
        }),
        Bench::Depth => fits_depth(&experiment.depth, memory).err().map(of_memory),
    }
}
