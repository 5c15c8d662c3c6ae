//! What a trained model still recalls under bounded caches, and how many bytes each takes.
//!
//! Every policy replaces the attention of all layers. Those that must know the model first are shown training sequences.
//! `cache_acc[..]` is the share of right last answers; `cache_bytes[..]` the most bytes that each layer holds after any
//! token, all layers together, mean over sequences.

use mnemoscope_learner::{Attend, LearnerError};
use mnemoscope_memory::cache::{Attended, Cache, CacheError, Call, Policy, label};
use mnemoscope_stream::Part;

use super::sample::Sample;
use super::{Looked, Subject};

/// Training sequences of each task that a policy which has to know the model is shown.
const SHOWN: usize = 32;

/// Accuracy and bytes under every policy of the experiment.
pub(super) fn look(subject: &Subject<'_>, sample: &Sample) -> Result<Vec<Looked>, LearnerError> {
    let mut looked = Vec::new();
    for policy in &subject.experiment.caches {
        let (accuracies, bytes) = under(subject, sample, policy)?;
        looked.push(Looked { key: format!("cache_acc[{}]", label(policy)), values: accuracies });
        looked.push(Looked { key: format!("cache_bytes[{}]", label(policy)), values: bytes });
    }
    Ok(looked)
}

/// Accuracy and bytes of every replica under a policy; no number where the cache refuses.
fn under(subject: &Subject<'_>, sample: &Sample, policy: &Policy) -> Result<(Vec<f64>, Vec<f64>), LearnerError> {
    let replicas = subject.seeds.len();
    let empty = Cache::new(policy.clone(), subject.experiment.model.whole("layers"));
    let mut caches = vec![empty; replicas];
    let mut refused = vec![None; replicas];
    if caches[0].needs_calibration() {
        let shown = Sample::of(subject, Part::Train, SHOWN);
        let set = subject.learner.evaluator(shown.x.clone(), shown.rows, false);
        let mut recorder = Recorder::default();
        subject.learner.logits_with(&set, &mut recorder)?;
        for (replica, cache) in caches.iter_mut().enumerate() {
            let calls: Vec<Call<'_>> =
                recorder.0.iter().filter(|(own, _)| *own == replica).map(|(_, call)| call.call()).collect();
            refused[replica] = cache.calibrate(&calls).err();
        }
    }
    let set = subject.learner.evaluator(sample.x.clone(), sample.rows, false);
    let mut bounded = Bounded { caches, bytes: vec![0.0; replicas], refused };
    let logits = subject.learner.logits_with(&set, &mut bounded)?;
    let known = |values: Vec<f64>| {
        let each = values.into_iter().zip(&bounded.refused);
        each.map(|(value, refused)| if refused.is_some() { f64::NAN } else { value }).collect()
    };
    let bytes = bounded.bytes.iter().map(|bytes| bytes / sample.rows as f64).collect();
    Ok((known(sample.right(&logits)), known(bytes)))
}

/// Attention under a policy, its bytes counted; one of each per replica.
struct Bounded {
    caches: Vec<Cache>,
    /// Most bytes after any token, added up over layers and sequences.
    bytes: Vec<f64>,
    refused: Vec<Option<CacheError>>,
}

impl Attend for Bounded {
    fn attend(&mut self, replica: usize, call: &Call<'_>) -> Vec<f32> {
        match self.caches[replica].attend(call) {
            Ok(Attended { out, bytes, .. }) => {
                let most = |row: &[u32]| f64::from(row.iter().copied().max().unwrap_or(0));
                self.bytes[replica] += bytes.chunks_exact(call.shape.steps).map(most).sum::<f64>();
                out
            }
            Err(error) => {
                self.refused[replica] = Some(error);
                nothing(call)
            }
        }
    }
}

/// The read-outs of a memory that holds nothing.
pub(crate) fn nothing(call: &Call<'_>) -> Vec<f32> {
    vec![0.0; call.shape.lanes() * call.shape.steps * call.shape.d_v]
}

/// Full attention that keeps what it was asked, with the replica.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) Vec<(usize, Recorded)>);

impl Attend for Recorder {
    fn attend(&mut self, replica: usize, call: &Call<'_>) -> Vec<f32> {
        self.0.push((replica, Recorded::new(call)));
        Cache::full(call).map_or_else(|_| nothing(call), |attended| attended.out)
    }
}

/// A call with its own arrays.
pub(crate) struct Recorded {
    arrays: [Vec<f32>; 4],
    starts: Vec<usize>,
    like: Call<'static>,
}

impl Recorded {
    fn new(call: &Call<'_>) -> Self {
        Self {
            arrays: [call.q.to_vec(), call.k.to_vec(), call.v.to_vec(), call.hidden.to_vec()],
            starts: call.starts.to_vec(),
            like: Call { q: &[], k: &[], v: &[], hidden: &[], starts: &[], ..*call },
        }
    }

    /// As it was asked.
    pub(crate) fn call(&self) -> Call<'_> {
        let [q, k, v, hidden] = &self.arrays;
        Call { q, k, v, hidden, starts: &self.starts, ..self.like }
    }
}
