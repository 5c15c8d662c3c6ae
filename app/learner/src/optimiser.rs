//! The registry of optimisers. Each acts on the flat weights `[R, P]` with its own knobs per replica.

mod adamw;
mod sgd;

use mnemoscope_core::{Kind, Registry};

/// The optimisers.
#[derive(Debug, Clone, Copy)]
pub struct Optimisers;

static KINDS: [Kind; 2] = [sgd::KIND, adamw::KIND];

impl Registry for Optimisers {
    const NOUN: &'static str = "optimiser";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}
