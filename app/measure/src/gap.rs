//! The stability gap: a known group falls right after a switch and recovers.

use serde::{Deserialize, Serialize};

use crate::Undefined;

/// How one group fared through one block that trains something else. Accuracies are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Accuracy just before the switch.
    pub before: f64,
    /// Lowest accuracy at evaluated steps of the block.
    pub trough: f64,
    /// The first optimiser step with that accuracy.
    pub trough_step: u64,
    /// Mean accuracy over evaluated steps of the last 20 % of the block.
    pub plateau: f64,
    /// Transient depth, `plateau - trough`: the stability gap itself.
    pub depth: f64,
    /// Lasting loss, `before - plateau`: forgetting, not gap. Below 0 where the group gained.
    pub lasting_loss: f64,
    /// Optimiser steps from the switch to the recovery: the first evaluated step after the trough from which five
    /// evaluations in a row are at least the plateau minus [`tolerance`]; none where it did not recover.
    pub width: Option<u64>,
    /// Sum over steps after the switch, up to the recovery or the block's last evaluation, of `(plateau - A(n))_+`, in
    /// accuracy times steps. Between two evaluations the accuracy is taken from the straight line that joins them, as
    /// the plot draws it.
    pub area: f64,
    /// Whether depth exceeds [`tolerance`]; if not, it is within the sample's noise and reads "no gap".
    pub significant: bool,
}

/// Evaluations in a row that make a recovery.
const RECOVERED: usize = 5;

/// Accuracies are quotients of counts; this much is rounding.
const ROUNDING: f64 = 1e-9;

/// What counts as noise on an evaluation sample of this size: 0.01, or one and a half samples where that is more.
///
/// One rule serves twice: a depth up to this is "no gap", and within this of the plateau is recovered. The evaluation
/// sample is fixed, so this is no binomial error: it is how far the accuracy moves when one or two samples near the
/// decision border change sides.
pub fn tolerance(sample: usize) -> f64 {
    f64::max(0.01, 1.5 / sample as f64)
}

/// The gap of one group in one block, steps `switch+1..=block_end`.
///
/// `before` is the group's accuracy at `switch`, just before the block's first update; `steps` (optimiser steps, growing)
/// and `curve` (accuracies) are its evaluations, all of them and not thinned; those outside the block are passed over.
/// `sample` is the size of the evaluation sample. De Lange et al. 2023; depth, lasting loss, width and area as in the
/// lab's table of metrics.
///
/// ```
/// // From 0.9 down to 0.5 at step 102, back on a plateau of 0.8 from step 104 on.
/// let steps: Vec<u64> = (101..=120).collect();
/// let mut curve = vec![0.8; 20];
/// curve[..3].copy_from_slice(&[0.6, 0.5, 0.7]);
/// let gap = mnemoscope_measure::stability_gap(0.9, &steps, &curve, 1000, 100, 120)?;
/// assert_eq!((gap.trough_step, gap.width), (102, Some(4)));
/// assert!((gap.depth - 0.3).abs() < 1e-12 && (gap.lasting_loss - 0.1).abs() < 1e-12);
/// assert!((gap.area - (0.2 + 0.3 + 0.1)).abs() < 1e-12);
/// # Ok::<(), mnemoscope_measure::Undefined>(())
/// ```
///
/// # Errors
/// Curves that cannot be read (unequal lengths, steps that do not grow, something that is no accuracy), a block without
/// steps, or no evaluation in the block or in its last 20 %.
pub fn stability_gap(
    before: f64,
    steps: &[u64],
    curve: &[f64],
    sample: usize,
    switch: u64,
    block_end: u64,
) -> Result<Gap, Undefined> {
    let undefined = |reason: String| Err(Undefined(reason));
    if steps.len() != curve.len() {
        return undefined(format!("the curve has {} accuracies for {} steps", curve.len(), steps.len()));
    }
    if sample == 0 {
        return undefined("the evaluation sample is empty".to_owned());
    }
    if block_end <= switch {
        return undefined(format!("the block ends at step {block_end} and does not go beyond its switch at {switch}"));
    }
    if let Some([step, next, ..]) = steps.windows(2).find(|pair| pair[0] >= pair[1]) {
        return undefined(format!("the curve's steps do not grow: {step} is followed by {next}"));
    }
    if !(0.0..=1.0).contains(&before) {
        return undefined("there is no accuracy just before the switch".to_owned());
    }
    let block = steps.partition_point(|n| *n <= switch)..steps.partition_point(|n| *n <= block_end);
    let (steps, curve) = (&steps[block.clone()], &curve[block]);
    if let Some(at) = curve.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return undefined(format!("the curve has no accuracy at step {}", steps[at]));
    }

    // The first step that does not belong to the last 20 % is the last with (end - n) / length >= 1/5.
    let length = block_end - switch;
    let settled = &curve[steps.partition_point(|n| (block_end - n).saturating_mul(5) >= length)..];
    if settled.is_empty() {
        return undefined("there is no evaluation in the last 20 % of the block".to_owned());
    }
    let plateau = settled.iter().sum::<f64>() / settled.len() as f64;

    let lowest = (0..curve.len()).fold(0, |lowest, i| if curve[i] < curve[lowest] { i } else { lowest });
    let (trough, trough_step) = (curve[lowest], steps[lowest]);
    let depth = plateau - trough;

    let near = plateau - tolerance(sample) - ROUNDING;
    let recovered = |i: &usize| curve[*i..*i + RECOVERED].iter().all(|value| *value >= near);
    let recovery = (lowest + 1..(curve.len() + 1).saturating_sub(RECOVERED)).find(recovered);
    let until = recovery.unwrap_or(curve.len() - 1);

    Ok(Gap {
        before,
        trough,
        trough_step,
        plateau,
        depth,
        lasting_loss: before - plateau,
        width: recovery.map(|i| steps[i] - switch),
        area: area_below(plateau, (switch, before), &steps[..=until], &curve[..=until]),
        significant: depth > tolerance(sample) + ROUNDING,
    })
}

/// Sum over every step after `from` of `(plateau - A)_+`, with A on straight lines between evaluations.
fn area_below(plateau: f64, from: (u64, f64), steps: &[u64], curve: &[f64]) -> f64 {
    let mut area = 0.0;
    let (mut left, mut high) = from;
    for (&right, &value) in steps.iter().zip(curve) {
        let span = (right - left) as f64;
        for step in left + 1..=right {
            let part = (step - left) as f64 / span;
            area += (plateau - (high + (value - high) * part)).max(0.0);
        }
        (left, high) = (right, value);
    }
    area
}
