//! What guessing would give.

use crate::candidates::Candidates;
use crate::snapshot::Snapshot;

/// Accuracy of guessing among the candidates, one value for each block.
///
/// Classes are counted as the split scenario deals them out: evenly, the remainder to the first tasks. In every other
/// scenario all tasks have all classes.
pub(super) fn chance(snapshot: &Snapshot, candidates: Candidates) -> Vec<f64> {
    let layout = &snapshot.layout;
    let (classes, groups) = (layout.classes.max(1), layout.groups().max(1));
    let split = snapshot.experiment.stream.name() == "split";
    let of_group = |group: usize| classes / groups + usize::from(group < classes % groups);
    let mut met = vec![false; groups];
    layout
        .blocks
        .iter()
        .map(|block| {
            met[block.group] = true;
            if !split || candidates == Candidates::All {
                return 1.0 / classes as f64;
            }
            let met: Vec<usize> = (0..groups).filter(|group| met[*group]).map(of_group).collect();
            match candidates {
                Candidates::Task => met.iter().map(|count| 1.0 / *count as f64).sum::<f64>() / met.len() as f64,
                _ => 1.0 / met.iter().sum::<usize>() as f64,
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
