//! How large the sequences of a task are: the knobs that all tasks share.

use mnemoscope_core::{Component, Knob, Registry};

use super::knobs;
use super::modular::Operation;

/// The settings of a source or scenario of sequences.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Size {
    pub(super) samples: usize,
    pub(super) keys: usize,
    pub(super) values: usize,
    pub(super) pairs: usize,
    pub(super) queries: usize,
    pub(super) filler: usize,
    pub(super) noise: usize,
    pub(super) period: usize,
    pub(super) recurring: usize,
    pub(super) updates: usize,
    pub(super) items: usize,
    pub(super) back: usize,
    pub(super) corridors: usize,
    pub(super) corridor: usize,
    pub(super) cue: f64,
    pub(super) modulus: usize,
    pub(super) operation: Operation,
}

impl Size {
    /// Of a component with all these knobs.
    pub(crate) fn of<R: Registry>(component: &Component<R>) -> Self {
        let real = |knob: Knob| component.real(knob.name);
        let whole = |knob: Knob| component.whole(knob.name);
        Self {
            samples: whole(knobs::SAMPLES),
            keys: whole(knobs::KEYS),
            values: whole(knobs::VALUES),
            pairs: whole(knobs::PAIRS),
            queries: whole(knobs::QUERIES),
            filler: whole(knobs::FILLER),
            noise: whole(knobs::NOISE),
            period: whole(knobs::PERIOD),
            recurring: whole(knobs::RECURRING),
            updates: whole(knobs::UPDATES),
            items: whole(knobs::ITEMS),
            back: whole(knobs::BACK),
            corridors: whole(knobs::CORRIDORS),
            corridor: whole(knobs::CORRIDOR),
            cue: real(knobs::CUE),
            modulus: whole(knobs::MODULUS),
            operation: Operation::named(component.text(knobs::OPERATION.name)),
        }
    }

    /// The same with another number of corridors and of sequences.
    pub(crate) fn of_mazes(&self, corridors: usize, samples: usize) -> Self {
        Self { samples, corridors, ..self.clone() }
    }

    /// How many sequences of a task are drawn.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// What keeps so many pairs, or cells, from having keys of their own.
    pub(super) fn too_few_keys(&self, pairs: &str) -> Option<String> {
        (self.pairs > self.keys).then(|| {
            format!("{} {pairs} need as many keys, and there are {}; raise keys or lower pairs", self.pairs, self.keys)
        })
    }

    /// The same, or what keeps every question from being for a pair of its own.
    pub(super) fn too_few(&self, pairs: &str) -> Option<String> {
        self.too_few_keys(pairs).or_else(|| {
            (self.queries > self.pairs).then(|| {
                let (queries, have) = (self.queries, self.pairs);
                format!("{queries} questions need as many {pairs}, and there are {have}; lower queries or raise pairs")
            })
        })
    }
}
