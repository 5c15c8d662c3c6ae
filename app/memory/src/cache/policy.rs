//! What a policy is: a rule that says which tokens stay (an [`Eviction`]) and a form in which they are kept (a
//! [`Codec`]).

use mnemoscope_core::{Knob, Scale};

use super::calibration::Learned;
use super::{CacheError, Policy};

/// The knob of every policy that evicts.
pub(super) const BUDGET: Knob = Knob::real("budget", "Budget", "M", 0.01, 1.0, 0.5, Scale::Log)
    .meaning("Most tokens that a head holds at any time, as a share of the sequence.")
    .source("the lab's: one measure for all policies");

/// The knob of every policy that treats the first tokens apart.
pub(super) const SINKS: Knob = Knob::whole("sinks", "Sinks", "", 0, 64, 4, Scale::Linear)
    .meaning("First tokens that are always kept as they are: models park attention there.")
    .source("Xiao et al. 2024, \"Efficient Streaming Language Models with Attention Sinks\"");

/// Where a policy is set up: one layer of one model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// The policy and its settings.
    pub policy: &'a Policy,
    /// Which layer.
    pub layer: usize,
    /// Heads of the layer.
    pub heads: usize,
    /// Tokens of the sequence.
    pub steps: usize,
    /// Entries of a key.
    pub d_k: usize,
    /// Entries of a value.
    pub d_v: usize,
    /// What was learned of the model beforehand.
    pub learned: &'a Learned,
    /// What this layer's leader dropped and when, where another layer decides for this one.
    pub leader: Option<&'a [u32]>,
}

impl Site<'_> {
    /// Most tokens that a head may hold.
    pub(super) fn budget(&self) -> usize {
        tokens(self.policy.real("budget"), self.steps)
    }
}

/// A share of a sequence in tokens, at least one.
pub(super) fn tokens(share: f64, steps: usize) -> usize {
    ((share * steps as f64).round() as usize).max(1)
}

/// A policy at work.
pub(super) struct Parts {
    /// Which tokens stay.
    pub eviction: Box<dyn Eviction>,
    /// How they are kept.
    pub codec: Box<dyn Codec>,
}

/// How a policy is set up at a site.
pub(super) type Build = fn(&Site<'_>) -> Result<Parts, CacheError>;

/// What a policy sees after each step of one sequence, all heads of a layer together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// Which layer.
    pub layer: usize,
    /// Which sequence of the call.
    pub row: usize,
    /// The token that has just been read, from 0.
    pub t: usize,
    /// Positions that each head holds, ascending; the last is `t`.
    pub held: &'a [Vec<usize>],
    /// Each head's attention to them; adds up to 1.
    pub weights: &'a [Vec<f32>],
    /// What the layer saw of the token.
    pub hidden: &'a [f32],
}

/// Which tokens stay. Holds the state of one sequence in one layer.
pub(super) trait Eviction: Send + Sync {
    /// The positions that each head holds from now on, ascending; `None` where nothing goes.
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>>;

    /// After the step at `t`: positions whose keys and values are kept in other bits from now on, and in how many.
    fn recoded(&self, _t: usize) -> Vec<(usize, usize)> {
        Vec::new()
    }

    /// Bytes that the rule itself remembers while each head holds these positions.
    fn bytes(&self, held: &[Vec<usize>]) -> usize;
}

/// In which form keys and values are kept.
pub(super) trait Codec: Send + Sync {
    /// Replaces the keys `[H, d_k]` and values `[H, d_v]` of the token at `position` by what reading them back gives,
    /// and answers the bytes that they take.
    fn store(&self, position: usize, keys: &mut [f32], values: &mut [f32]) -> usize;

    /// The same with `bits` per number, from what was stored first.
    fn recode(&self, bits: usize, keys: &mut [f32], values: &mut [f32]) -> usize;
}

/// Keys and values as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl Codec for Plain {
    fn store(&self, _position: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        size_of_val(keys) + size_of_val(values)
    }

    fn recode(&self, _bits: usize, keys: &mut [f32], values: &mut [f32]) -> usize {
        size_of_val(keys) + size_of_val(values)
    }
}

/// The `count` tokens of `held` that are kept: protected ones first, then those of the highest score; of equals the
/// newer one. Ascending.
pub(super) fn best(
    held: &[usize],
    count: usize,
    protected: impl Fn(usize) -> bool,
    score: impl Fn(usize) -> f32,
) -> Vec<usize> {
    let mut ranked: Vec<(bool, f32, usize)> = held.iter().map(|&i| (protected(i), score(i), i)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.cmp(&a.2)));
    let mut kept: Vec<usize> = ranked.into_iter().take(count).map(|(_, _, i)| i).collect();
    kept.sort_unstable();
    kept
}

/// Asks `keep` of every head that holds more than `budget` tokens.
pub(super) fn over(
    held: &[Vec<usize>],
    budget: usize,
    mut keep: impl FnMut(usize, &[usize]) -> Vec<usize>,
) -> Option<Vec<Vec<usize>>> {
    held.iter().any(|held| held.len() > budget).then(|| {
        held.iter()
            .enumerate()
            .map(|(head, held)| if held.len() > budget { keep(head, held) } else { held.clone() })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protected_stay_then_the_best_and_of_equals_the_newer() {
        let score = [5.0, 1.0, 3.0, 3.0, 0.0];
        let held = [0, 1, 2, 3, 4];
        assert_eq!(best(&held, 3, |i| i == 4, |i| score[i]), [0, 3, 4]);
        assert_eq!(best(&held, 2, |i| i == 4, |i| score[i]), [0, 4]);
        assert_eq!(best(&held, 2, |_| true, |_| 0.0), [3, 4], "the budget holds even where more are protected");
        assert_eq!(best(&held, 9, |_| false, |i| score[i]), held);
    }

    #[test]
    fn a_share_is_at_least_one_token() {
        assert_eq!(tokens(0.5, 64), 32);
        assert_eq!(tokens(0.01, 10), 1);
    }
}
