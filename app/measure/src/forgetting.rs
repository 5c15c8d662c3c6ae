//! Forgetting: what was known best at some block's end and is not known at the last.

use crate::undefined::mean;
use crate::{AccuracyMatrix, Course, Measured};

/// Forgetting: mean over groups with `last(g) < B-1` of `max over first(g) <= l < B-1 of a[l][g], minus a[B-1][g]`.
///
/// A difference of fractions, in [-1, 1]; lower is better, and below 0 where old groups were never better than now.
/// Chaudhry et al. 2018 take the maximum over all `l < B-1`; starting at `first(g)` keeps lucky guesses from before
/// learning out.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, or no group whose training ended before
/// the last block.
pub fn forgetting(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    let now = course.last_row_with_borders(matrix)?;
    let end = course.blocks() - 1;
    let fallen = |g: usize| {
        let first = course.first(g)?;
        let ended = course.last(g)? < end;
        let best = (first..end).filter_map(|l| matrix.get(l, g)).reduce(f64::max)?;
        ended.then(|| best - now[g])
    };
    mean((0..course.groups()).filter_map(fallen), "no group's training ended before the last block")
}
