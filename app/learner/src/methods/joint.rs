//! Joint training: all tasks from the start.

use mnemoscope_core::Kind;

pub(super) const KIND: Kind = Kind {
    name: "joint",
    label: "Joint",
    meaning: "Every block trains on all tasks of the stream at once: the usual upper reference, which sees the future.",
    source: "\"Joint\" in van de Ven et al. 2022",
    knobs: &[],
};
