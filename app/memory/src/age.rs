//! Recall against age: what is left of a pair after more were written.
//!
//! **What is expected**, for random unit keys (identity features) and independent values of mean 0. The answer to key i is
//! its own write, carried through the later ones, and terms of other values, whose mean is 0. So the strength (o . v)/|v|^2
//! of a pair of age a has the mean E[k^T T_1 .. T_a k], T being what a later write does to S from the right:
//!
//! - Hebb with decay: T = gamma, so gamma^a; with a gate T = diag(rates), so the mean of rate^a over the channels: a sum
//!   of exponentials, which looks like a power law where the rates are spread widely.
//! - Delta with decay: T = gamma (1 - beta k k^T) where the error is taken after forgetting, gamma - beta k k^T where it is
//!   taken before. As E[k k^T] = 1/d_k, the strength is beta (gamma (1 - beta/d_k))^a or beta (gamma - beta/d_k)^a: even without
//!   decay a memory that corrects itself forgets, at a rate of beta/d_k. Orthonormal keys leave each other alone: beta gamma^a.

use rayon::prelude::*;

use crate::capacity::spread;
use crate::kinds::plain;
use crate::recall::recall;
use crate::retention::rates;
use crate::{Component, Composition, ForgettingFit, MemoryError, Pairs, fit_forgetting, longest_key, remember};

/// Strength against age.
#[derive(Debug, Clone, PartialEq)]
pub struct AgeCurve {
    /// `[ages]`: mean strength over draws; the newest pair has age 0. Keys that were written again count from then.
    pub strengths: Vec<f64>,
    /// `[ages]`: sample standard deviation over draws; 0 for a single one.
    pub sds: Vec<f64>,
    /// The two courses fitted to the mean; none for fewer than three ages.
    pub fit: Option<ForgettingFit>,
    /// `[ages]`: what is expected, where these settings have a known course; else empty.
    pub known: Vec<f64>,
}

/// Strength of each age after all pairs were written, `[ages]`, for draw number `draw`.
///
/// # Errors
/// When the settings do not go together.
pub fn strength_by_age(settings: &Component, composition: &Composition, draw: u64) -> Result<Vec<f64>, MemoryError> {
    composition.check_keys(longest_key(settings))?;
    let drawn = Pairs::draw_nth(settings, draw)?;
    let pairs = drawn.fitted(composition);
    let memory = remember(composition, &pairs, pairs.len(), draw)?;
    let recalled = recall(memory.as_ref(), &pairs, pairs.len());
    let newest = pairs.newest(pairs.len());
    let rows = recalled.chunks_exact(pairs.d_v).zip(pairs.values.chunks_exact(pairs.d_v)).enumerate();
    let mut strengths: Vec<f64> = rows
        .filter(|(write, _)| newest[*write] == *write)
        .map(|(_, (answer, value))| {
            let along: f64 = answer.iter().zip(value).map(|(o, v)| f64::from(*o) * f64::from(*v)).sum();
            let square: f64 = value.iter().map(|v| f64::from(*v).powi(2)).sum();
            if square > 0.0 { along / square } else { 0.0 }
        })
        .collect();
    strengths.reverse();
    Ok(strengths)
}

/// The curve over `draws` draws (at least one), spread over the process-wide thread pool.
///
/// # Errors
/// As [`strength_by_age`].
pub fn age_curve(settings: &Component, composition: &Composition, draws: usize) -> Result<AgeCurve, MemoryError> {
    let rows: Vec<Vec<f64>> = (0..draws.max(1) as u64)
        .into_par_iter()
        .map(|draw| strength_by_age(settings, composition, draw))
        .collect::<Result<_, _>>()?;
    let ages = rows.first().map_or(0, Vec::len);
    let (strengths, sds): (Vec<f64>, Vec<f64>) =
        (0..ages).map(|age| spread(&rows.iter().map(|row| row[age]).collect::<Vec<_>>())).unzip();
    let known = (0..ages).map_while(|age| known_strength(settings, composition, age)).collect();
    Ok(AgeCurve { fit: fit_forgetting(&strengths), strengths, sds, known })
}

