//! What guessing would give.

use std::collections::BTreeSet;

use crate::candidates::Candidates;
use crate::snapshot::Snapshot;

/// Accuracy of guessing among the candidates, one value for each block; where replicas have classes of their own, the
/// first one's.
pub(super) fn chance(snapshot: &Snapshot, candidates: Candidates) -> Vec<f64> {
    let layout = &snapshot.layout;
    let classes_of = |group: &usize| layout.group_classes.get(*group).map_or(&[][..], Vec::as_slice);
    let (mut groups, mut classes) = (BTreeSet::new(), BTreeSet::<u16>::new());
    layout
        .blocks
        .iter()
        .map(|block| {
            groups.extend(block.groups.iter().copied());
            classes.extend(block.groups.iter().flat_map(classes_of));
            match candidates {
                Candidates::All => 1.0 / layout.classes.max(1) as f64,
                Candidates::Seen => 1.0 / classes.len().max(1) as f64,
                Candidates::Task => {
                    let each = groups.iter().map(|group| 1.0 / classes_of(group).len().max(1) as f64);
                    each.sum::<f64>() / groups.len().max(1) as f64
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::sample;

    #[test]
    fn guessing_gets_harder_as_classes_are_met() {
        // Seven classes over three tasks: 3, 2 and 2.
        let snapshot = sample::finished();
        assert_eq!(chance(&snapshot, Candidates::All), [1.0 / 7.0; 3]);
        assert_eq!(chance(&snapshot, Candidates::Seen), [1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0]);
        assert_eq!(chance(&snapshot, Candidates::Task)[0], 1.0 / 3.0);
        assert!((chance(&snapshot, Candidates::Task)[2] - (1.0 / 3.0 + 0.5 + 0.5) / 3.0).abs() < 1e-12);
    }
}
