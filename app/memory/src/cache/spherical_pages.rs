//! Angles and a radius, with bits by use (Spherical KV, S114): pages of tokens that draw much attention keep many bits,
//! others few or none.
//!
//! Tokens stand in pages of adjacent ones. U of a page is a running mean of the attention that its tokens draw, of all
//! heads. Where the cache outgrows its bytes, every closed page gets the tier b of 0, 2, 4 or 8 bits that maximises
//! U gain(b) − λ bytes(b), with λ by bisection as small as the budget lets it be. gain(0) = 0, and else 1 less the expected
//! squared error of a direction whose angles are uniform in their bins: Σ over rounds of (half a bin)² / 3. A tier
//! never rises again, as bits that are gone are gone; the bins of fewer bits are unions of those of more, so that a
//! code is cut and not made anew. The page being written keeps 8 bits.
//!
//! Lab form: the abstract tells of allotting by rate and distortion; this objective is the lab's. Values are
//! rounded anew from what they were to the page's bits. The budget is a share of the bytes that the whole sequence takes
//! uncompressed, and holds as soon as more than the page being written is there to cut.

use mnemoscope_core::{Kind, Knob, Scale};

use super::CacheError;
use super::policy::{Codec, Eviction, Parts, Site, Step};
use super::spherical::{Spherical, half_bins};

/// Bits of an angle, least first.
const TIERS: [usize; 4] = [0, 2, 4, 8];

pub(super) const KIND: Kind = Kind {
    name: "spherical_pages",
    label: "Angles, bits by use",
    meaning: "Keeps keys as a length and angles, with more bits for pages of tokens that draw more attention.",
    source: "S114, \"Spherical KV: Rate-Distortion Retention\"; the objective: lab form",
    knobs: &[
        Knob::real("budget", "Budget", "M", 0.01, 1.0, 0.1, Scale::Log)
            .meaning("Bytes held, as a share of what the whole sequence takes uncompressed."),
        Knob::whole("page", "Page", "", 1, 64, 4, Scale::Log)
            .meaning("Adjacent tokens that share a number of bits.")
            .source("S114: 16, for sequences of thousands"),
        Knob::real("smoothing", "Smoothing", "", 0.0, 0.999, 0.9, Scale::Linear)
            .meaning("What is kept of a page's running mean of attention at each step."),
    ],
};

pub(super) fn build(site: &Site<'_>) -> Result<Parts, CacheError> {
    let codec = Spherical { bits: 8, sinks: 0, d_k: site.d_k, heads: site.heads };
    let token = site.heads * (site.d_k + site.d_v) * size_of::<f32>();
    let pages = Pages {
        bytes: TIERS.map(|bits| if bits == 0 { 0 } else { codec.bytes(bits, site.heads * site.d_v) }),
        gain: TIERS.map(|bits| if bits == 0 { 0.0 } else { gain(site.d_k, bits) }),
        budget: (site.policy.real("budget") * (token * site.steps) as f64) as usize,
        page: site.policy.whole("page"),
        smoothing: site.policy.real("smoothing") as f32,
        used: Vec::new(),
        tiers: Vec::new(),
        recoded: Vec::new(),
    };
    Ok(Parts { eviction: Box::new(pages), codec: Box::new(codec) })
}

/// 1 − the expected squared error of a direction in `d` dimensions with `bits` per angle.
fn gain(d: usize, bits: usize) -> f32 {
    let error: f32 = half_bins(d, bits).iter().map(|half| half * half / 3.0).sum();
    (1.0 - error).max(0.0)
}

#[derive(Debug, Clone)]
struct Pages {
    /// Bytes of a token of all heads at each tier.
    bytes: [usize; TIERS.len()],
    /// What each tier is worth.
    gain: [f32; TIERS.len()],
    /// Most bytes.
    budget: usize,
    /// Tokens of a page.
    page: usize,
    smoothing: f32,
    /// U per page.
    used: Vec<f32>,
    /// Index into the tiers per page.
    tiers: Vec<usize>,
    /// Pages whose tier fell at this step.
    recoded: Vec<usize>,
}

impl Pages {
    /// The tiers at a price per byte, and their bytes.
    fn at(&self, price: f32, t: usize) -> (Vec<usize>, usize) {
        let open = t / self.page;
        let mut total = 0;
        let tiers = (0..=open)
            .map(|page| {
                let tokens = if page == open { t % self.page + 1 } else { self.page };
                let value =
                    |tier: &usize| self.used[page] * self.gain[*tier] - price * (self.bytes[*tier] * tokens) as f32;
                let tier = if page == open {
                    self.tiers[page]
                } else {
                    (0..=self.tiers[page]).max_by(|a, b| value(a).total_cmp(&value(b)).then(b.cmp(a))).unwrap_or(0)
                };
                total += self.bytes[tier] * tokens;
                tier
            })
            .collect();
        (tiers, total)
    }

