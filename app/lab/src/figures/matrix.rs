//! Accuracy of every task after every block.

use mnemoscope_figure::{Body, Figure, Map, Matrix, SeriesColor};
use mnemoscope_measure::{Estimate, estimate, paired_difference};

use super::View;
use super::course::{over_seeds, pairs};
use crate::snapshot::{BlockAccuracy, Snapshot};

const ID: &str = "accuracy-matrix";
const TITLE: &str = "Accuracy matrix";

/// Accuracy on whole test parts: one row after each block, one column per task; mean over the seeds of the shown variant,
/// with the half width of the 95 % t-interval. Blocks to come are empty cells.
///
/// With a pinned run of the same blocks, the difference to it, paired by seed, unless the view asks for the accuracy.
pub fn matrix(snapshot: &Snapshot, view: &View) -> Figure {
    let layout = &snapshot.layout;
    let candidates = view.candidates(snapshot);
    let accuracies = snapshot.matrices.by_name(candidates.name());
    let pinned = view.pinned.as_deref().filter(|pinned| {
        let same = |a: &Snapshot, b: &Snapshot| {
            a.layout.groups() == b.layout.groups()
                && a.layout.blocks.iter().map(|block| block.group).eq(b.layout.blocks.iter().map(|block| block.group))
        };
        !view.absolute && same(snapshot, pinned)
    });
    let cell = |row: usize, group: usize| -> Option<Estimate> {
        match pinned {
            None => mean(accuracies, row, group, layout.variants().get(view.variant(snapshot))?.replicas.clone()),
            Some(pinned) => {
                let theirs = pinned.matrices.by_name(candidates.name()).rows.get(row)?.get(group)?;
                let mine = accuracies.rows.get(row)?.get(group)?;
                let (a, b): (Vec<f64>, Vec<f64>) =
                    pairs(snapshot, pinned, view).into_iter().map(|(i, j)| (mine[i], theirs[j])).unzip();
                paired_difference(&a, &b)
            }
        }
    };
    let (rows, cols) = (layout.blocks.len(), layout.groups());
    let cells: Vec<Option<Estimate>> = (0..rows * cols).map(|index| cell(index / cols, index % cols)).collect();
    if rows * cols == 0 {
        return Figure::empty(ID, TITLE, "The stream has no tasks yet: add a task block to the timeline.");
    }
    let mut matrix = Matrix::new(rows, cols, cells.iter().map(|cell| cell.map(|cell| cell.mean)).collect());
    matrix.half_widths = Some(cells.iter().map(|cell| cell.and_then(|cell| cell.half_width)).collect());
    matrix = matrix.task_labels().titles(row_title(snapshot), "tested on task");
    matrix.row_colors = layout.blocks.iter().map(|block| SeriesColor::Task(block.group)).collect();
    matrix.row_labels = row_labels(snapshot);
    let mut caption = over_seeds(snapshot, view, "interval");
    if pinned.is_some() {
        matrix = matrix.map(Map::Diverging, None);
        caption = format!("difference to the pinned run, paired by seed · {caption}");
    } else {
        matrix = matrix.map(Map::Sequential, Some((0.0, 1.0)));
    }
    let mut caption = format!("among {} · {caption}", candidates.label());
    if !layout.has_borders {
        caption = format!("the stream has no borders: rows are where the order's blocks end · {caption}");
    }
    Figure::new(ID, TITLE, Body::Matrix(matrix)).caption(caption).badge("test")
}

/// Whether every block trains a task of its own, in order, so that blocks and tasks share their numbers.
fn plain(snapshot: &Snapshot) -> bool {
    snapshot.layout.blocks.iter().enumerate().all(|(index, block)| block.group == index)
}

fn row_title(snapshot: &Snapshot) -> &'static str {
    if plain(snapshot) { "after task" } else { "after block (task)" }
}

fn row_labels(snapshot: &Snapshot) -> Vec<String> {
    let plain = plain(snapshot);
    let blocks = snapshot.layout.blocks.iter().enumerate();
    blocks
        .map(
            |(index, block)| {
                if plain { (index + 1).to_string() } else { format!("{} ({})", index + 1, block.group + 1) }
            },
        )
        .collect()
}

fn mean(accuracies: &BlockAccuracy, row: usize, group: usize, replicas: std::ops::Range<usize>) -> Option<Estimate> {
    let values = accuracies.rows.get(row)?.get(group)?.get(replicas)?;
    estimate(values, values.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::candidates::Candidates;
    use crate::figures::sample;

    fn body(snapshot: &Snapshot, view: &View) -> Matrix {
        match matrix(snapshot, view).body {
            Body::Matrix(matrix) => matrix,
            other => panic!("not a matrix: {other:?}"),
        }
    }

    #[test]
    fn cells_are_means_and_blocks_to_come_are_empty() {
        let mut snapshot = sample::finished();
        let mut matrices = (*snapshot.matrices).clone();
        matrices.seen.rows = vec![vec![vec![0.9, 0.8, 1.0], vec![0.1, 0.2, 0.3], vec![0.0; 3]]];
        snapshot.matrices = Arc::new(matrices);
        let matrix = body(&snapshot, &View { candidates: Some(Candidates::Seen), ..View::default() });
        assert!((matrix.value(0, 0).unwrap() - 0.9).abs() < 1e-12);
        // t(2) * 0.1 / sqrt(3) = 4.302653 * 0.057735.
        assert!((matrix.half_width(0, 0).unwrap() - 0.248_414).abs() < 1e-5);
        assert_eq!(matrix.value(1, 0), None);
        assert_eq!((matrix.rows, matrix.cols), (3, 3));
    }

    #[test]
    fn the_difference_is_paired_by_seed() {
        let mut snapshot = sample::finished();
        let mut other = sample::finished();
        // The other run holds the same seeds in reverse order and is 0.1 worse for each.
        let mut layout = (*other.layout).clone();
        layout.population.seeds.reverse();
        other.layout = Arc::new(layout);
        let cell = |values: [f64; 3]| vec![vec![values.to_vec(), vec![0.5; 3], vec![0.5; 3]]];
        let set = |snapshot: &mut Snapshot, rows| {
            let mut matrices = (*snapshot.matrices).clone();
            matrices.seen.rows = rows;
            snapshot.matrices = Arc::new(matrices);
        };
        set(&mut snapshot, cell([0.9, 0.6, 0.3]));
        set(&mut other, cell([0.2, 0.5, 0.8]));
        let view = View { pinned: Some(Arc::new(other)), candidates: Some(Candidates::Seen), ..View::default() };
        let matrix = body(&snapshot, &view);
        assert!((matrix.value(0, 0).unwrap() - 0.1).abs() < 1e-12);
        assert!(matrix.half_width(0, 0).unwrap() < 1e-12, "all three differences are equal");
        assert_eq!(matrix.map, Map::Diverging);
        assert_eq!(body(&snapshot, &View { absolute: true, ..view }).map, Map::Sequential);
    }

    #[test]
    fn repeated_tasks_are_named_beside_their_block() {
        let mut snapshot = sample::finished();
        let mut layout = (*snapshot.layout).clone();
        layout.blocks[2].group = 0;
        snapshot.layout = Arc::new(layout);
        assert_eq!(body(&snapshot, &View::default()).row_labels, ["1 (1)", "2 (2)", "3 (1)"]);
    }
}
