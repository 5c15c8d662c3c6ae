//! Fine-tuning: plain descent on the task at hand, the usual lower reference.

use mnemoscope_core::Kind;

pub(super) const KIND: Kind = Kind {
    name: "fine_tuning",
    label: "Fine-tuning",
    meaning: "Trains on the current task alone and does nothing against forgetting: the usual lower reference.",
    source: "\"None\" in van de Ven et al. 2022",
    knobs: &[],
};
