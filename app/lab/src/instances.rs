//! The instance test: a corrupted training image is recognised where the nearest stored feature is its own.

use mnemoscope_learner::Learner;
use mnemoscope_stream::{Corruption, Stream};

/// Share of exemplars met by the end of `block` that are recognised, `[R]`; nothing before the first.
pub(crate) fn recognised(stream: &Stream, learner: &Learner, block: usize, corruption: Corruption) -> Option<Vec<f64>> {
    let all: Vec<_> = (0..stream.replicas()).map(|replica| stream.instances(replica, block, corruption)).collect();
    // Every replica has as many: shots are counted, not shared out.
    let count = all.first()?.count;
    if count == 0 || all.iter().any(|own| own.count != count) {
        return None;
    }
    let features = |rows: Vec<f32>| learner.features(&learner.evaluator(rows, count, false));
    let stored = features(all.iter().flat_map(|own| own.stored.iter().copied()).collect());
    let shown = features(all.iter().flat_map(|own| own.shown.iter().copied()).collect());
    let own = stored.len() / stream.replicas();
    Some(stored.chunks(own).zip(shown.chunks(own)).map(|(stored, shown)| share_nearest(stored, shown, count)).collect())
}

/// Share of rows of `shown` whose nearest row of `stored`, by Euclidean distance, is the one at the same place.
fn share_nearest(stored: &[f32], shown: &[f32], count: usize) -> f64 {
    let width = (stored.len() / count).max(1);
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let right = shown.chunks(width).enumerate().filter(|(own, row)| {
        let nearest = stored.chunks(width).map(|other| distance(row, other)).enumerate();
        nearest.min_by(|(_, a), (_, b)| a.total_cmp(b)).is_some_and(|(place, _)| place == *own)
    });
    right.count() as f64 / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_recognised_where_nothing_else_is_nearer() {
        let stored = [0.0, 0.0, 4.0, 0.0, 0.0, 4.0];
        let shown = [1.0, 0.0, 1.0, 0.5, 0.0, 3.0];
        // The second row has come nearer to the first exemplar than to its own.
        assert_eq!(share_nearest(&stored, &shown, 3), 2.0 / 3.0);
        assert_eq!(share_nearest(&stored, &stored, 3), 1.0);
    }
}
