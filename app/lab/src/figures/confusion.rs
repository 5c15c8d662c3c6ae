//! Which classes are taken for which.

use mnemoscope_figure::{Body, Figure, Map, Matrix};

use super::View;
use crate::snapshot::{Snapshot, WrongSample};

const ID: &str = "confusion-matrix";
const TITLE: &str = "Confusion matrix";

/// Share of each true class (row) that is given each answer (column), on the test part after the last block done, for
/// the first replica. Rows of classes without samples are empty.
pub fn confusion(snapshot: &Snapshot, _view: &View) -> Figure {
    let Some(confusion) = snapshot.confusion.as_deref() else {
        return Figure::empty(ID, TITLE, "Which class is taken for which appears here when the first task block ends.");
    };
    let counts = &confusion.counts;
    let classes = counts.classes();
    let values = (0..classes * classes)
        .map(|index| {
            let (truth, answer) = (index / classes, index % classes);
            let all: u64 = (0..classes).map(|answer| counts.count(truth, answer)).sum();
            (all > 0).then(|| counts.count(truth, answer) as f64 / all as f64)
        })
        .collect();
    let labels: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    let mut matrix =
        Matrix::new(classes, classes, values).titles("true class", "answer").map(Map::Sequential, Some((0.0, 1.0)));
    (matrix.row_labels, matrix.col_labels) = (labels.clone(), labels);
    let blocks = snapshot.matrices.all.rows.len();
    let accuracy = counts.accuracy().map_or(String::new(), |accuracy| format!(", {:.1} % right", 100.0 * accuracy));
    let caption =
        format!("share of each true class · after block {blocks}, first seed, {} samples{accuracy}", counts.total());
    Figure::new(ID, TITLE, Body::Matrix(matrix)).caption(caption).badge("test")
}

/// The kept samples of class `truth` that were answered `answer`; right answers are not kept.
pub fn wrong_samples(snapshot: &Snapshot, truth: usize, answer: usize) -> Vec<WrongSample> {
    let kept = snapshot.confusion.iter().flat_map(|confusion| &confusion.wrong);
    kept.filter(|wrong| (usize::from(wrong.truth), usize::from(wrong.answer)) == (truth, answer)).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mnemoscope_measure::Confusion;

    use super::*;
    use crate::figures::sample;
    use crate::snapshot::ConfusionView;

    #[test]
    fn rows_are_shares_of_their_class() {
        let mut snapshot = sample::finished();
        let mut counts = Confusion::new(3);
        for (truth, answer) in [(0, 0), (0, 0), (0, 1), (0, 2), (1, 0)] {
            counts.add(truth, answer).unwrap();
        }
        let wrong = vec![
            WrongSample { sample: 7, truth: 0, answer: 1 },
            WrongSample { sample: 8, truth: 0, answer: 2 },
            WrongSample { sample: 9, truth: 1, answer: 0 },
        ];
        snapshot.confusion = Some(Arc::new(ConfusionView { counts, wrong }));
        let figure = confusion(&snapshot, &View::default());
        let Body::Matrix(matrix) = &figure.body else { panic!("not a matrix") };
        assert_eq!(matrix.value(0, 0), Some(0.5));
        assert_eq!(matrix.value(0, 1), Some(0.25));
        assert_eq!(matrix.value(1, 0), Some(1.0));
        assert_eq!(matrix.value(2, 2), None, "class 2 has no samples");
        assert!(figure.caption.contains("40.0 % right"), "{}", figure.caption);
        let samples: Vec<u32> = wrong_samples(&snapshot, 0, 2).iter().map(|wrong| wrong.sample).collect();
        assert_eq!(samples, [8]);
    }

    #[test]
    fn empty_before_the_first_block_end() {
        assert!(matches!(confusion(&sample::untouched(), &View::default()).body, Body::Empty { .. }));
    }
}
