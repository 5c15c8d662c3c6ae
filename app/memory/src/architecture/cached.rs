//! Memory caching (Behrouz et al. 2026, arXiv 2602.24281): at the end of each segment the state of a memory is kept, and a
//! read asks the kept states beside the present one.
//!
//! With `reset` the memory starts anew in each segment, so that the states hold different pairs; with `checkpoint` it
//! goes on, and they are nested. Read-outs, with M₀ the present memory and g = softmax(b q·m) over the mean keys m of
//! all segments, the present one too: residual Σ Mᵢ(q); gated Σ gᵢ Mᵢ(q); soup M(q) at the weights Σ gᵢ Wᵢ; sparse:
//! gated over the present segment and the k kept ones of largest q·m. Lab form: the router asks with the query itself, and its sharpness b is a
//! number; in the paper both are learned.

use crate::bias::softmax;
use crate::learned::{Learned, Weighted};
use crate::matrix::dot;
use crate::memory::{Image, Memory};

/// How kept states are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOut {
    Residual,
    Gated,
    Soup,
    /// The number of kept segments that are asked beside the present one.
    Sparse(usize),
}

/// How states are kept and read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caching {
    pub segment: usize,
    pub reset: bool,
    pub read_out: ReadOut,
    pub sharpness: f32,
}

/// The memory and its kept states.
#[derive(Debug, Clone)]
pub(crate) struct Cached<A> {
    memory: Learned<A>,
    caching: Caching,
    kept: Vec<State>,
    /// Sum and number of the present segment's keys.
    sum: Vec<f32>,
    count: usize,
}

#[derive(Debug, Clone)]
struct State {
    weights: Vec<f32>,
    /// Mean key.
    summary: Vec<f32>,
}

impl<A: Weighted> Cached<A> {
    pub(crate) fn new(memory: Learned<A>, caching: Caching, d_k: usize) -> Self {
        Self { memory, caching, kept: Vec::new(), sum: vec![0.0; d_k], count: 0 }
    }

    fn summary(&self) -> Vec<f32> {
        self.sum.iter().map(|sum| sum / self.count.max(1) as f32).collect()
    }

    /// The weights of all states and the share of each, the present one last. A present segment without pairs takes no
    /// part unless it is the only one.
    fn shares(&self, query: &[f32]) -> Vec<(&[f32], f32)> {
        let mut states: Vec<(&[f32], f32)> =
            self.kept.iter().map(|state| (state.weights.as_slice(), dot(query, &state.summary))).collect();
        if let ReadOut::Sparse(most) = self.caching.read_out {
            // Stable, so that of equals the older stays.
            states.sort_by(|a, b| b.1.total_cmp(&a.1));
            states.truncate(most);
        }
        // After the choice: the present memory is always asked.
        if self.count > 0 || states.is_empty() {
            states.push((self.memory.weights(), dot(query, &self.summary())));
        }
        if self.caching.read_out == ReadOut::Residual {
            for (_, share) in &mut states {
                *share = 1.0;
            }
            return states;
        }
        let logits: Vec<f32> = states.iter().map(|(_, relevance)| self.caching.sharpness * relevance).collect();
        states.iter_mut().zip(softmax(&logits)).for_each(|((_, share), gate)| *share = gate);
        states
    }
}

/// Σ share · x.
fn blend(parts: impl Iterator<Item = (Vec<f32>, f32)>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for (part, share) in parts {
        sum.resize(part.len(), 0.0);
        sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += share * x);
    }
    sum
}

impl<A: Weighted> Memory for Cached<A> {
    fn write(&mut self, key: &[f32], value: &[f32]) {
        self.memory.write(key, value);
        self.sum.iter_mut().zip(key).for_each(|(sum, k)| *sum += k);
        self.count += 1;
        if self.count == self.caching.segment {
            self.kept.push(State { weights: self.memory.weights().to_vec(), summary: self.summary() });
            self.sum.fill(0.0);
            self.count = 0;
            if self.caching.reset {
                self.memory.restart();
            }
        }
    }

    /// Kept states stay as they were kept.
    fn pass(&mut self) {
        self.memory.pass();
    }

    fn read(&self, query: &[f32]) -> Vec<f32> {
        let states = self.shares(query);
        if self.caching.read_out == ReadOut::Soup {
            let soup = blend(states.into_iter().map(|(weights, share)| (weights.to_vec(), share)));
            return self.memory.read_at(&soup, query);
        }
        blend(states.into_iter().map(|(weights, share)| (self.memory.read_at(weights, query), share)))
    }

    fn reset(&mut self) {
        self.memory.reset();
        self.kept.clear();
        self.sum.fill(0.0);
        self.count = 0;
    }

    fn bytes(&self) -> usize {
        let kept: usize = self.kept.iter().map(|state| state.weights.len() + state.summary.len()).sum();
        self.memory.bytes() + (kept + self.sum.len()) * size_of::<f32>()
    }

    fn image(&self) -> Image {
        self.memory.image()
    }

    fn last_write(&self) -> Option<Image> {
        self.memory.last_write()
    }

    fn surprise(&self) -> Option<f32> {
        self.memory.surprise()
    }

    fn boxed_clone(&self) -> Box<dyn Memory> {
        Box::new(self.clone())
    }
}
