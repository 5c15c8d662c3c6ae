//! The metrics against brute-force versions written straight from their table, and against cases worked by hand.

#![expect(clippy::manual_midpoint, reason = "a mean worked by hand is written as a mean")]

mod block_ends;
mod catalogue;
mod confusion;
mod every_step;
mod gap;
mod hand_steps;
mod interval;

use mnemoscope_measure::Measured;

/// Both have no value, or both have one and they are equal but for rounding.
fn same(left: &Measured, right: Option<f64>) -> bool {
    match (left, right) {
        (Ok(left), Some(right)) => (left - right).abs() < 1e-12,
        (Err(_), None) => true,
        _ => false,
    }
}

/// The value, which must be there and be `wanted` but for rounding.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a metric is checked as it is returned")]
fn is(measured: Measured, wanted: f64) {
    assert!(same(&measured, Some(wanted)), "{measured:?} is not {wanted}");
}

/// The reason, which must hold these words.
#[track_caller]
fn is_undefined(measured: Measured, words: &str) {
    let reason = measured.expect_err("there must be no value").to_string();
    assert!(reason.starts_with("not defined, because ") && reason.contains(words), "{reason}");
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
