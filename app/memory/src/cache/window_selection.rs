//! Selection of whole windows (WindowKV, S123): tokens that stand together stay or go together, chosen by what the
//! latest queries attend to.
//!
//! The latest s tokens stay. The attention of the last s queries to every earlier token is added up, averaged over
//! heads, and a window of w adjacent tokens scores the mean of its sums, or in the mode for localisation the mean of
//! its w/2 largest. The best windows stay, for all heads alike. Layers in groups of g take the choice of their first
//! layer, which alone keeps scores.
//!
//! Lab form: the paper selects once, after the prompt. A stream has no prompt, so that here every overflow of the
//! budget is one, and cuts to w − 1 below it. The person chooses the mode (the paper trains a classifier of prompts), and all
//! groups have the same budget.

use std::collections::VecDeque;

use mnemoscope_core::{Kind, Knob, Opt, Scale};

use super::CacheError;
use super::policy::{BUDGET, Eviction, Parts, Plain, Site, Step};

static MODES: [Opt; 2] = [
    Opt { name: "mean", label: "Mean", meaning: "A window counts as the mean of its tokens (aggregation)." },
    Opt { name: "top_half", label: "Best half", meaning: "A window counts as its better half (localisation)." },
];

pub(super) const KIND: Kind = Kind {
    name: "window_selection",
    label: "Window selection",
    meaning: "Keeps whole windows of adjacent tokens, those that the latest queries attend to.",
    source: "S123, \"WindowKV: Task-Adaptive Group-Wise KV Cache Window Selection\"; repeated selection: lab form",
    knobs: &[
        BUDGET,
        Knob::whole("window", "Window", "w", 1, 32, 8, Scale::Linear)
            .meaning("Adjacent tokens that stay or go together.")
            .source("S123: 8"),
        Knob::whole("suffix", "Latest queries", "s", 1, 64, 16, Scale::Linear)
            .meaning("Latest tokens that stay and whose queries choose; at most half of the budget.")
            .source("S123: 16, or 32 for localisation"),
        Knob::choice("mode", "Score", &MODES, "mean").meaning("What a window counts as.").source("S123"),
        Knob::whole("group", "Layers in a group", "g", 1, 8, 1, Scale::Linear)
            .meaning("Layers that share one choice, made in the first of them.")
            .source("S123: 8 of 28 layers; 1: every layer chooses"),
    ],
};

/// The layer that chooses for `layer`; itself where it leads.
pub(super) fn leader(site_layer: usize, group: usize) -> usize {
    site_layer / group * group
}

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let leader = leader(site.layer, site.policy.whole("group"));
    let eviction: Box<dyn Eviction> = if leader == site.layer {
        let budget = site.budget();
        let suffix = site.policy.whole("suffix").min(budget / 2).max(1);
        Box::new(Windows {
            budget,
            window: site.policy.whole("window").clamp(1, (budget - suffix).max(1)),
            suffix,
            top_half: site.policy.text("mode") == "top_half",
            recent: VecDeque::with_capacity(suffix),
        })
    } else {
        let strip = site.leader.ok_or(CacheError::NoLeader { layer: site.layer, leader })?;
        Box::new(Follower { heads: site.heads, until: strip.to_vec() })
    };
    Ok(Parts { eviction, codec: Box::new(Plain) })
}

#[derive(Debug, Clone)]
struct Windows {
    budget: usize,
    window: usize,
    suffix: usize,
    top_half: bool,
    /// The latest queries' attention per position, mean over heads.
    recent: VecDeque<Vec<f32>>,
}

impl Windows {
    /// What a window counts as, from its tokens' scores.
    fn count(&self, mut scores: Vec<f32>) -> f32 {
        if self.top_half {
            scores.sort_by(|a, b| b.total_cmp(a));
            scores.truncate((self.window / 2).max(1));
        }
        scores.iter().sum::<f32>() / scores.len() as f32
    }
}

impl Eviction for Windows {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        // All heads hold the same tokens.
        let held = &step.held[0];
        let mut attention = vec![0.0; step.t + 1];
        for weights in step.weights {
            for (&i, weight) in held.iter().zip(weights) {
                attention[i] += weight / step.held.len() as f32;
            }
        }
        if self.recent.len() == self.suffix {
            self.recent.pop_front();
        }
        self.recent.push_back(attention);
        if held.len() <= self.budget {
            return None;
        }

        let score = |i: usize| -> f32 { self.recent.iter().filter_map(|attention| attention.get(i)).sum() };
        let earlier: Vec<usize> = held.iter().copied().filter(|i| i + self.suffix <= step.t).collect();
        let mut windows: Vec<(f32, &[usize])> = earlier
            .chunk_by(|a, b| a / self.window == b / self.window)
            .map(|window| (self.count(window.iter().map(|&i| score(i)).collect()), window))
            .collect();
        windows.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(a.1)));
        let mut room = self.budget + 1 - self.window - (held.len() - earlier.len());
        let mut kept: Vec<usize> = held[earlier.len()..].to_vec();
        for (_, window) in windows {
            if window.len() <= room {
                room -= window.len();
                kept.extend_from_slice(window);
            }
        }
        kept.sort_unstable();
        Some(vec![kept; step.held.len()])
    }

    fn bytes(&self, held: &[Vec<usize>]) -> usize {
        // The latest queries' attention to what is held, once for all heads.
        self.recent.len() * held[0].len() * size_of::<f32>()
    }
}

/// Does what the leader did.
#[derive(Debug, Clone)]
struct Follower {
    heads: usize,
    /// The leader's [`Attended::until`](super::Attended) of this sequence's first head; its heads agree.
    until: Vec<u32>,
}

impl Eviction for Follower {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        let held = &step.held[0];
        let kept: Vec<usize> = held.iter().copied().filter(|&i| self.until[i] as usize > step.t).collect();
        (kept.len() < held.len()).then(|| vec![kept; self.heads])
    }

    fn bytes(&self, _held: &[Vec<usize>]) -> usize {
        0
    }
}
