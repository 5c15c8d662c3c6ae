//! Cumulative training: every block trains on all tasks so far.

use mnemoscope_core::Kind;

pub(super) const KIND: Kind = Kind {
    name: "cumulative",
    label: "Cumulative",
    meaning: "Each block trains on the data of all tasks so far: an upper reference that keeps everything.",
    source: "Lesort et al. 2020, section 4",
    knobs: &[],
};