    /// The tiers at the lowest price at which they fit; at a boundless one only the open page is left.
    fn fit(&self, t: usize) -> Vec<usize> {
        let (mut low, mut high) = (0.0f32, 1.0f32);
        while self.at(high, t).1 > self.budget && high < f32::MAX / 4.0 {
            high *= 2.0;
        }
        for _ in 0..60 {
            let price = f32::midpoint(low, high);
            if self.at(price, t).1 > self.budget {
                low = price;
            } else {
                high = price;
            }
        }
        self.at(high, t).0
    }
}

impl Eviction for Pages {
    fn held(&mut self, step: &Step<'_>) -> Option<Vec<Vec<usize>>> {
        let open = step.t / self.page;
        if open == self.used.len() {
            self.used.push(0.0);
            self.tiers.push(TIERS.len() - 1);
        }
        let mut drawn = vec![0.0; self.used.len()];
        for (held, weights) in step.held.iter().zip(step.weights) {
            for (i, weight) in held.iter().zip(weights) {
                drawn[i / self.page] += weight;
            }
        }
        for (used, drawn) in self.used.iter_mut().zip(drawn) {
            *used = self.smoothing * *used + (1.0 - self.smoothing) * drawn;
        }
        self.recoded.clear();
        let held: usize = step.held[0].iter().map(|i| self.bytes[self.tiers[i / self.page]]).sum();
        if held <= self.budget {
            return None;
        }
        let tiers = self.fit(step.t);
        self.recoded.extend((0..=open).filter(|&page| tiers[page] != self.tiers[page] && tiers[page] > 0));
        self.tiers = tiers;
        let keep = |held: &Vec<usize>| held.iter().copied().filter(|i| self.tiers[i / self.page] > 0).collect();
        Some(step.held.iter().map(keep).collect())
    }

    fn recoded(&self, t: usize) -> Vec<(usize, usize)> {
        let tokens = |&page: &usize| (page * self.page..(page + 1) * self.page).map(move |i| (page, i));
        let all = self.recoded.iter().flat_map(tokens);
        all.filter(|(_, i)| *i <= t).map(|(page, i)| (i, TIERS[self.tiers[page]])).collect()
    }

    fn bytes(&self, _held: &[Vec<usize>]) -> usize {
        // U in four bytes and the tier in one per page that is left.
        self.tiers.iter().filter(|tier| **tier > 0).count() * (size_of::<f32>() + 1)
    }
}

impl Spherical {
    /// Bytes of a token of all heads.
    fn bytes(&self, bits: usize, values: usize) -> usize {
        let (mut keys, mut values) = (vec![0.0; self.heads * self.d_k], vec![0.0; values]);
        self.recode(bits, &mut keys, &mut values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        Pages {
            bytes: [0, 2, 4, 8],
            gain: [0.0, 0.7, 0.98, 1.0],
            budget: 14,
            page: 1,
            smoothing: 0.0,
            used: vec![0.6, 0.05, 0.3, 0.05],
            tiers: vec![3; 4],
            recoded: Vec::new(),
        }
    }

    #[test]
    fn bits_go_where_attention_is() {
        // The open page takes 8 of 14; 6 are left for three pages. Slopes of U gain per byte: page 0 0.21, then 0.084;
        // page 2 0.105, then 0.042; page 1 0.0175. So page 0 gets 4 bytes and page 2 gets 2.
        assert_eq!(pages().fit(3), [2, 0, 1, 3]);
        // What has fallen does not rise again, whatever the budget.
        let fallen = Pages { tiers: vec![1, 3, 0, 3], budget: 100, ..pages() };
        assert_eq!(fallen.fit(3), [1, 3, 0, 3]);
    }

    #[test]
    fn more_bits_are_worth_more_and_never_more_than_the_whole() {
        for d in [2, 8, 32] {
            let gains: Vec<f32> = [2, 4, 8].iter().map(|&bits| gain(d, bits)).collect();
            assert!(0.5 < gains[0] && gains[0] < gains[1] && gains[1] < gains[2] && gains[2] < 1.0, "{gains:?}");
        }
    }
}
