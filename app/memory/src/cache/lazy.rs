//! Lagged eviction by recurrence interval (LazyEviction, S038): a token that was attended to again and again is waited
//! for as long as it used to stay away.
//!
//! Each head remembers of each token i the last step TS at which it drew attention of at least a, and MRI, the longest
//! gap between two such steps so far (0 while there is none). It does not evict at every step but every W, so that a
//! token is judged after a while and not at its weakest moment. The latest W always stay.
//!
//! Lab form: the score is σ(1 − (t − TS)/(MRI + 1)) + ε MRI/(1 + MRI), ε = 0.01, which falls once the time away
//! exceeds the longest interval; the paper's own two functions were not at hand. The paper lets the cache grow W above
//! the budget between evictions. Here the budget is the most ever held, so that policies compare at equal memory: what
//! goes over it is cut to W − 1 below.

use mnemoscope_core::{Kind, Knob, Scale};

use super::CacheError;
use super::policy::{BUDGET, Eviction, Parts, Plain, Site, Step, best, over};

/// Between tokens that are equally overdue, weight of having ever come back.
const LONG_INTERVAL: f32 = 0.01;

pub(super) const KIND: Kind = Kind {
    name: "lazy",
    label: "Recurrence (lazy)",
    meaning: "Keeps the tokens that are due to matter again, by the intervals at which they did; evicts with a lag.",
    source: "S038, \"LazyEviction: Lagged KV Eviction with Attention Pattern Observation\"; score: lab form",
    knobs: &[
        BUDGET,
        Knob::whole("lag", "Lag", "W", 1, 64, 8, Scale::Linear)
            .meaning(
                "Steps from one eviction to the next, and the latest tokens that always stay; \
                      at most a third of the budget.",
            )
            .source("S038: 8 to 32"),
        Knob::real("threshold", "Attention threshold", "a", 1e-5, 0.5, 0.1, Scale::Log)
            .meaning("Attention from which on a token counts as used.")
            .source(
                "S038: one over the cache's length, or fixed 0.001; default: tried in preset recurrence-aware-eviction",
            ),
    ],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let budget = site.budget();
    let eviction = Lazy {
        budget,
        lag: site.policy.whole("lag").clamp(1, (budget / 3).max(1)),
        threshold: site.policy.real("threshold") as f32,
        uses: vec![vec![Use::default(); site.steps]; site.heads],
    };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

/// What is remembered of one token in one head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Use {
    /// TS, the last step at which it was used.
    last: u32,
    /// MRI, the longest gap between two uses.
    interval: u32,
}

impl Use {
    fn at(&mut self, t: usize) {
        self.interval = self.interval.max(t as u32 - self.last);
        self.last = t as u32;
    }

    /// High while the time since the last use is below the longest interval.
    fn score(self, t: usize) -> f32 {
        let interval = self.interval as f32;
        let away = (t as u32 - self.last) as f32;
        let due = 1.0 / (1.0 + (away / (interval + 1.0) - 1.0).exp());
        due + LONG_INTERVAL * interval / (1.0 + interval)
    }
}

#[derive(Debug, Clone)]
struct Lazy {
    budget: usize,
    lag: usize,
    threshold: f32,
    uses: Vec<Vec<Use>>,
}

impl Eviction for Lazy {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        for ((uses, held), weights) in self.uses.iter_mut().zip(step.held).zip(step.weights) {
            for (&position, &weight) in held.iter().zip(weights) {
                if position == step.t {
                    uses[position] = Use { last: step.t as u32, interval: 0 };
                } else if weight >= self.threshold {
                    uses[position].at(step.t);
                }
            }
        }
        over(step.held, self.budget, |head, held| {
            best(held, self.budget + 1 - self.lag, |i| i + self.lag > step.t, |i| self.uses[head][i].score(step.t))
        })
    }

    fn bytes(&self, held: &[Vec<usize>]) -> usize {
        held.iter().map(Vec::len).sum::<usize>() * size_of::<Use>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_waited_for_as_long_as_it_used_to_stay_away() {
        let mut periodic = Use::default();
        for t in [6, 12, 18] {
            periodic.at(t);
        }
        assert_eq!(periodic, Use { last: 18, interval: 6 });
        let once = Use { last: 20, interval: 0 };
        // At step 24 the periodic token is not yet due (away 6 of 7), the other one is long overdue (away 4 of 1).
        assert!(periodic.score(24) > 0.5, "{}", periodic.score(24));
        assert!(once.score(24) < 0.1, "{}", once.score(24));
        // At step 25 the time away reaches the interval: sigma(0) and the small term.
        assert!((periodic.score(25) - (0.5 + 0.01 * 6.0 / 7.0)).abs() < 1e-6);
    }
}
