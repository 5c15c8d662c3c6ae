use mnemoscope_measure::{Gap, stability_gap, tolerance};
use proptest::prelude::*;

fn dense(before: f64, curve: &[f64], sample: usize) -> Gap {
    let steps: Vec<u64> = (1..=curve.len() as u64).collect();
    stability_gap(before, &steps, curve, sample, 0, curve.len() as u64).expect("a good curve")
}

#[test]
fn a_gap_worked_by_hand() {
    let mut curve = vec![0.8; 20];
    curve[..4].copy_from_slice(&[0.6, 0.4, 0.5, 0.7]);
    let gap = dense(0.95, &curve, 1000);
    assert_eq!((gap.before, gap.trough, gap.trough_step), (0.95, 0.4, 2));
    assert!((gap.plateau - 0.8).abs() < 1e-12 && (gap.depth - 0.4).abs() < 1e-12);
    assert!((gap.lasting_loss - 0.15).abs() < 1e-12);
    assert_eq!(gap.width, Some(5));
    assert!((gap.area - (0.2 + 0.4 + 0.3 + 0.1)).abs() < 1e-12);
    assert!(gap.significant);
}

#[test]
fn a_lasting_fall_is_no_gap() {
    let gap = dense(0.9, &[0.5; 20], 1000);
    assert!(!gap.significant);
    assert_eq!((gap.depth, gap.trough_step, gap.area), (0.0, 1, 0.0));
    assert!((gap.lasting_loss - 0.4).abs() < 1e-12);
}

#[test]
fn the_samples_noise_is_no_gap() {
    // One sample of 100 is 0.01, two are 0.02; the bound is one and a half.
    assert_eq!((tolerance(100), tolerance(150), tolerance(5000)), (0.015, 0.01, 0.01));
    for (fallen, significant) in [(1, false), (2, true)] {
        let mut curve = vec![0.8; 20];
        curve[0] = f64::from(80 - fallen) / 100.0;
        assert_eq!(dense(0.8, &curve, 100).significant, significant, "{fallen} samples");
    }
    // Exactly the bound is still noise, however its parts are rounded.
    let mut curve = vec![0.72; 20];
    curve[0] = 0.71;
    assert!(!dense(0.8, &curve, 1000).significant);
}

#[test]
fn a_recovery_is_five_in_a_row() {
    // After the trough at step 1: four good evaluations, a relapse at 6, and five good ones from step 7 on.
    let mut curve = vec![0.8; 11];
    (curve[0], curve[5]) = (0.2, 0.5);
    assert_eq!(dense(0.8, &curve, 1000).width, Some(7));
    // With one fewer the block ends before.
    assert_eq!(dense(0.8, &curve[..10], 1000).width, None);
}

#[test]
fn a_group_that_never_recovers_has_an_area_to_the_end() {
    // Plateau: mean of the last two of ten.
    let curve = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 1.0];
    let gap = dense(0.9, &curve, 1000);
    assert!((gap.plateau - 0.5).abs() < 1e-12);
    assert_eq!((gap.width, gap.trough_step), (None, 9));
    assert!((gap.area - (0.1 + 0.2 + 0.3 + 0.4 + 0.5)).abs() < 1e-12);
}

#[test]
fn the_last_fifth_is_counted_in_steps_and_not_in_evaluations() {
    // Of 100 steps the last 20 are 81..=100; step 80 is not one of them.
    let steps = [1, 2, 3, 4, 5, 40, 80, 81, 100];
    let curve = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.8];
    let gap = stability_gap(0.9, &steps, &curve, 1000, 0, 100).expect("a good curve");
    assert!((gap.plateau - 0.7).abs() < 1e-12);
    let reason = stability_gap(0.9, &steps[..7], &curve[..7], 1000, 0, 100).expect_err("nothing in the last fifth");
    assert!(reason.to_string().contains("last 20 %"), "{reason}");
}

