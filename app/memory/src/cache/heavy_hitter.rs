//! Heavy hitters (H2O): the tokens that have drawn the most attention so far, beside the latest ones.
//!
//! Zhang et al. 2023, algorithm 1: each head adds up the attention that every token it holds has drawn; over the
//! budget, the token with the smallest sum goes, the latest ones excepted. The sums are not normalised, so that old
//! tokens have had longer to gather theirs, as in the paper.

use mnemoscope_core::{Kind, Knob, Scale};

use super::CacheError;
use super::policy::{BUDGET, Eviction, Parts, Plain, Site, Step, best, over};

pub(super) const KIND: Kind = Kind {
    name: "heavy_hitter",
    label: "Heavy hitters",
    meaning: "Keeps the latest tokens and those that have drawn the most attention.",
    source: "Zhang et al. 2023, \"H2O: Heavy-Hitter Oracle for Efficient Generative Inference\", algorithm 1",
    knobs: &[
        BUDGET,
        Knob::real("recent", "Latest", "", 0.0, 1.0, 0.5, Scale::Linear)
            .meaning("Share of the budget for the latest tokens; the rest is for heavy hitters.")
            .source("Zhang et al. 2023, section 5: one half"),
    ],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let budget = site.budget();
    let recent = ((site.policy.real("recent") * budget as f64).round() as usize).max(1);
    let eviction = HeavyHitter { budget, recent, mass: vec![vec![0.0; site.steps]; site.heads] };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

#[derive(Debug, Clone)]
struct HeavyHitter {
    budget: usize,
    recent: usize,
    /// Attention that each position has drawn, per head.
    mass: Vec<Vec<f32>>,
}

impl Eviction for HeavyHitter {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        for ((mass, held), weights) in self.mass.iter_mut().zip(step.held).zip(step.weights) {
            for (&position, weight) in held.iter().zip(weights) {
                mass[position] += weight;
            }
        }
        over(step.held, self.budget, |head, held| {
            best(held, self.budget, |i| i + self.recent > step.t, |i| self.mass[head][i])
        })
    }

    fn bytes(&self, held: &[Vec<usize>]) -> usize {
        held.iter().map(Vec::len).sum::<usize>() * size_of::<f32>()
    }
}
