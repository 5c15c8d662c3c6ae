//! Training batches of one block.

use mnemoscope_core::random;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::block::Length;

/// A training sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SampleRef {
    /// Its group.
    pub group: u16,
    /// Its place within the group's training part.
    pub index: u32,
}

/// Draws the batches of one block for every replica: each epoch shuffled anew without replacement, the last partial
/// batch kept. A batch is a function of the stream's seed, the replica's seed, the block and the step; what is kept
/// between calls only saves time.
#[derive(Debug, Clone)]
pub struct BlockSampler {
    stream_seed: u64,
    block: u64,
    batch: usize,
    replicas: Vec<Replica>,
    drawn: Vec<SampleRef>,
}

#[derive(Debug, Clone)]
struct Replica {
    seed: u64,
    groups: Vec<u16>,
    /// Position of each group's first sample, and at the end the number of samples.
    starts: Vec<usize>,
    steps: u64,
    /// The epoch of `order`.
    epoch: Option<u64>,
    order: Vec<u32>,
}

impl Replica {
    fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn sample(&self, position: usize) -> SampleRef {
        assert!(position < self.len(), "position {position} of {} samples in scope", self.len());
        let place = self.starts.partition_point(|start| *start <= position) - 1;
        SampleRef { group: self.groups[place], index: (position - self.starts[place]) as u32 }
    }
}

impl BlockSampler {
    /// `scopes`: for each replica its seed and the (group, training samples) in scope.
    pub(crate) fn new(
        stream_seed: u64,
        block: usize,
        length: Length,
        batch: usize,
        scopes: impl IntoIterator<Item = (u64, Vec<(u16, usize)>)>,
    ) -> Self {
        let replica = |(seed, scope): (u64, Vec<(u16, usize)>)| {
            let (groups, lengths): (Vec<_>, Vec<_>) = scope.into_iter().unzip();
            let mut starts = vec![0];
            for length in lengths {
                starts.push(starts[starts.len() - 1] + length);
            }
            let per_epoch = starts[starts.len() - 1].div_ceil(batch) as u64;
            Replica { seed, groups, starts, steps: length.steps(per_epoch), epoch: None, order: Vec::new() }
        };
        let replicas = scopes.into_iter().map(replica).collect();
        Self { stream_seed, block: block as u64, batch, replicas, drawn: Vec::with_capacity(batch) }
    }

    /// Steps of the block in this replica. Replicas differ a little where each has its own classes.
    pub fn steps(&self, replica: usize) -> u64 {
        self.replicas[replica].steps
    }

    /// Steps of the block in the run: the most over all replicas.
    pub fn longest(&self) -> u64 {
        self.replicas.iter().map(|replica| replica.steps).max().unwrap_or(0)
    }

    /// Samples in scope.
    pub fn len(&self, replica: usize) -> usize {
        self.replicas[replica].len()
    }

    /// The sample at a position in storage order: group after group.
    ///
    /// # Panics
    /// When the position is not below [`BlockSampler::len`].
    pub fn sample(&self, replica: usize, position: usize) -> SampleRef {
        self.replicas[replica].sample(position)
    }

