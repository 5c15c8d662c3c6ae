//! Transfer between tasks: backward, forward, and how well each task is learned in its turn.

use crate::undefined::mean;
use crate::{AccuracyMatrix, Course, Measured, Undefined};

/// BWT, backward transfer: mean over groups with `first(g) < B-1` of `a[B-1][g] - a[first(g)][g]`.
///
/// A difference of fractions; higher is better. It is not minus forgetting: it compares with the end of the first
/// block, not with the best. Lopez-Paz and Ranzato 2017, eq. 3.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, or no group first trained before the last
/// block.
pub fn bwt(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    let now = course.last_row_with_borders(matrix)?;
    let end = course.blocks() - 1;
    let change = |g: usize| {
        let first = course.first(g).filter(|first| *first < end)?;
        Some(now[g] - matrix.get(first, g)?)
    };
    mean((0..course.groups()).filter_map(change), "no group is first trained before the last block")
}

/// FWT, forward transfer: mean over groups with `first(g) > 0` of `a[first(g)-1][g] - A_g(0)`.
///
/// A difference of fractions; higher is better. In class-incremental streams it is about `-A_g(0)` whatever the method
/// and so says nothing there. Lopez-Paz and Ranzato 2017, eq. 4.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, no untrained accuracies, or no group first
/// trained after block 0.
pub fn fwt(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    course.last_row_with_borders(matrix)?;
    let untrained = matrix.untrained().ok_or_else(|| {
        Undefined("the untrained network was not evaluated, and that is what it starts from".to_owned())
    })?;
    let gain = |g: usize| {
        let before = course.first(g)?.checked_sub(1)?;
        Some(matrix.get(before, g)? - untrained[g])
    };
    mean((0..course.groups()).filter_map(gain), "no group is first trained after block 0")
}

/// Learning accuracy: mean over groups of `a[first(g)][g]`, each group's accuracy when its first block ended.
///
/// A fraction; higher is better. It measures plasticity. Riemer et al. 2019.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, or no group trained.
pub fn learning_accuracy(matrix: &AccuracyMatrix, course: &Course) -> Measured {
    course.last_row_with_borders(matrix)?;
    let learned = |g: usize| matrix.get(course.first(g)?, g);
    mean((0..course.groups()).filter_map(learned), "no evaluated group is ever trained")
}

/// Intransigence: mean over groups of `J_g - a[first(g)][g]`; `reference[g]` is `J_g`, the accuracy of a network trained
/// jointly on all data up to `first(g)`.
///
/// A difference of fractions; lower is better. Chaudhry et al. 2018, definition 2.
///
/// # Errors
/// A stream without borders, a matrix that is not complete for this course, no group trained, or no reference (it
/// exists only where the joint reference was run).
pub fn intransigence(matrix: &AccuracyMatrix, course: &Course, reference: Option<&[f64]>) -> Measured {
    course.last_row_with_borders(matrix)?;
    let reference = reference.ok_or_else(|| {
        Undefined("the reference, trained jointly on all data up to each group, was not run".to_owned())
    })?;
    if reference.len() != course.groups() {
        return Err(Undefined(format!(
            "the joint reference has {} accuracies for {} groups",
            reference.len(),
            course.groups()
        )));
    }
    if let Some(g) = reference.iter().position(|joint| !joint.is_finite()) {
        return Err(Undefined(format!("the joint reference has no accuracy for group {g}")));
    }
    let missed = |g: usize| Some(reference[g] - matrix.get(course.first(g)?, g)?);
    mean((0..course.groups()).filter_map(missed), "no evaluated group is ever trained")
}
