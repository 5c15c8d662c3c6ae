//! Training data on its way from the stream to the learner.

use mnemoscope_learner::{Batch, Learner, TaskData};
use mnemoscope_stream::{BlockSampler, SampleRef, Scope, Stream};

/// The training data of the block under way, for methods.
pub(super) struct BlockData<'a> {
    pub(super) stream: &'a Stream,
    pub(super) sampler: &'a BlockSampler,
}

impl TaskData for BlockData<'_> {
    fn len(&self, replica: usize) -> usize {
        self.sampler.len(replica)
    }

    fn gather(&self, rows: &[Vec<u32>]) -> Batch {
        let lists: Vec<Option<Vec<SampleRef>>> = rows
            .iter()
            .enumerate()
            .map(|(replica, rows)| Some(rows.iter().map(|row| self.sampler.sample(replica, *row as usize)).collect()))
            .collect();
        gather(self.stream, &lists)
    }
}

/// A host batch of these training samples; shorter lists are padded with weight 0, `None` is an inactive replica.
pub(super) fn gather(stream: &Stream, lists: &[Option<Vec<SampleRef>>]) -> Batch {
    let features = stream.features();
    let rows = lists.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let cells = lists.len() * rows;
    let mut batch = Batch {
        rows,
        x: Vec::with_capacity(cells * features),
        y: Vec::with_capacity(cells),
        group: Vec::with_capacity(cells),
        weight: Vec::with_capacity(cells),
        active: lists.iter().map(Option::is_some).collect(),
    };
    for (replica, list) in lists.iter().enumerate() {
        let list = list.as_deref().unwrap_or_default();
        stream.gather_samples(replica, list, &mut batch.x, &mut batch.y);
        batch.group.extend(list.iter().map(|sample| sample.group));
        batch.weight.extend(list.iter().map(|_| 1.0));
        let end = (replica + 1) * rows;
        batch.x.resize(end * features, 0.0);
        batch.y.resize(end, 0);
        batch.group.resize(end, 0);
        batch.weight.resize(end, 0.0);
    }
    batch
}

pub(super) fn scope(learner: &Learner) -> Scope {
    to_stream(learner.scope())
}

pub(super) fn to_stream(scope: mnemoscope_learner::Scope) -> Scope {
    match scope {
        mnemoscope_learner::Scope::Current => Scope::Current,
        mnemoscope_learner::Scope::SoFar => Scope::SoFar,
        mnemoscope_learner::Scope::All => Scope::All,
    }
}
