//! Sliding window with sinks: the first tokens and the latest ones (Xiao et al. 2024, section 3.2). Pure recency with
//! `sinks: 0`.
//!
//! Keys keep the positions that they were made with; the paper renumbers them inside the cache, which matters for
//! sequences longer than those trained on.

use mnemoscope_core::Kind;

use super::CacheError;
use super::policy::{BUDGET, Eviction, Parts, Plain, SINKS, Site, Step, best, over};

pub(super) const KIND: Kind = Kind {
    name: "window",
    label: "Sliding window",
    meaning: "Keeps the first tokens (sinks) and the latest ones.",
    source: "Xiao et al. 2024, \"Efficient Streaming Language Models with Attention Sinks\"",
    knobs: &[BUDGET, SINKS],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let eviction = Window { budget: site.budget(), sinks: site.policy.whole("sinks") };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

#[derive(Debug, Clone, Copy)]
struct Window {
    budget: usize,
    sinks: usize,
}

impl Eviction for Window {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        // At least the newest token must fit beside the sinks.
        let sinks = self.sinks.min(self.budget - 1);
        over(step.held, self.budget, |_, held| best(held, self.budget, |i| i < sinks, |i| i as f32))
    }

    fn bytes(&self, _held: &[Vec<usize>]) -> usize {
        0
    }
}
