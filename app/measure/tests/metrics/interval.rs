use std::f64::consts::FRAC_PI_2;

use mnemoscope_measure::{Undefined, estimate, estimate_measured, paired_difference, t_quantile_975};
use proptest::prelude::*;

#[test]
fn t_quantiles_equal_the_printed_tables() {
    let table = [
        (1, 12.706_204_736),
        (2, 4.302_652_730),
        (3, 3.182_446_305),
        (4, 2.776_445_105),
        (5, 2.570_581_836),
        (9, 2.262_157_163),
        (10, 2.228_138_852),
        (30, 2.042_272_456),
        (100, 1.983_971_519),
        (1_000_000_000, 1.959_963_987),
    ];
    for (degrees, wanted) in table {
        assert!((t_quantile_975(degrees) - wanted).abs() < 1e-8, "{degrees}: {}", t_quantile_975(degrees));
    }
    assert_eq!(t_quantile_975(0), f64::INFINITY);
}

/// With t = sqrt(n) tan(x) the density of t becomes cos(x)^(n-1), which is integrated here without any series.
fn share_within(quantile: f64, degrees: usize) -> f64 {
    let simpson = |end: f64| {
        let (parts, power) = (4000, degrees as i32 - 1);
        let value = |i: usize| (end * i as f64 / parts as f64).cos().powi(power);
        let weighted = |i: usize| value(i) * if i % 2 == 1 { 4.0 } else { 2.0 };
        (value(0) + (1..parts).map(weighted).sum::<f64>() + value(parts)) * end / parts as f64
    };
    simpson((quantile / (degrees as f64).sqrt()).atan()) / simpson(FRAC_PI_2)
}

#[test]
fn ninety_five_percent_of_the_density_lie_within_the_quantile() {
    for degrees in (1..40).chain([99, 100, 199, 200, 201, 202, 300, 1000]) {
        let share = share_within(t_quantile_975(degrees), degrees);
        assert!((share - 0.95).abs() < 1e-9, "{degrees}: {share}");
    }
}

#[test]
fn an_interval_worked_by_hand() {
    // Mean 3, sample variance 2.5, standard error sqrt(0.5).
    let five = estimate(&[1.0, 2.0, 3.0, 4.0, 5.0], 5).expect("five values");
    assert_eq!((five.mean, five.count, five.of), (3.0, 5, 5));
    let half_width = five.half_width.expect("more than one seed");
    assert!((half_width - 2.776_445_105 * 0.5_f64.sqrt()).abs() < 1e-8);
    assert_eq!(format!("{five:.1}"), "3.0 ± 2.0");
}

#[test]
fn one_seed_has_no_interval_and_none_has_no_mean() {
    let one = estimate(&[0.25], 1).expect("one value");
    assert_eq!((one.mean, one.half_width), (0.25, None));
    assert_eq!(one.to_string(), "0.250");
    assert_eq!(estimate(&[], 0), None);
    assert_eq!(estimate(&[f64::NAN, f64::INFINITY], 2), None);
}

#[test]
fn a_missing_replica_is_counted() {
    let given = estimate(&[0.5, f64::NAN, 0.7], 3).expect("two values");
    let left_out = estimate(&[0.5, 0.7], 3).expect("two values");
    assert_eq!(given, left_out);
    assert_eq!((given.count, given.of), (2, 3));
    assert!(given.to_string().ends_with("(2 of 3)"), "{given}");

    let measured = [Ok(0.5), Err(Undefined("it diverged".to_owned())), Ok(0.7)];
    assert_eq!(estimate_measured(&measured), Ok(given));
    assert_eq!(estimate_measured(&measured[1..2]), Err(Undefined("it diverged".to_owned())));
    assert!(estimate_measured(&[]).is_err());
    assert!(estimate_measured(&[Ok(f64::NAN)]).is_err());
}

#[test]
fn seeds_are_compared_in_pairs() {
    let difference = paired_difference(&[0.5, 0.8, f64::NAN, 0.3], &[0.4, 0.6, 0.1]).expect("two pairs");
    assert!((difference.mean - 0.15).abs() < 1e-12);
    assert_eq!((difference.count, difference.of), (2, 4));
    assert_eq!(paired_difference(&[0.5], &[f64::NAN]), None);
}

proptest! {
    #[test]
    fn an_interval_moves_and_stretches_with_its_values(
        values in prop::collection::vec(-1.0..1.0_f64, 2..12), shift in -5.0..5.0_f64, factor in 0.1..9.0_f64,
    ) {
        let plain = estimate(&values, values.len()).expect("values");
        let moved: Vec<f64> = values.iter().map(|value| value * factor + shift).collect();
        let moved = estimate(&moved, values.len()).expect("values");
        prop_assert!((moved.mean - (plain.mean * factor + shift)).abs() < 1e-9);
        let (plain, moved) = (plain.half_width.expect("seeds"), moved.half_width.expect("seeds"));
        prop_assert!((moved - plain * factor).abs() < 1e-9);
    }

    #[test]
    fn a_constant_advantage_is_certain_however_the_seeds_scatter(
        values in prop::collection::vec(0.0..1.0_f64, 2..9), advantage in -0.5..0.5_f64,
    ) {
        let better: Vec<f64> = values.iter().map(|value| value + advantage).collect();
        let difference = paired_difference(&better, &values).expect("values");
        prop_assert!((difference.mean - advantage).abs() < 1e-12);
        prop_assert!(difference.half_width.expect("seeds") < 1e-12);
    }
}
