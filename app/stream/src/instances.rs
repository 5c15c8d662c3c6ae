//! The instance test of few-shot streams: which of all training images that were learned is this one, shown corrupted?
//!
//! Kowadlo et al. 2022 ask a learner for single exemplars beside classes. The exemplars are the training images of the
//! increments; what is shown is the same exemplar with a share of its features replaced, never the image itself.

use mnemoscope_core::{Component, random};
use rand::RngExt as _;

use crate::parts::Part;
use crate::scenario::Scenarios;
use crate::stream::Stream;

/// How exemplars are corrupted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corruption {
    occlude: bool,
    share: f64,
}

/// The learned exemplars of one replica and their corrupted copies, row by row in the same order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instances {
    /// How many, N.
    pub count: usize,
    /// As they were trained on, `[N, F]`.
    pub stored: Vec<f32>,
    /// As they are shown, `[N, F]`.
    pub shown: Vec<f32>,
}

impl Corruption {
    /// That of a few-shot stream; others have no instance test.
    pub fn of(scenario: &Component<Scenarios>) -> Option<Self> {
        let own = || Self { occlude: scenario.text("corruption") == "occlusion", share: scenario.real("corrupted") };
        (scenario.name() == "few_shot").then(own)
    }

    /// Corrupts one row of features.
    fn apply(self, row: &mut [f32], random: &mut impl rand::Rng) {
        let count = ((row.len() as f64 * self.share).round() as usize).clamp(1, row.len());
        if self.occlude {
            let start = random.random_range(0..=row.len() - count);
            row[start..start + count].fill(0.0);
            return;
        }
        for place in rand::seq::index::sample(random, row.len(), count) {
            row[place] = random.random();
        }
    }
}

impl Stream {
    /// The training images of the groups after the first, the base task, that were trained in blocks 0 to `block`.
    /// Their corruption is a function of the stream's seed, the group and the image.
    pub fn instances(&self, replica: usize, block: usize, corruption: Corruption) -> Instances {
        let mut all = Instances::default();
        let mut labels = Vec::new();
        for group in 1..self.groups() {
            if !self.blocks()[..=block].iter().any(|block| block.group == group) {
                continue;
            }
            let count = self.part_len(replica, group, Part::Train);
            let indices: Vec<u32> = (0..count as u32).collect();
            self.gather(replica, group, Part::Train, &indices, &mut all.stored, &mut labels);
            let start = all.count * self.features();
            all.shown.extend_from_slice(&all.stored[start..]);
            for (index, row) in all.shown[start..].chunks_mut(self.features()).enumerate() {
                let mut random = random::stream(self.seed(), "instance test", &[group as u64, index as u64]);
                corruption.apply(row, &mut random);
            }
            all.count += count;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Dataset;

    fn stream(corruption: &str) -> (Stream, Corruption) {
        let data = Arc::new(Dataset::load(&Component::new("digits").unwrap()).unwrap());
        let text = format!("few_shot(tasks: 2, way: 2, shots: 3, corruption: \"{corruption}\", corrupted: 0.25)");
        let scenario: Component<Scenarios> = ron::from_str(&text).unwrap();
        let corruption = Corruption::of(&scenario).unwrap();
        (Stream::new(data, &scenario, &Component::new("sequential").unwrap(), None, &[1]).unwrap(), corruption)
    }

    #[test]
    fn exemplars_are_those_of_the_increments_met_so_far() {
        let (stream, corruption) = stream("noise");
        let counts = [0, 1, 2].map(|block| stream.instances(0, block, corruption).count);
        assert_eq!(counts, [0, 6, 12]);
        assert_eq!(Corruption::of(&Component::new("split").unwrap()), None);
    }

    #[test]
    fn every_copy_differs_in_a_quarter_of_its_features_at_most_and_never_in_none() {
        for kind in ["noise", "occlusion"] {
            let (stream, corruption) = stream(kind);
            let all = stream.instances(0, 2, corruption);
            assert_eq!(all, stream.instances(0, 2, corruption), "{kind}: drawn once");
            for (stored, shown) in all.stored.chunks(64).zip(all.shown.chunks(64)) {
                let changed: Vec<usize> = (0..64).filter(|at| stored[*at] != shown[*at]).collect();
                assert!((1..=16).contains(&changed.len()), "{kind}: {} of 64", changed.len());
                if kind == "occlusion" {
                    assert!(changed[changed.len() - 1] - changed[0] < 16 && changed.iter().all(|at| shown[*at] == 0.0));
                }
            }
        }
    }
}
