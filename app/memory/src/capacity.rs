//! Recall error against the number of stored pairs.

use rayon::prelude::*;

use mnemoscope_core::Setting;

use crate::kinds::plain;
use crate::recall::recall;
use crate::{Component, Composition, MemoryError, Pairs, Quality, longest_key, memory_width, remember};

/// Expected mean relative squared error of Hebb's rule: (n - 1)/d_k, for independent random unit keys asked for
/// without noise and without decay. 0 for `n` = 0.
pub fn known_error_hebb(n: usize, d_k: usize) -> f64 {
    n.saturating_sub(1) as f64 / d_k as f64
}

/// The known error after `n` writes where these settings have one: Hebb's rule on independent unit keys, each
/// written once, without noise and decay; or 0 if they are orthonormal.
pub fn known_error(component: &Component, composition: &Composition, n: usize) -> Option<f64> {
    let plain = *composition == Composition::default() && plain(component);
    plain.then(|| if component.switch("orthonormal") { 0.0 } else { known_error_hebb(n, component.whole("d_k")) })
}

/// One point of a capacity curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapacityPoint {
    /// Stored pairs, N.
    pub pairs: usize,
    /// N over the entries of a key as the memory gets it: N/d_k without a feature map.
    pub load: f64,
    /// Mean over draws of the mean relative squared error; see [`crate::mean_error`].
    pub mean_error: f64,
    /// Sample standard deviation of the error over draws; 0 for a single one.
    pub sd: f64,
    /// Mean over draws of the share of pairs that are decoded.
    pub decoded: f64,
}

/// The error of one memory over several loads.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityCurve {
    /// The memory.
    pub composition: Composition,
    /// One point for each load, in the order given.
    pub points: Vec<CapacityPoint>,
}

/// The error of each memory with `loads` pairs stored, over `draws` draws (at least one) of keys and values. All
/// memories meet the same draws.
///
/// Draws are spread over the process-wide thread pool, and the answer does not depend on its size. Not for a frame of
/// the window.
///
/// # Errors
/// When a load lies outside the range of `pairs`, or settings or choices do not go together.
pub fn capacity_curve(
    component: &Component,
    compositions: &[Composition],
    loads: &[usize],
    draws: usize,
) -> Result<Vec<CapacityCurve>, MemoryError> {
    for composition in compositions {
        composition.check_keys(longest_key(component))?;
    }
    let loaded: Vec<Component> =
        loads.iter().map(|n| component.clone().with("pairs", Setting::Number(*n as f64))).collect::<Result<_, _>>()?;
    let jobs: Vec<(&Component, u64)> =
        loaded.iter().flat_map(|component| (0..draws.max(1) as u64).map(move |draw| (component, draw))).collect();
    let width = memory_width(component);
    let qualities: Vec<Vec<Quality>> = jobs
        .into_par_iter()
        .map(|(component, draw)| {
            let pairs = Pairs::draw_nth(component, draw)?;
            let quality = |composition: &Composition| {
                let pairs = pairs.fitted(composition);
                let memory = remember(composition, &pairs, pairs.len(), draw)?;
                Ok(Quality::of(&recall(memory.as_ref(), &pairs, pairs.len()), &pairs))
            };
            compositions.iter().map(quality).collect()
        })
        .collect::<Result<_, MemoryError>>()?;
    let curve = |(index, composition): (usize, &Composition)| CapacityCurve {
        composition: composition.clone(),
        points: qualities
            .chunks_exact(draws.max(1))
            .zip(loads)
            .map(|(draws, n)| {
                let (mean_error, sd) = spread(&draws.iter().map(|of| of[index].error).collect::<Vec<_>>());
                let (decoded, _) = spread(&draws.iter().map(|of| of[index].decoded).collect::<Vec<_>>());
                CapacityPoint { pairs: *n, load: *n as f64 / width as f64, mean_error, sd, decoded }
            })
            .collect(),
    };
    Ok(compositions.iter().enumerate().map(curve).collect())
}

