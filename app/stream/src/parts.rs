//! The stratified split of a data set into training, validation and test rows.

use std::collections::BTreeMap;
use std::ops::Range;

use mnemoscope_core::random;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

/// What a sample is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Gradients come from here.
    Train,
    /// Live curves and choices of settings.
    Validation,
    /// Final figures.
    Test,
}

/// The part of every row. Within each stratum (a class, or a class of one task) the shares hold to half a sample, and
/// one training row is kept. Test rows are drawn first, so they do not depend on the validation share. Where the data
/// have test rows of their own, these are the test part, and the validation share is one of the others.
pub(crate) fn stratified(
    strata: &[u32],
    own_test: Option<&Range<u32>>,
    validation: f64,
    test: f64,
    seed: u64,
) -> Vec<Part> {
    let is_own = |row: usize| own_test.is_some_and(|rows| rows.contains(&(row as u32)));
    let test = if own_test.is_some() { 0.0 } else { test };
    let mut rows_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut parts = vec![Part::Train; strata.len()];
    for (row, stratum) in strata.iter().enumerate() {
        if is_own(row) {
            parts[row] = Part::Test;
        } else {
            rows_of.entry(*stratum).or_default().push(row);
        }
    }
    for (stratum, mut rows) in rows_of {
        rows.shuffle(&mut random::stream(seed, "parts", &[u64::from(stratum)]));
        let share = |share: f64| (rows.len() as f64 * share).round() as usize;
        let spare = rows.len() - 1;
        let tests = share(test).min(spare);
        let validations = share(validation).min(spare - tests);
        for row in &rows[..tests] {
            parts[*row] = Part::Test;
        }
        for row in &rows[tests..tests + validations] {
            parts[*row] = Part::Validation;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(parts: &[Part], strata: &[u32], stratum: u32, part: Part) -> usize {
        parts.iter().zip(strata).filter(|(p, s)| **p == part && **s == stratum).count()
    }

    proptest! {
        #[test]
        fn shares_hold_in_every_stratum(
            strata in prop::collection::vec(0u32..5, 1..400),
            validation in 0.0..0.4,
            test in 0.0..0.5,
            seed in 0u64..1000,
        ) {
            let parts = stratified(&strata, None, validation, test, seed);
            prop_assert_eq!(parts.len(), strata.len());
            for stratum in 0..5 {
                let n = strata.iter().filter(|s| **s == stratum).count();
                if n == 0 {
                    continue;
                }
                let of = |part| count(&parts, &strata, stratum, part);
                prop_assert!(of(Part::Train) >= 1);
                if n > 20 {
                    prop_assert!((of(Part::Test) as f64 - n as f64 * test).abs() <= 0.5);
                    prop_assert!((of(Part::Validation) as f64 - n as f64 * validation).abs() <= 0.5);
                }
            }
        }
    }

    #[test]
    fn the_seed_decides_and_validation_leaves_the_test_rows_alone() {
        let strata: Vec<u32> = (0..300).map(|i| i % 3).collect();
        let a = stratified(&strata, None, 0.0, 0.3, 7);
        assert_eq!(a, stratified(&strata, None, 0.0, 0.3, 7));
        assert_ne!(a, stratified(&strata, None, 0.0, 0.3, 8));
        let b = stratified(&strata, None, 0.2, 0.3, 7);
        for row in 0..strata.len() {
            assert_eq!(a[row] == Part::Test, b[row] == Part::Test);
        }
        assert_eq!(count(&b, &strata, 1, Part::Validation), 20);
    }

    #[test]
    fn a_test_part_of_its_own_is_taken_as_it_is() {
        let strata: Vec<u32> = (0..300).map(|i| i % 3).collect();
        let parts = stratified(&strata, Some(&(200..300)), 0.1, 0.9, 7);
        for (row, part) in parts.iter().enumerate() {
            assert_eq!(*part == Part::Test, row >= 200);
        }
        // A tenth of the 67, 67 and 66 other rows of the classes.
        assert_eq!([0, 1, 2].map(|class| count(&parts, &strata, class, Part::Validation)), [7, 7, 7]);
    }
}