/// The expected strength of a pair of age `age`, where these settings have a known course; see the head of this file.
pub fn known_strength(settings: &Component, composition: &Composition, age: usize) -> Option<f64> {
    let plain = plain(settings) && composition.architecture.name() == "matrix";
    let gamma = match composition.retention.name() {
        "none" => 1.0,
        "decay" => composition.retention.real("gamma"),
        "gate" => {
            let channels = settings.whole("d_k");
            let rates = rates(composition.retention.real("low"), composition.retention.real("high"), channels);
            let hebb = plain && composition.rule.name() == "outer_product" && !settings.switch("orthonormal");
            let all: f64 = rates.iter().map(|rate| f64::from(*rate).powi(age as i32)).sum();
            return hebb.then_some(all / channels as f64);
        }
        _ => return None,
    };
    let (beta, own) = match (composition.bias.name(), composition.rule.name()) {
        ("dot_product", "outer_product") => (1.0, gamma),
        ("squared_error", "gradient_step") => {
            let beta = composition.rule.real("beta");
            let part = if settings.switch("orthonormal") { 0.0 } else { beta / settings.whole("d_k") as f64 };
            (beta, if composition.rule.text("error_at") == "decayed" { gamma * (1.0 - part) } else { gamma - part })
        }
        _ => return None,
    };
    plain.then(|| beta * own.powi(age as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Composition;
    use mnemoscope_core::Setting;

    fn settings(of: &[(&str, f64)]) -> Component {
        of.iter().fold(Component::new("association").unwrap(), |settings, (name, value)| {
            settings.with(name, Setting::Number(*value)).unwrap()
        })
    }

    fn named(name: &str) -> Composition {
        Composition::named().iter().find(|point| point.name == name).unwrap().composition()
    }

    #[test]
    fn the_mean_strength_at_each_age_is_the_known_one() {
        let settings = settings(&[("pairs", 20.0), ("d_k", 12.0), ("d_v", 8.0)]);
        let mut before = named("gated_delta_rule");
        before.rule.set("error_at", Setting::Text("before".to_owned())).unwrap();
        before.rule.set("beta", Setting::Number(0.7)).unwrap();
        let others = ["linear_attention", "retnet", "gated_linear_attention", "delta_rule", "gated_delta_rule"];
        for composition in others.into_iter().map(named).chain([before]) {
            let draws = 600;
            let curve = age_curve(&settings, &composition, draws).unwrap();
            assert_eq!((curve.strengths.len(), curve.known.len()), (20, 20));
            for (age, known) in curve.known.iter().enumerate() {
                // 4.5 standard errors: 120 places are looked at. And rounding, where the spread is none.
                let allowed = 4.5 * curve.sds[age] / (draws as f64).sqrt() + 1e-6;
                let found = curve.strengths[age];
                assert!((found - known).abs() <= allowed, "{} age {age}: {found} {known}", composition.equation());
            }
        }
    }

    #[test]
    fn what_is_kept_per_write_is_read_off_the_fit() {
        let settings = settings(&[("pairs", 60.0), ("d_k", 64.0), ("d_v", 64.0)]);
        let fit = age_curve(&settings, &named("retnet"), 20).unwrap().fit.unwrap();
        assert!((fit.kept() - 0.95).abs() < 0.01, "{}", fit.kept());
        assert!(fit.is_exponential());
    }

    #[test]
    fn keys_that_were_written_again_count_from_then() {
        let settings = settings(&[("pairs", 10.0), ("rewritten", 0.3)]);
        assert_eq!(strength_by_age(&settings, &named("delta_rule"), 0).unwrap().len(), 7);
        assert_eq!(known_strength(&settings, &named("delta_rule"), 0), None);
    }
}
