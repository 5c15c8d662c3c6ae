//! Per-layer sizes by one level of attention kept (PrefixKV, S119): layers whose attention is concentrated hold few
//! tokens, so that others may hold many.
//!
//! Beforehand, on samples under full attention: the importance of a token in a layer is the attention that it draws
//! from all queries, mean over heads. Sorted and normalised, c_l(j) is what the j best tokens draw together. One level
//! p for all layers keeps the smallest k_l with c_l(k_l) >= p; bisection on p makes the k_l add up to the budget of all
//! layers. The shares k_l / T are averaged over the samples and scaled to the budget.
//!
//! Then each layer holds its k_l tokens. Lab form of decoding: over its size a layer drops the token with the least
//! attention drawn so far, outside the first ones and the last (the authors' program drops one at a fixed offset).

use mnemoscope_core::Kind;

use super::CacheError;
use super::attend::Call;
use super::calibration::Learned;
use super::policy::{BUDGET, Eviction, Parts, Plain, SINKS, Site, Step, best, tokens};
use super::row::Row;

pub(super) const KIND: Kind = Kind {
    name: "prefix",
    label: "Size per layer",
    meaning: "Gives each layer the size at which it keeps the same part of its attention; budget of all layers together.",
    source: "S119, \"PrefixKV: Adaptive Prefix KV Cache\"; dropping while decoding: lab form",
    knobs: &[BUDGET, SINKS],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let Learned::Shares(shares) = site.learned else {
        return Err(CacheError::NotCalibrated { policy: KIND.name });
    };
    let budget = tokens(shares[site.layer], site.steps);
    let eviction = Prefix { budget, sinks: site.policy.whole("sinks").min(budget - 1), drawn: vec![0.0; site.steps] };
    Ok(Parts { eviction: Box::new(eviction), codec: Box::new(Plain) })
}

/// The shares of the sequence that the layers hold; together `budget` times their number. Each layer has a call with tokens.
///
/// A sample is one sequence of one call; the n-th of each layer are of the same sequence.
pub(super) fn calibrate(budget: f64, layers: usize, calls: &[Call<'_>]) -> Learned {
    let of_layer = |layer: usize| -> Vec<Vec<f64>> {
        let calls = calls.iter().filter(|call| call.layer == layer && call.shape.steps > 0);
        calls.flat_map(|call| (0..call.shape.rows).map(move |row| curve(call, row))).collect()
    };
    let curves: Vec<Vec<Vec<f64>>> = (0..layers).map(of_layer).collect();
    let samples = curves.iter().map(Vec::len).min().unwrap_or(0);
    let mut shares = vec![0.0; layers];
    for sample in 0..samples {
        let one: Vec<&[f64]> = curves.iter().map(|layer| layer[sample].as_slice()).collect();
        for (share, size) in shares.iter_mut().zip(sizes(&one, budget)) {
            *share += size;
        }
    }
    let total: f64 = shares.iter().sum();
    // What one layer cannot use, being at all of its tokens, is lost: the budget is an upper bound.
    Learned::Shares(shares.iter().map(|share| (share / total * budget * layers as f64).min(1.0)).collect())
}

/// c_l of one sequence of a call: what the j + 1 best tokens of its layer draw together.
fn curve(call: &Call<'_>, row: usize) -> Vec<f64> {
    let row = Row::of(call, row);
    let mut importance = vec![0.0; row.steps];
    for head in 0..row.heads {
        for attention in row.attention(head).chunks_exact(row.steps) {
            for (sum, weight) in importance.iter_mut().zip(attention) {
                *sum += f64::from(*weight);
            }
        }
    }
    importance.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = importance.iter().sum();
    let mut sum = 0.0;
    importance
        .iter()
        .map(|part| {
            sum += part / total;
            sum
        })
        .collect()
}

/// The layers' sizes as shares of the sequence, at the lowest level p at which they use up the budget.
fn sizes(curves: &[&[f64]], budget: f64) -> Vec<f64> {
    let at = |level: f64| -> Vec<f64> {
        let share =
            |curve: &&[f64]| (curve.partition_point(|c| *c < level) + 1).min(curve.len()) as f64 / curve.len() as f64;
        curves.iter().map(share).collect()
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let level = f64::midpoint(low, high);
        if at(level).iter().sum::<f64>() < budget * curves.len() as f64 {
            low = level;
        } else {
            high = level;
        }
    }
    at(high)
}

#[derive(Debug, Clone)]
struct Prefix {
    budget: usize,
    sinks: usize,
    /// Attention that each position has drawn so far, mean over heads.
    drawn: Vec<f32>,
}

impl Eviction for Prefix {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        let held = &step.held[0];
        for weights in step.weights {
            for (&i, weight) in held.iter().zip(weights) {
                self.drawn[i] += weight / step.held.len() as f32;
            }
        }
        (held.len() > self.budget).then(|| {
            let kept = best(held, self.budget, |i| i < self.sinks || i == step.t, |i| self.drawn[i]);
            vec![kept; step.held.len()]
        })
    }

    fn bytes(&self, held: &[Vec<usize>]) -> usize {
        // One sum per token for all heads.
        held[0].len() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_with_concentrated_attention_needs_fewer_tokens() {
        // By hand: at the level 0.9 one token of the first layer does (0.9), and four of the second (0.25 each).
        let curves: [&[f64]; 2] = [&[0.9, 0.95, 0.98, 1.0], &[0.25, 0.5, 0.75, 1.0]];
        assert_eq!(sizes(&curves, 5.0 / 8.0), [0.25, 1.0]);
        assert_eq!(sizes(&curves, 1.0), [1.0, 1.0]);
    }
}
