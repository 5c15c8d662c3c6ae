//! Continual evaluation in cases worked by hand.

use mnemoscope_measure::{Continual, ContinualError};

use crate::{is, is_undefined};

/// A run of one group, evaluated at every step of one block from step 0.
fn one_group(curve: &[f64], windows: &[u64]) -> Continual {
    let mut continual = Continual::new(1, windows, 10);
    continual.begin_block(0, &[0]).expect("a first block");
    for (step, accuracy) in curve.iter().enumerate() {
        continual.observe(step as u64, &[*accuracy]).expect("a good evaluation");
    }
    continual
}

#[test]
fn a_rise_is_measured_from_the_lowest_and_a_fall_from_the_highest() {
    let rising = one_group(&[0.5, 0.2, 0.9], &[10]);
    is(rising.wp(10), 0.7);
    is(rising.wf(10), 0.3);
    let dipping = one_group(&[0.95, 0.93, 0.40, 0.55, 0.70, 0.85], &[10]);
    is(dipping.wp(10), 0.45);
    is(dipping.wf(10), 0.55);
}

#[test]
fn a_window_of_w_steps_holds_w_steps() {
    // The fall from step 0 to step 4 fits into five steps and not into four.
    let curve = [1.0, 0.9, 0.9, 0.9, 0.0];
    let continual = one_group(&curve, &[4, 5]);
    is(continual.wf(5), 1.0);
    is(continual.wf(4), 0.9);
}

#[test]
fn a_curve_that_never_falls_has_no_forgetting() {
    let continual = one_group(&[0.1, 0.2, 0.3], &[2, 10]);
    is(continual.wf(10), 0.0);
    is(continual.wp(10), 0.2);
    is(continual.wp(2), 0.1);
}

#[test]
fn windows_count_steps_and_need_evaluations_half_a_window_apart() {
    let mut continual = Continual::new(1, &[10, 12], 10);
    continual.begin_block(0, &[0]).expect("a first block");
    for (step, accuracy) in [(0, 0.2), (5, 0.4), (10, 0.6), (15, 0.9)] {
        continual.observe(step, &[accuracy]).expect("a good evaluation");
    }
    // Ten steps hold two evaluations that are five apart, not three.
    is(continual.wp(10), 0.3);
    is(continual.wp(12), 0.5);
    continual.observe(21, &[0.9]).expect("a good evaluation");
    assert_eq!(continual.spacing(), Some(6));
    is_undefined(continual.wp(10), "up to 6 steps apart");
    is(continual.wp(12), 0.5);
    is_undefined(continual.wf(7), "up to 6 steps apart, and a window of 7 steps needs them at most 3.5 apart");
    is_undefined(continual.wf(100), "no window of 100 steps was kept");
}

#[test]
fn two_tasks_worked_by_hand() {
    let mut continual = Continual::new(2, &[10], 2);
    is_undefined(continual.min_acc(), "no block has begun");
    is_undefined(continual.wf(10), "fewer than two evaluations");
    continual.begin_block(0, &[0]).expect("a first block");
    is_undefined(continual.wc_acc(), "not been evaluated yet");
    continual.observe(0, &[0.1, 0.0]).expect("a good evaluation");
    continual.observe(1, &[0.4, 0.0]).expect("a good evaluation");
    is_undefined(continual.lca(), "no block has reached its step 2");
    continual.observe(2, &[0.7, 0.2]).expect("a good evaluation");
    continual.observe(3, &[0.9, 0.1]).expect("a good evaluation");
    is_undefined(continual.min_acc(), "no other group was learned before");
    is(continual.wc_acc(), 0.9);
    is(continual.lca(), 0.4);
    continual.end_block(3).expect("it is open");
    continual.begin_block(3, &[1]).expect("none is open");
    is_undefined(continual.min_acc(), "group 0 has not been evaluated since");
    continual.observe(4, &[0.3, 0.6]).expect("a good evaluation");
    is(continual.lca(), 0.4);
    continual.observe(5, &[0.5, 0.8]).expect("a good evaluation");
    is(continual.min_acc(), 0.3);
    is(continual.wc_acc(), f64::midpoint(0.8, 0.3));
    // Step 0 of the second block is the evaluation at the border.
    is(continual.lca_of(1), (0.1 + 0.6 + 0.8) / 3.0);
    is(continual.lca(), f64::midpoint(0.4, 0.5));
    // Group 1 counts from the border on: its fall from 0.2 to 0.1 before it was ever trained is no forgetting.
    is(continual.wf(10), f64::midpoint(0.6, 0.0));
    is(continual.wp(10), f64::midpoint(0.8, 0.7));
}

#[test]
fn a_group_trained_again_is_the_current_one_and_keeps_its_worst() {
    let mut continual = Continual::new(2, &[10], 0);
    for (start, group, accuracies) in [(0, 0, [0.9, 0.0]), (1, 1, [0.2, 0.8]), (2, 0, [0.7, 0.4])] {
        continual.begin_block(start, &[group]).expect("none is open");
        continual.observe(start + 1, &accuracies).expect("a good evaluation");
        continual.end_block(start + 1).expect("it is open");
    }
    is(continual.min_acc(), 0.4);
    is(continual.wc_acc(), f64::midpoint(0.7, 0.4));
    continual.begin_block(3, &[1]).expect("none is open");
    // Group 0's worst since the end of its *first* block.
    is(continual.min_acc(), 0.2);
}

