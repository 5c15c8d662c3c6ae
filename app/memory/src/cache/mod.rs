//! Bounded caches: softmax attention that may hold only so many tokens, or so many bits of each, under a policy that
//! says which (methods: section 13).
//!
//! At each step a policy sees the token, each head's attention and what is held, and answers what stays. Each has a
//! file with its algorithm, its source, and what of it is a form of the lab's own. All are held to one measure: the
//! budget is the most tokens that a head holds after any step, and bytes are counted as stored, with what a policy
//! remembers of the tokens.
//!
//! ```
//! use mnemoscope_core::Setting;
//! use mnemoscope_memory::cache::{Cache, Call, Policy, Shape};
//!
//! let policy = Policy::new("window")?.with("budget", Setting::Number(0.5))?.with("sinks", Setting::Number(1.0))?;
//! let mut cache = Cache::new(policy, 1);
//! let shape = Shape { rows: 1, heads: 1, steps: 4, d_k: 1, d_v: 1 };
//! let (q, k, v) = ([0.0; 4], [0.0; 4], [1.0, 2.0, 3.0, 4.0]);
//! let call = Call { layer: 0, shape, scale: 1.0, decay: 1.0, q: &q, k: &k, v: &v, hidden: &[], starts: &[] };
//! let attended = cache.attend(&call)?;
//! // The first token is a sink; at each step the newest joins it for reading, and the one before it goes.
//! assert_eq!(attended.until, [4, 2, 3, 4]);
//! assert_eq!(attended.out, [1.0, 1.5, 2.0, (1.0 + 3.0 + 4.0) / 3.0]);
//! assert_eq!(attended.bytes, [8, 16, 16, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![expect(clippy::unnecessary_wraps, reason = "all policies are built through one signature")]

mod attend;
mod calibration;
mod error;
mod full;
mod gate;
mod hadamard;
mod heavy_hitter;
mod lazy;
mod policy;
mod prefix;
mod quantised;
mod quantiser;
mod random;
mod row;
mod spherical;
mod spherical_pages;
mod window;
mod window_selection;

pub use attend::{Attended, Call, Shape};
pub use error::CacheError;

use calibration::Learned;
use mnemoscope_core::{Kind, Registry};
use policy::{Build, Site};

/// A policy and its settings, as a file names it: `lazy(budget: 0.5)`.
pub type Policy = mnemoscope_core::Component<Policies>;

/// What a claim calls a policy: its name with its budget or bits, "lazy 0.5".
pub fn label(policy: &Policy) -> String {
    let size = ["budget", "bits"].into_iter().find(|size| policy.kind().knob(size).is_some());
    size.map_or_else(|| policy.name().to_owned(), |size| format!("{} {}", policy.name(), policy.real(size)))
}

/// The policies.
#[derive(Debug, Clone, Copy)]
pub struct Policies;

impl Registry for Policies {
    const NOUN: &'static str = "cache policy";

    fn kinds() -> &'static [Kind] {
        KINDS
    }
}

/// The registry from one list, in the order in which it is shown.
macro_rules! policies {
    ($($file:ident),* $(,)?) => {
        static KINDS: &[Kind] = &[$($file::KIND),*];
        static BUILDS: &[(&str, Build)] = &[$(($file::KIND.name, $file::build)),*];
    };
}

// The first is what `Cache::full` keeps.
policies![
    full,
    random,
    window,
    heavy_hitter,
    lazy,
    gate,
    window_selection,
    prefix,
    quantised,
    spherical,
    spherical_pages,
];

/// The caches of a model's layers under one policy.
#[derive(Debug, Clone)]
pub struct Cache {
    policy: Policy,
    layers: usize,
    learned: Learned,
    /// What layers that lead others dropped in their last call, by layer.
    dropped: Vec<Option<Vec<u32>>>,
}

