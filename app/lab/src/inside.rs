//! Looking inside a trained sequence model: which heads retrieve, what silencing them costs, and what it can still
//! recall under bounded caches. Measured once, on the test part, when a run ends; only where the experiment asks for it
//! (`evaluation.masked`, `caches`), as each is several evaluations.

mod caches;
mod heads;
mod sample;

pub(crate) use caches::{Recorder, nothing};
pub(crate) use heads::copied;
pub(crate) use sample::largest;

use mnemoscope_learner::{Learner, LearnerError};
use mnemoscope_memory::Mixer;
use mnemoscope_memory::cache::label;
use mnemoscope_stream::{Part, Stream};
use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
use crate::refusal::Refusal;
pub(crate) use heads::SCORED;
use sample::Sample;

/// Something that was measured inside a trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// As a claim calls it: `cache_acc[lazy 0.5]`, `retrieval_masked[top 2]`.
    pub key: String,
    /// One per replica.
    pub values: Vec<f64>,
}

/// What a look needs.
pub(crate) struct Subject<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) stream: &'a Stream,
    pub(crate) learner: &'a Learner,
    /// Seeds of the replicas.
    pub(crate) seeds: &'a [u64],
}

/// Whether the experiment asks for a look.
fn asked(experiment: &Experiment) -> bool {
    !experiment.caches.is_empty() || experiment.evaluation.whole("masked") > 0
}

/// Why this experiment cannot be looked into as it asks.
pub(crate) fn refusal(experiment: &Experiment) -> Option<Refusal> {
    if !asked(experiment) {
        return None;
    }
    let place = if experiment.caches.is_empty() { "evaluation.masked" } else { "caches" };
    let refuse = |message: String| Some(Refusal { place: place.to_owned(), message });
    let softmax = matches!(experiment.memory.trainable(), Ok(Mixer::Softmax { .. }));
    if experiment.model.name() != "sequence" || !softmax {
        return refuse(
            "only a sequence model with softmax attention keeps a cache and has heads to mask: take model sequence and the \
             memory softmax attention, or leave out caches and evaluation.masked"
                .to_owned(),
        );
    }
    let (masked, heads) =
        (experiment.evaluation.whole("masked"), experiment.model.whole("layers") * experiment.model.whole("heads"));
    if masked >= heads {
        return refuse(format!("{masked} of {heads} heads cannot be masked and leave any; lower evaluation.masked"));
    }
    let labels: Vec<String> = experiment.caches.iter().map(label).collect();
    let twice = labels.iter().enumerate().find(|(index, label)| labels[..*index].contains(label));
    twice.and_then(|(_, label)| refuse(format!("two cache policies are called {label}; change the size of one")))
}

/// Everything that the experiment asks for.
///
/// # Errors
/// When the model has no heads or cache, which [`refusal`] tells before.
pub(crate) fn look(subject: &Subject<'_>) -> Result<Vec<Looked>, LearnerError> {
    let mut looked = Vec::new();
    if asked(subject.experiment) {
        let masked = subject.experiment.evaluation.whole("masked");
        let sample = Sample::of(subject, Part::Test, subject.experiment.evaluation.whole("sample"));
        if masked > 0 {
            looked.extend(heads::look(subject, &sample, masked)?);
        }
        looked.extend(caches::look(subject, &sample)?);
    }
    Ok(looked)
}