#[test]
fn an_evaluation_at_a_border_may_be_told_before_or_after_it() {
    let run = |before: bool, after: bool| {
        let mut continual = Continual::new(2, &[4], 1);
        continual.begin_block(0, &[0]).expect("a first block");
        continual.observe(1, &[0.5, 0.5]).expect("a good evaluation");
        if before {
            continual.observe(2, &[0.25, 0.75]).expect("a good evaluation");
        }
        continual.end_block(2).expect("it is open");
        continual.begin_block(2, &[1]).expect("none is open");
        if after {
            continual.observe(2, &[0.25, 0.75]).expect("a good evaluation");
        }
        continual.observe(3, &[0.5, 1.0]).expect("a good evaluation");
        continual
    };
    let early = run(true, false);
    assert_eq!(early, run(false, true));
    assert_eq!(early, run(true, true));
    is(early.lca_of(1), 0.875);
    // It is the last of the first block's first steps, too.
    let ends = |before: bool| {
        let mut continual = Continual::new(1, &[], 1);
        continual.begin_block(0, &[0]).expect("a first block");
        continual.observe(0, &[0.0]).expect("a good evaluation");
        if before {
            continual.observe(1, &[0.5]).expect("a good evaluation");
        }
        continual.end_block(1).expect("it is open");
        continual.begin_block(1, &[0]).expect("none is open");
        continual.observe(1, &[0.5]).expect("a good evaluation");
        continual
    };
    is(ends(true).lca_of(0), 0.25);
    assert_eq!(ends(true), ends(false));
    is(early.min_acc(), 0.5);
}

#[test]
fn lca_needs_every_one_of_the_first_steps() {
    let mut continual = Continual::new(1, &[], 3);
    is_undefined(continual.lca_of(0), "has not begun");
    continual.begin_block(0, &[0]).expect("a first block");
    for step in [0, 1, 3] {
        continual.observe(step, &[0.5]).expect("a good evaluation");
    }
    is_undefined(continual.lca(), "block 0 was not evaluated at its step 2");
    continual.end_block(3).expect("it is open");
    continual.begin_block(3, &[0]).expect("none is open");
    continual.observe(4, &[0.5]).expect("a good evaluation");
    is_undefined(continual.lca_of(1), "has not reached its step 3");
    continual.end_block(5).expect("it is open");
    is_undefined(continual.lca_of(1), "has only 2 steps");
    continual.begin_block(5, &[]).expect("none is open");
    is_undefined(continual.lca_of(2), "trains none of the evaluated groups");
}

#[test]
fn a_stream_without_borders_keeps_its_windows_and_nothing_else() {
    let mut continual = Continual::new(2, &[10], 1).without_borders();
    assert_eq!(continual.begin_block(0, &[0]), Err(ContinualError::NoBorders { step: 0 }));
    for (step, accuracies) in [(0, [0.5, 0.5]), (1, [0.25, 0.75]), (2, [1.0, 0.5])] {
        continual.observe(step, &accuracies).expect("a good evaluation");
    }
    assert_eq!(continual.end_block(2), Err(ContinualError::NoBorders { step: 2 }));
    is(continual.wf(10), 0.25);
    is(continual.wp(10), 0.5);
    for measured in [continual.min_acc(), continual.wc_acc(), continual.lca()] {
        is_undefined(measured, "no borders");
    }
}

#[test]
fn events_that_do_not_fit_are_refused_and_change_nothing() {
    let mut continual = Continual::new(2, &[10], 1);
    continual.begin_block(5, &[1]).expect("a first block");
    continual.observe(7, &[0.5, 0.5]).expect("a good evaluation");
    let kept = continual.clone();
    let refused = [
        continual.observe(6, &[0.5, 0.5]),
        continual.observe(8, &[0.5]),
        continual.observe(8, &[0.5, f64::NAN]),
        continual.observe(8, &[1.01, 0.5]),
        continual.observe(7, &[0.5, 0.4]),
        continual.begin_block(8, &[0]),
        continual.end_block(6),
    ];
    for error in &refused {
        assert!(error.is_err());
    }
    assert_eq!(refused[0], Err(ContinualError::Order { step: 6, last: 7 }));
    assert_eq!(refused[4], Err(ContinualError::Changed { step: 7, group: 1 }));
    assert_eq!(refused[5], Err(ContinualError::StillOpen { step: 8, open: 5 }));
    assert_eq!(continual, kept);
    continual.end_block(9).expect("it is open");
    assert_eq!(continual.end_block(9), Err(ContinualError::NotOpen { step: 9 }));
    assert_eq!(continual.observe(8, &[0.5, 0.5]), Err(ContinualError::Order { step: 8, last: 9 }));
    assert_eq!(continual.begin_block(9, &[2]), Err(ContinualError::NoSuchGroup { step: 9, group: 2, groups: 2 }));
}

#[test]
fn memory_does_not_grow_with_the_run() {
    let mut continual = Continual::new(1, &[100], 10);
    continual.begin_block(0, &[0]).expect("a first block");
    let mut sizes = Vec::new();
    for step in 0..100_000_u64 {
        // Long straight falls are what keeps the most values in the queue of the highest.
        let accuracy = 1.0 - (step % 1000) as f64 / 1000.0;
        continual.observe(step, &[accuracy]).expect("a good evaluation");
        if step % 10_000 == 9_999 {
            sizes.push(postcard::to_stdvec(&continual).expect("it can be written").len());
        }
    }
    // A hundred values of 8 bytes and their steps, of at most 3 bytes here.
    assert!(sizes.iter().all(|size| *size < 100 * (8 + 3) + 100), "{sizes:?}");
}
