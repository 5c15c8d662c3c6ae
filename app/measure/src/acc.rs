//! Average accuracies: at the end, after each block, over the whole course, and among the classes seen so far.

use crate::undefined::mean;
use crate::{AccuracyMatrix, Course, Measured, Undefined};

/// ACC, final average accuracy: mean over groups of `a[B-1][g]`. A fraction; higher is better.
///
/// Needs no task ends, so it is defined on streams without borders too (there the last row counts).
/// Lopez-Paz and Ranzato 2017, eq. 2.
///
/// # Errors
/// A matrix that is not complete for this course, or no groups.
pub fn acc(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    mean(course.last_row(matrix)?.iter().copied(), "no group is evaluated")
}

/// ACC_b: mean over the groups seen by block `b` of `a[b][g]`. A fraction; higher is better.
///
/// Needs only rows up to `b`, so it can be read while the run goes on. Rebuffi et al. 2017 (iCaRL).
///
/// # Errors
/// A stream without borders, a block that is not done, or none of the evaluated groups trained yet.
pub fn acc_at(matrix: &AccuracyMatrix, course: &Course, b: usize) -> Measured {
    course.needs_borders()?;
    if b >= matrix.rows() {
        return Err(Undefined(format!("block {b} is not done")));
    }
    // The shape check of a complete matrix, for the part that is done.
    course.up_to(matrix.rows()).last_row(matrix)?;
    let seen = course.seen(b);
    mean(seen.into_iter().filter_map(|g| matrix.get(b, g)), "none of the evaluated groups is trained yet")
}

/// Average incremental accuracy: mean over blocks of ACC_b. A fraction; higher is better. Rebuffi et al. 2017 (iCaRL).
///
/// The mean starts at the first block by which an evaluated group is trained (block 0 unless only some groups are
/// evaluated).
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, or no group trained.
pub fn average_incremental(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    course.last_row_with_borders(matrix)?;
    let begun = (0..course.blocks()).filter(|b| !course.seen(*b).is_empty());
    let each = begun.map(|b| acc_at(matrix, course, b)).collect::<Result<Vec<f64>, Undefined>>()?;
    mean(each, "no evaluated group is ever trained")
}

/// Cumulative accuracy at the end: mean over the groups seen of the accuracy with candidates = all classes seen so far.
///
/// `seen_candidates` is its own matrix, in which row `b` was computed with the outputs restricted to the classes seen
/// by block `b`. A fraction; higher is better. Soutif-Cormerais et al. 2023.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, or no group trained.
pub fn cumulative_accuracy(seen_candidates: &AccuracyMatrix, course: &Course) -> Measured {
    course.last_row_with_borders(seen_candidates)?;
    cumulative_accuracy_at(seen_candidates, course, course.blocks() - 1)
}

/// Cumulative accuracy after block `b`; see [`cumulative_accuracy`].
///
/// # Errors
/// As [`acc_at`].
pub fn cumulative_accuracy_at(seen_candidates: &AccuracyMatrix, course: &Course, b: usize) -> Measured {
    acc_at(seen_candidates, course, b)
}
