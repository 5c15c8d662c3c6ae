//! The forgetting curve: how much of a pair is recalled, against how many pairs were written after it.
//!
//! The strength of a pair is (o . v) / |v|^2, the part of its value that comes back: 1 for a perfect answer, and not
//! moved on average by crosstalk of other values, which have any sign. Two courses are fitted to its mean at each age a:
//! s e^(-a / tau) (exponential) and s (1 + a)^(-b) (power law; Wixted and Ebbesen 1991, On the form of forgetting, find
//! it in people). For any tau or b the best s is known, so that one number is looked for.

/// A fitted course of forgetting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Strength at age 0, s.
    pub scale: f64,
    /// 1 / tau of the exponential, b of the power law; 0 where nothing is forgotten.
    pub rate: f64,
    /// Share of the variance over ages that the fit explains; 1 where there is none.
    pub r_squared: f64,
}

/// Both fits of one curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForgettingFit {
    /// s e^(-rate a).
    pub exponential: Fit,
    /// s (1 + a)^(-rate).
    pub power: Fit,
}

/// The steepest exponential: a pair falls to e^-8 in one write.
const STEEPEST_EXPONENTIAL: f64 = 8.0;
/// The steepest power law.
const STEEPEST_POWER: f64 = 32.0;

/// Fits both courses to the mean strength at ages 0, 1, 2, ...; none for fewer than three ages.
pub fn fit_forgetting(strengths: &[f64]) -> Option<ForgettingFit> {
    (strengths.len() > 2 && strengths.iter().all(|strength| strength.is_finite())).then(|| ForgettingFit {
        exponential: fit(strengths, |age| age, STEEPEST_EXPONENTIAL),
        power: fit(strengths, |age| (1.0 + age).ln(), STEEPEST_POWER),
    })
}

impl ForgettingFit {
    /// Whether the exponential explains more than the power law, or as much.
    pub fn is_exponential(&self) -> bool {
        self.exponential.r_squared >= self.power.r_squared
    }

    /// The age at which half of the strength at age 0 is left, by the better fit; none where nothing is forgotten.
    pub fn half_life(&self) -> Option<f64> {
        let two = std::f64::consts::LN_2;
        if self.is_exponential() {
            (self.exponential.rate > 0.0).then(|| two / self.exponential.rate)
        } else {
            (self.power.rate > 0.0).then(|| (two / self.power.rate).exp_m1())
        }
    }

    /// The factor by which one more write changes the strength, by the exponential: what decay and overwriting keep.
    pub fn kept(&self) -> f64 {
        (-self.exponential.rate).exp()
    }
}

impl Fit {
    /// The exponential at an age.
    pub fn exponential_at(&self, age: f64) -> f64 {
        self.scale * (-self.rate * age).exp()
    }

    /// The power law at an age.
    pub fn power_at(&self, age: f64) -> f64 {
        self.scale * (1.0 + age).powf(-self.rate)
    }
}

/// Least squares of s exp(-rate clock(age)), the rate from 0 to `steepest`.
fn fit(strengths: &[f64], clock: impl Fn(f64) -> f64, steepest: f64) -> Fit {
    let clocks: Vec<f64> = (0..strengths.len()).map(|age| clock(age as f64)).collect();
    // For a given rate the best scale is a projection.
    let best = |rate: f64| {
        let (mut along, mut square) = (0.0, 0.0);
        for (clock, strength) in clocks.iter().zip(strengths) {
            let shape = (-rate * clock).exp();
            along += shape * strength;
            square += shape * shape;
        }
        let scale = along / square;
        let rows = clocks.iter().zip(strengths);
        let error: f64 = rows.map(|(clock, strength)| (strength - scale * (-rate * clock).exp()).powi(2)).sum();
        (scale, error)
    };
    // A ladder finds the right valley, and golden sections its floor. The ladder is finer near 0, where long lives are.
    const RUNGS: usize = 200;
    let rung = |index: usize| steepest * (index as f64 / RUNGS as f64).powi(3);
    let near = (0..=RUNGS).min_by(|a, b| best(rung(*a)).1.total_cmp(&best(rung(*b)).1)).unwrap_or(0);
    let (mut low, mut high) = (rung(near.saturating_sub(1)), rung((near + 1).min(RUNGS)));
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..100 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if best(left).1 <= best(right).1 {
            high = right;
        } else {
            low = left;
        }
    }
    // An end of the ladder may be the best there is.
    let candidates = [f64::midpoint(low, high), rung(near)];
    let rate = candidates.into_iter().min_by(|a, b| best(*a).1.total_cmp(&best(*b).1)).unwrap_or(0.0);
    let (scale, error) = best(rate);
    let mean = strengths.iter().sum::<f64>() / strengths.len() as f64;
    let spread: f64 = strengths.iter().map(|strength| (strength - mean).powi(2)).sum();
    Fit { scale, rate, r_squared: if spread > 0.0 { 1.0 - error / spread } else { 1.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(of: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..40).map(|age| of(f64::from(age))).collect()
    }

    proptest! {
        #[test]
        fn an_exponential_is_found_again(kept in 0.3f64..0.999, scale in 0.1f64..2.0) {
            let fit = fit_forgetting(&curve(|age| scale * kept.powf(age))).unwrap();
            prop_assert!((fit.kept() - kept).abs() < 1e-6, "{}", fit.kept());
            prop_assert!((fit.exponential.scale - scale).abs() < 1e-5);
            prop_assert!(fit.exponential.r_squared > 1.0 - 1e-9 && fit.is_exponential());
            prop_assert!((fit.half_life().unwrap() - 0.5f64.ln() / kept.ln()).abs() < 1e-2 / -kept.ln());
        }

        #[test]
        fn a_power_law_is_found_again(rate in 0.05f64..4.0, scale in 0.1f64..2.0) {
            let fit = fit_forgetting(&curve(|age| scale * (1.0 + age).powf(-rate))).unwrap();
            prop_assert!((fit.power.rate - rate).abs() < 1e-5, "{}", fit.power.rate);
            prop_assert!(!fit.is_exponential());
            let half = fit.half_life().unwrap();
            prop_assert!(((1.0 + half).powf(-rate) - 0.5).abs() < 1e-4);
        }
    }

    #[test]
    fn a_curve_that_stays_has_no_half_life() {
        let fit = fit_forgetting(&[0.8; 10]).unwrap();
        assert_eq!((fit.exponential.rate, fit.half_life()), (0.0, None));
        assert!((fit.exponential.scale - 0.8).abs() < 1e-12);
        assert_eq!(fit_forgetting(&[1.0, 0.5]), None);
        assert_eq!(fit_forgetting(&[1.0, f64::NAN, 0.5, 0.2]), None);
    }

    #[test]
    fn noise_is_averaged_and_not_followed() {
        // Alternating errors of 0.01 are at right angles to any smooth course.
        let noisy = curve(|age| 0.9f64.powf(age) + if (age as u32).is_multiple_of(2) { 0.01 } else { -0.01 });
        let fit = fit_forgetting(&noisy).unwrap();
        assert!((fit.kept() - 0.9).abs() < 0.005, "{}", fit.kept());
        assert!(fit.exponential.r_squared < 1.0 && fit.exponential.r_squared > 0.99);
    }
}
