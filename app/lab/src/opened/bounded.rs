//! A trained model under a bounded cache: what it still answers, what is left of its past, and how many bytes that takes.

use mnemoscope_learner::{Attend, LearnerError};
use mnemoscope_memory::cache::{Attended, Cache, CacheError, Call, Policy};
use thiserror::Error;

use super::{Opened, Sequences};
use crate::inside::{Recorder, nothing};

/// Why a model cannot be measured under a policy.
#[derive(Debug, Error)]
pub enum BoundedError {
    /// The model has no softmax attention, or no such replica.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// The policy refuses.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// A group's sequences under a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// Share of right last answers.
    pub accuracy: f64,
    /// The most bytes that a layer held after any token, added up over layers; mean over sequences.
    pub bytes: f64,
}

/// One sequence under a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The step at whose end each token was dropped, T where it stayed, `[layer][head][T]`.
    pub until: Vec<Vec<Vec<u32>>>,
    /// Bytes held after each token, all layers together, `[T]`.
    pub bytes: Vec<u32>,
}

impl Opened {
    /// What a replica answers of a group's sequences under a policy.
    ///
    /// # Errors
    /// When the model keeps no cache, or the policy refuses.
    pub fn bounded(&self, replica: usize, group: usize, policy: &Policy) -> Result<Bounded, BoundedError> {
        let Some(Sequences { x, labels, .. }) = self.groups.get(group) else {
            return Ok(Bounded { accuracy: f64::NAN, bytes: f64::NAN });
        };
        let (logits, attended) = self.under(replica, group, policy, x)?;
        let most = |bytes: &[u32]| f64::from(bytes.iter().copied().max().unwrap_or(0));
        let all: f64 = attended.iter().flat_map(|layer| layer.bytes.chunks_exact(self.length)).map(most).sum();
        Ok(Bounded { accuracy: self.right(&logits, labels), bytes: all / labels.len().max(1) as f64 })
    }

    /// What of one row a replica holds under a policy that knows the model from the group's training sequences.
    ///
    /// # Errors
    /// As [`Opened::bounded`].
    pub fn held(&self, replica: usize, group: usize, policy: &Policy, row: &[f32]) -> Result<Held, BoundedError> {
        let (_, attended) = self.under(replica, group, policy, row)?;
        let mut bytes = vec![0; self.length];
        for layer in &attended {
            bytes.iter_mut().zip(&layer.bytes).for_each(|(sum, own)| *sum += own);
        }
        let heads = |layer: Attended| layer.until.chunks_exact(self.length).map(<[u32]>::to_vec).collect();
        Ok(Held { until: attended.into_iter().map(heads).collect(), bytes })
    }

    /// Outputs of rows, and each layer's attention.
    fn under(
        &self,
        replica: usize,
        group: usize,
        policy: &Policy,
        x: &[f32],
    ) -> Result<(Vec<f32>, Vec<Attended>), BoundedError> {
        let mut cache = Cache::new(policy.clone(), self.model.blocks()?);
        let training = self.groups.get(group).map_or(&[][..], |group| &group.training);
        if cache.needs_calibration() {
            let mut recorder = Recorder::default();
            self.model.logits_with(replica, training, training.len() / self.length, &mut recorder)?;
            let calls: Vec<Call<'_>> = recorder.0.iter().map(|(_, recorded)| recorded.call()).collect();
            cache.calibrate(&calls)?;
        }
        let mut layers = Layers { cache, attended: Vec::new(), refused: None };
        let logits = self.model.logits_with(replica, x, x.len() / self.length, &mut layers)?;
        match layers.refused {
            Some(error) => Err(error.into()),
            None => Ok((logits, layers.attended)),
        }
    }
}

/// Attention under a policy that remembers what it did in each layer.
struct Layers {
    cache: Cache,
    attended: Vec<Attended>,
    refused: Option<CacheError>,
}

impl Attend for Layers {
    fn attend(&mut self, _replica: usize, call: &Call<'_>) -> Vec<f32> {
        match self.cache.attend(call) {
            Ok(attended) => {
                let out = attended.out.clone();
                self.attended.push(attended);
                out
            }
            Err(error) => {
                self.refused = Some(error);
                nothing(call)
            }
        }
    }
}
