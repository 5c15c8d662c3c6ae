//! Random eviction: over the budget, one token goes, each but the newest with equal chance. The baseline that knows
//! nothing.

use mnemoscope_core::{Kind, Knob, Scale, random::stream};
use rand::RngExt as _;

use super::CacheError;
use super::policy::{BUDGET, Eviction, Parts, Plain, Site, Step, over};

pub(super) const KIND: Kind = Kind {
    name: "random",
    label: "Random",
    meaning: "Drops any token but the newest, by chance, whenever there is one too many.",
    source: "the lab's baseline",
    knobs: &[
        BUDGET,
        Knob::whole("seed", "Seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("Which tokens chance picks."),
    ],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let eviction = Random { budget: site.budget(), seed: site.policy.whole("seed") as u64 };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

#[derive(Debug, Clone, Copy)]
struct Random {
    budget: usize,
    seed: u64,
}

impl Eviction for Random {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        over(step.held, self.budget, |head, held| {
            let place = [step.layer as u64, step.row as u64, head as u64, step.t as u64];
            let mut draw = stream(self.seed, "random eviction", &place);
            let mut held = held.to_vec();
            while held.len() > self.budget {
                let others = (held.len() - 1).max(1);
                held.remove(draw.random_range(0..others));
            }
            held
        })
    }

    fn bytes(&self, _held: &[Vec<usize>]) -> usize {
        0
    }
}
