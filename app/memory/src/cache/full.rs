//! Everything is kept: causal softmax attention as trained (Vaswani et al. 2017). What all other policies are held
//! against.

use mnemoscope_core::Kind;

use super::CacheError;
use super::policy::{Eviction, Parts, Plain, Site, Step};

pub(super) const KIND: Kind = Kind {
    name: "full",
    label: "Everything",
    meaning: "Keeps every token as it is.",
    source: "Vaswani et al. 2017, \"Attention Is All You Need\"",
    knobs: &[],
};

pub(super) fn build(_site: &Site<'_>) -> Result<Parts, CacheError> {
    Ok(Parts { eviction: Box::new(Everything), codec: Box::new(Plain) })
}

/// Drops nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Everything;

impl Eviction for Everything {
    fn held(&mut self, _step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        None
    }

    fn bytes(&self, _held: &[Vec<usize>]) -> usize {
        0
    }
}