#[test]
fn between_evaluations_the_area_follows_the_straight_line() {
    // 0.8 at the switch (step 10), 0.4 at step 14, 0.8 at 18 and on: 0.1 + 0.2 + 0.3 + 0.4 + 0.3 + 0.2 + 0.1.
    let steps = [14, 18, 20, 22, 24, 26, 30];
    let curve = [0.4, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
    let gap = stability_gap(0.8, &steps, &curve, 1000, 10, 30).expect("a good curve");
    assert_eq!(gap.width, Some(8));
    assert!((gap.area - 1.6).abs() < 1e-12, "{}", gap.area);
}

#[test]
fn evaluations_of_other_blocks_are_passed_over() {
    let steps: Vec<u64> = (0..60).collect();
    let curve: Vec<f64> = steps.iter().map(|n| if (21..=40).contains(n) { 0.5 } else { 0.0 }).collect();
    let gap = stability_gap(0.9, &steps, &curve, 1000, 20, 40).expect("a good curve");
    assert_eq!((gap.trough, gap.trough_step, gap.plateau), (0.5, 21, 0.5));
}

#[test]
fn what_cannot_be_read_says_why() {
    let (steps, curve) = ([1, 2, 3], [0.5, 0.5, 0.5]);
    let cases: [(&str, Result<Gap, _>); 8] = [
        ("2 accuracies for 3 steps", stability_gap(0.5, &steps, &curve[..2], 10, 0, 3)),
        ("sample is empty", stability_gap(0.5, &steps, &curve, 0, 0, 3)),
        ("does not go beyond its switch", stability_gap(0.5, &steps, &curve, 10, 3, 3)),
        ("2 is followed by 2", stability_gap(0.5, &[1, 2, 2], &curve, 10, 0, 3)),
        ("before the switch", stability_gap(f64::NAN, &steps, &curve, 10, 0, 3)),
        ("no accuracy at step 2", stability_gap(0.5, &steps, &[0.5, f64::NAN, 0.5], 10, 0, 3)),
        ("no evaluation in the last 20 %", stability_gap(0.5, &steps, &curve, 10, 3, 9)),
        ("no evaluation in the last 20 %", stability_gap(0.5, &[], &[], 10, 0, 9)),
    ];
    for (words, result) in cases {
        let reason = result.expect_err(words).to_string();
        assert!(reason.contains(words), "{reason}");
    }
}

/// The table, word for word: every step is looked at by itself.
fn by_the_table(before: f64, evaluated: &[(u64, f64)], sample: usize, switch: u64, end: u64) -> Option<Gap> {
    let block: Vec<(u64, f64)> = evaluated.iter().copied().filter(|(n, _)| switch < *n && *n <= end).collect();
    let start_of_last_fifth = end as f64 - 0.2 * (end - switch) as f64;
    let last: Vec<f64> = block.iter().filter(|(n, _)| *n as f64 > start_of_last_fifth).map(|(_, a)| *a).collect();
    let plateau = crate::mean(&last)?;
    let trough = block.iter().map(|(_, a)| *a).fold(f64::INFINITY, f64::min);
    let trough_step = block.iter().find(|(_, a)| *a == trough)?.0;
    let noise = if 1.5 / sample as f64 > 0.01 { 1.5 / sample as f64 } else { 0.01 };
    let mut width = None;
    for i in (0..block.len()).rev() {
        let in_a_row = block[i..].iter().take_while(|(_, a)| *a >= plateau - noise - 1e-9).count();
        if block[i].0 > trough_step && in_a_row >= 5 {
            width = Some(block[i].0 - switch);
        }
    }
    let until = width.map_or(block[block.len() - 1].0, |width| switch + width);
    let mut known = vec![(switch, before)];
    known.extend(&block);
    let at = |n: u64| {
        let right = *known.iter().find(|(m, _)| *m >= n).expect("n is within the block");
        let left = *known.iter().rev().find(|(m, _)| *m < n).expect("n is after the switch");
        left.1 + (right.1 - left.1) * (n - left.0) as f64 / (right.0 - left.0) as f64
    };
    let area = (switch + 1..=until).map(|n| f64::max(plateau - at(n), 0.0)).sum();
    let depth = plateau - trough;
    let significant = depth > noise + 1e-9;
    Some(Gap { before, trough, trough_step, plateau, depth, lasting_loss: before - plateau, width, area, significant })
}

proptest! {
    #[test]
    fn every_gap_equals_the_table(
        sample in prop::sample::select(vec![20_usize, 100, 1000]),
        // Few levels near each other make recoveries and relapses likely.
        levels in prop::collection::vec((1..6_u64, 0..=5_u8), 1..60),
        before in 0..=20_u8,
        switch in 0..40_u64,
        length in 1..120_u64,
    ) {
        let before = f64::from(before) / 20.0;
        let mut step = 0;
        let evaluated: Vec<(u64, f64)> = levels
            .into_iter()
            .map(|(apart, level)| {
                step += apart;
                (step, f64::from(level) / 20.0)
            })
            .collect();
        let (steps, curve): (Vec<u64>, Vec<f64>) = evaluated.iter().copied().unzip();
        let found = stability_gap(before, &steps, &curve, sample, switch, switch + length).ok();
        let wanted = by_the_table(before, &evaluated, sample, switch, switch + length);
        match (found, wanted) {
            (Some(found), Some(wanted)) => {
                prop_assert!((found.area - wanted.area).abs() < 1e-9, "{:?} is not {:?}", found, wanted);
                prop_assert_eq!(Gap { area: 0.0, ..found }, Gap { area: 0.0, ..wanted });
            }
            (found, wanted) => prop_assert_eq!(found, wanted),
        }
    }
}