/// Mean and sample standard deviation; the latter is 0 for a single value.
pub(crate) fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mean_error;

    fn component(settings: &[(&str, f64)]) -> Component {
        settings.iter().fold(Component::new("association").unwrap(), |component, (name, value)| {
            component.with(name, Setting::Number(*value)).unwrap()
        })
    }

    #[test]
    fn the_mean_error_of_hebb_is_the_known_one() {
        for (d_k, d_v) in [(16.0, 2.0), (32.0, 48.0)] {
            let component = component(&[("d_k", d_k), ("d_v", d_v)]);
            let draws = 300;
            let hebb = Composition::default();
            let curves = capacity_curve(&component, std::slice::from_ref(&hebb), &[1, 2, 9, 40], draws).unwrap();
            for point in &curves[0].points {
                let known = known_error(&component, &hebb, point.pairs).unwrap();
                // 4 standard errors, and rounding where the error is 0.
                let allowed = 4.0 * point.sd / (draws as f64).sqrt() + 1e-9;
                assert!((point.mean_error - known).abs() <= allowed, "{point:?} {known} +- {allowed}");
                assert_eq!(point.load, point.pairs as f64 / d_k);
            }
        }
    }

    #[test]
    fn a_curve_is_the_mean_and_spread_of_single_draws() {
        let component = component(&[("d_k", 8.0), ("d_v", 5.0)]);
        let compositions: Vec<Composition> = Composition::named().iter().map(crate::NamedPoint::composition).collect();
        let curves = capacity_curve(&component, &compositions, &[3, 7], 2).unwrap();
        let seven = component.with("pairs", Setting::Number(7.0)).unwrap();
        for (curve, composition) in curves.iter().zip(&compositions) {
            assert_eq!(&curve.composition, composition);
            let [a, b] = [0, 1].map(|draw| {
                let drawn = Pairs::draw_nth(&seven, draw).unwrap();
                let pairs = drawn.fitted(composition);
                let memory = remember(composition, &pairs, 7, draw).unwrap();
                mean_error(&recall(memory.as_ref(), &pairs, 7), &pairs)
            });
            assert!((curve.points[1].mean_error - f64::midpoint(a, b)).abs() < 1e-12);
            assert!((curve.points[1].sd - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12);
        }
    }

    #[test]
    fn the_known_error_is_claimed_only_where_it_holds() {
        let (plain, hebb) = (component(&[("d_k", 8.0)]), Composition::default());
        assert_eq!(known_error(&plain, &hebb, 9), Some(1.0));
        assert_eq!(known_error(&plain, &hebb, 0), Some(0.0));
        for (name, value) in
            [("correlation", 0.1), ("noise", 0.1), ("rewritten", 0.1), ("key_length", 1.1), ("key_jitter", 0.1)]
        {
            assert_eq!(known_error(&component(&[("d_k", 8.0), (name, value)]), &hebb, 9), None, "{name}");
        }
        let mapped = plain.clone().with("features", Setting::Text("elu".to_owned())).unwrap();
        assert_eq!(known_error(&mapped, &hebb, 9), None);
        let orthonormal = plain.clone().with("orthonormal", Setting::Switch(true)).unwrap();
        assert_eq!(known_error(&orthonormal, &hebb, 8), Some(0.0));
        for point in Composition::named().iter().filter(|point| point.name != "linear_attention") {
            assert_eq!(known_error(&plain, &point.composition(), 9), None, "{}", point.name);
        }
    }

    #[test]
    fn a_load_outside_its_range_or_a_wild_beta_is_refused() {
        let mut delta = Composition::named().iter().find(|point| point.name == "delta_rule").unwrap().composition();
        let error = capacity_curve(&component(&[]), &[], &[0], 1).unwrap_err();
        assert!(error.to_string().contains("pairs = 0 is outside its range 1 to 512"), "{error}");
        delta.rule.set("beta", Setting::Number(0.0)).unwrap();
        assert!(matches!(capacity_curve(&component(&[]), &[delta], &[4], 1), Err(MemoryError::Wild { .. })));
    }
}