impl Cache {
    /// Caches for a model of so many layers.
    pub fn new(policy: Policy, layers: usize) -> Self {
        Self { policy, layers, learned: Learned::Nothing, dropped: vec![None; layers] }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether the policy has to see the model before it is used.
    pub fn needs_calibration(&self) -> bool {
        [prefix::KIND.name, gate::KIND.name].contains(&self.policy.name())
    }

    /// Shows a policy that needs it the model's attention on samples: one call per layer, or several. Nothing is done
    /// for the others.
    ///
    /// # Errors
    /// When a layer has no call, or an array is not as long as its sizes say.
    pub fn calibrate(&mut self, calls: &[Call<'_>]) -> Result<(), CacheError> {
        if !self.needs_calibration() {
            return Ok(());
        }
        let policy = self.policy.name();
        for call in calls {
            self.check(call)?;
        }
        for layer in 0..self.layers {
            if !calls.iter().any(|call| call.layer == layer && call.shape.rows > 0 && call.shape.steps > 0) {
                return Err(CacheError::NoSamples { policy, layers: self.layers, layer });
            }
        }
        self.learned = if policy == prefix::KIND.name {
            prefix::calibrate(self.policy.real("budget"), self.layers, calls)
        } else {
            gate::calibrate(&self.policy, self.layers, calls)
        };
        Ok(())
    }

    /// One layer's attention under no policy: everything is kept.
    ///
    /// # Errors
    /// When an array is not as long as its sizes say.
    pub fn full(call: &Call<'_>) -> Result<Attended, CacheError> {
        Self::new(Policy::of(&KINDS[0]), call.layer + 1).attend(call)
    }

    /// One layer's attention under the policy. Layers come in order: some policies share choices between them.
    ///
    /// # Errors
    /// When an array is not as long as its sizes say, the policy was not calibrated, or a layer is asked for whose
    /// leader was not.
    pub fn attend(&mut self, call: &Call<'_>) -> Result<Attended, CacheError> {
        self.check(call)?;
        let name = self.policy.name();
        let Some((_, build)) = BUILDS.iter().find(|(known, _)| *known == name) else {
            unreachable!("the registry has no {name}");
        };
        let Shape { rows, heads, steps: all, d_k, d_v } = call.shape;
        if rows == 0 || all == 0 {
            return Ok(Attended { out: Vec::new(), until: Vec::new(), bytes: Vec::new() });
        }
        let leads = name == window_selection::KIND.name;
        let leader = leads.then(|| window_selection::leader(call.layer, self.policy.whole("group")));
        let dropped = leader.and_then(|leader| self.dropped[leader].as_deref());
        // Rows of the leader's call, of which each row here takes its own.
        let dropped = dropped.filter(|dropped| dropped.len() == rows * all);
        let parts = |row: usize| {
            let start = call.start(row);
            let strip: Option<Vec<u32>> = dropped.map(|dropped| {
                dropped[row * all + start..(row + 1) * all].iter().map(|until| until - start as u32).collect()
            });
            build(&Site {
                policy: &self.policy,
                layer: call.layer,
                heads,
                steps: all - start,
                d_k,
                d_v,
                learned: &self.learned,
                leader: strip.as_deref(),
            })
        };
        let attended = attend::attend(call, (0..rows).map(parts).collect::<Result<_, _>>()?);
        if leader == Some(call.layer) {
            let first_heads = attended.until.chunks_exact(all).step_by(heads);
            self.dropped[call.layer] = Some(first_heads.flatten().copied().collect());
        }
        Ok(attended)
    }

    fn check(&self, call: &Call<'_>) -> Result<(), CacheError> {
        if call.layer >= self.layers {
            return Err(CacheError::Layer { layer: call.layer, layers: self.layers });
        }
        let Shape { steps, d_k, d_v, .. } = call.shape;
        let lanes = call.shape.lanes();
        let arrays = [
            ("q", call.q.len(), lanes * steps * d_k),
            ("k", call.k.len(), lanes * steps * d_k),
            ("v", call.v.len(), lanes * steps * d_v),
        ];
        for (what, found, expected) in arrays {
            if found != expected {
                return Err(CacheError::Length { what, found, expected, shape: format!("{:?}", call.shape) });
            }
        }
        if !call.starts.is_empty() && call.starts.len() != call.shape.rows {
            let (found, expected) = (call.starts.len(), call.shape.rows);
            return Err(CacheError::Length { what: "starts", found, expected, shape: format!("{:?}", call.shape) });
        }
        if let Some(start) = call.starts.iter().copied().find(|start| *start >= steps) {
            return Err(CacheError::OnlyFillers { start, steps });
        }
        let tokens = call.shape.rows * steps;
        if tokens > 0 && !call.hidden.len().is_multiple_of(tokens) {
            let expected = call.hidden.len() / tokens * tokens;
            let shape = format!("{:?}", call.shape);
            return Err(CacheError::Length { what: "hidden", found: call.hidden.len(), expected, shape });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