    /// The batch of a replica at a step of the block, counted from 0; `None` when its block is over.
    pub fn batch(&mut self, replica: usize, step: u64) -> Option<&[SampleRef]> {
        let chosen = &mut self.replicas[replica];
        if step >= chosen.steps {
            return None;
        }
        let samples = chosen.len();
        let per_epoch = samples.div_ceil(self.batch) as u64;
        let (epoch, within) = (step / per_epoch, (step % per_epoch) as usize);
        if chosen.epoch != Some(epoch) {
            chosen.order.clear();
            chosen.order.extend(0..samples as u32);
            chosen.order.shuffle(&mut random::stream(self.stream_seed, "batch", &[chosen.seed, self.block, epoch]));
            chosen.epoch = Some(epoch);
        }
        let start = within * self.batch;
        let positions = &chosen.order[start..samples.min(start + self.batch)];
        self.drawn.clear();
        self.drawn.extend(positions.iter().map(|position| chosen.sample(*position as usize)));
        Some(&self.drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampler(length: Length, batch: usize, seeds: &[u64], scope: &[(u16, usize)]) -> BlockSampler {
        BlockSampler::new(9, 3, length, batch, seeds.iter().map(|seed| (*seed, scope.to_vec())))
    }

    fn epoch(sampler: &mut BlockSampler, replica: usize, epoch: u64) -> Vec<Vec<SampleRef>> {
        let per_epoch = sampler.len(replica).div_ceil(sampler.batch) as u64;
        (epoch * per_epoch..(epoch + 1) * per_epoch)
            .map(|step| sampler.batch(replica, step).unwrap().to_vec())
            .collect()
    }

    proptest! {
        #[test]
        fn an_epoch_meets_every_sample_once(
            lengths in prop::collection::vec(1usize..40, 1..5),
            batch in 1usize..20,
            seed: u64,
        ) {
            let scope: Vec<_> = lengths.iter().enumerate().map(|(g, n)| (g as u16 * 3, *n)).collect();
            let mut sampler = sampler(Length::Epochs(3.0), batch, &[seed], &scope);
            let n: usize = lengths.iter().sum();
            prop_assert_eq!(sampler.len(0), n);
            prop_assert_eq!(sampler.steps(0), 3 * n.div_ceil(batch) as u64);
            let mut stored: Vec<_> = (0..n).map(|position| sampler.sample(0, position)).collect();
            for e in 0..3 {
                let batches = epoch(&mut sampler, 0, e);
                let (last, full) = batches.split_last().unwrap();
                prop_assert!(full.iter().all(|b| b.len() == batch));
                prop_assert_eq!(last.len(), n - full.len() * batch, "the last partial batch is kept");
                let mut met = batches.concat();
                met.sort();
                stored.sort();
                prop_assert_eq!(&met, &stored);
            }
            prop_assert!(sampler.batch(0, sampler.steps(0)).is_none());
        }

        #[test]
        fn a_batch_depends_on_nothing_but_its_names(
            visits in prop::collection::vec((0usize..3, 0u64..50), 1..30),
            others in prop::collection::vec(any::<u64>(), 2),
        ) {
            let scope = [(0, 17), (1, 9)];
            let length = Length::Steps(50);
            // A replica of a population draws what it would draw alone, whatever was asked before.
            let mut together = sampler(length, 4, &[5, others[0], others[1]], &scope);
            for (replica, step) in visits {
                let seed = [5, others[0], others[1]][replica];
                let alone = sampler(length, 4, &[seed], &scope).batch(0, step).unwrap().to_vec();
                prop_assert_eq!(together.batch(replica, step).unwrap(), alone);
            }
        }
    }

    #[test]
    fn storage_order_goes_group_by_group() {
        let sampler = sampler(Length::Steps(1), 4, &[1], &[(7, 2), (2, 1)]);
        let all: Vec<_> = (0..3).map(|position| sampler.sample(0, position)).collect();
        let wanted = [(7, 0), (7, 1), (2, 0)].map(|(group, index)| SampleRef { group, index });
        assert_eq!(all, wanted);
    }

    #[test]
    fn epochs_and_replicas_and_blocks_are_shuffled_differently() {
        let scope = [(0, 64)];
        let mut a = sampler(Length::Epochs(2.0), 64, &[1, 2], &scope);
        let (first, second, other) = (epoch(&mut a, 0, 0), epoch(&mut a, 0, 1), epoch(&mut a, 1, 0));
        assert_ne!(first, second);
        assert_ne!(first, other);
        let mut b = BlockSampler::new(9, 4, Length::Epochs(2.0), 64, [(1, scope.to_vec())]);
        assert_ne!(first, epoch(&mut b, 0, 0));
        assert_eq!(first, epoch(&mut a, 0, 0));
    }

    #[test]
    fn the_longest_replica_is_the_blocks_length() {
        let scopes = [(1, vec![(0, 100)]), (2, vec![(0, 130)])];
        let mut sampler = BlockSampler::new(1, 0, Length::Epochs(2.0), 16, scopes);
        assert_eq!((sampler.steps(0), sampler.steps(1), sampler.longest()), (14, 18, 18));
        assert!(sampler.batch(0, 14).is_none() && sampler.batch(1, 14).is_some());
    }
}
