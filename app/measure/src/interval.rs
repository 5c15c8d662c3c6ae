//! Mean and 95 % interval over seeds.

use std::f64::consts::FRAC_PI_2;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Measured, Undefined};

/// A mean over seeds with its 95 % t-interval, and how many replicas it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean of the finite values.
    pub mean: f64,
    /// Half the width of the 95 % t-interval; none for a single seed.
    pub half_width: Option<f64>,
    /// Replicas with a finite value.
    pub count: usize,
    /// Replicas there are, so that a frozen one shows as "4 of 5".
    pub of: usize,
}

/// `0.812 ± 0.013`, and ` (4 of 5)` behind it where a replica is missing. A precision (`{:.2}`) sets the digits.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        write!(f, "{:.digits$}", self.mean)?;
        if let Some(half_width) = self.half_width {
            write!(f, " ± {half_width:.digits$}")?;
        }
        if self.count < self.of {
            write!(f, " ({} of {})", self.count, self.of)?;
        }
        Ok(())
    }
}

/// Mean and 95 % t-interval of the finite values among `values`, out of `of` replicas; none where no value is finite.
///
/// The interval is `t(n-1) * s / sqrt(n)` with the sample standard deviation s (Student 1908). Values of a diverged
/// replica are passed as NaN, or left out and counted in `of`.
///
/// ```
/// let estimate = mnemoscope_measure::estimate(&[0.80, 0.82, 0.84, f64::NAN], 4).unwrap();
/// assert_eq!(estimate.to_string(), "0.820 ± 0.050 (3 of 4)");
/// ```
pub fn estimate(values: &[f64], of: usize) -> Option<Estimate> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = finite.len();
    if count == 0 {
        return None;
    }
    let mean = finite.iter().sum::<f64>() / count as f64;
    let half_width = (count > 1).then(|| {
        let variance = finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
        t_quantile_975(count - 1) * (variance / count as f64).sqrt()
    });
    Some(Estimate { mean, half_width, count, of: of.max(count) })
}

/// Mean and 95 % t-interval of one metric over replicas, one entry each.
///
/// # Errors
/// Where no replica has a value: the first replica's reason.
pub fn estimate_measured(replicas: &[Measured]) -> Result<Estimate, Undefined> {
    let values: Vec<f64> = replicas.iter().filter_map(|measured| measured.as_ref().ok().copied()).collect();
    estimate(&values, replicas.len()).ok_or_else(|| {
        match replicas.iter().find_map(|measured| measured.as_ref().err()) {
            Some(reason) => reason.clone(),
            None if replicas.is_empty() => Undefined("there is no replica".to_owned()),
            None => Undefined("no replica has a finite value".to_owned()),
        }
    })
}

/// Mean and 95 % t-interval of `a[i] - b[i]`, two settings compared seed by seed; entry `i` of both is the same seed.
///
/// Pairs with a value that is not finite are counted as missing, and so are seeds that only one of the two has. None
/// where no pair is finite.
pub fn paired_difference(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    estimate(&differences, a.len().max(b.len()))
}

/// The 0.975 quantile of Student's t with this many degrees of freedom, to about 1e-9; infinite for none.
///
/// Up to 200 degrees the finite trigonometric series for whole degrees (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)
/// is solved by bisection; beyond, the expansion about the normal quantile (26.7.5) leaves less than 1e-9.
pub fn t_quantile_975(degrees: usize) -> f64 {
    if degrees == 0 {
        return f64::INFINITY;
    }
    TABLE.get(degrees - 1).copied().unwrap_or_else(|| normal_expansion(degrees as f64))
}

/// The quantiles of 1 to 200 degrees, each found by bisection: a record asks for one at every drawn point.
static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| (1..=200).map(bisect).collect());

/// The quantile from [`within`].
fn bisect(degrees: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if within(middle, degrees) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (degrees as f64).sqrt() * low.tan()
}

/// P(|t| <= sqrt(degrees) tan(angle)): series 26.7.3 for odd and 26.7.4 for even degrees.
fn within(angle: f64, degrees: usize) -> f64 {
    let (sin, cos) = angle.sin_cos();
    let odd = degrees % 2 == 1;
    let (mut term, mut sum) = if odd { (cos, 0.0) } else { (1.0, 0.0) };
    let mut power = usize::from(odd);
    while power + 2 <= degrees {
        sum += term;
        term *= cos * cos * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd { (angle + sin * sum) / FRAC_PI_2 } else { sin * sum }
}

/// 26.7.5 about the normal quantile z of 0.975.
fn normal_expansion(n: f64) -> f64 {
    let z = 1.959_963_984_540_054_f64;
    let odd = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * z * z + c) * z;
    z + odd(&[1.0, 1.0]) / (4.0 * n)
        + odd(&[3.0, 16.0, 5.0]) / (96.0 * n.powi(2))
        + odd(&[-15.0, 17.0, 19.0, 3.0]) / (384.0 * n.powi(3))
        + odd(&[-945.0, -1920.0, 1482.0, 776.0, 79.0]) / (92_160.0 * n.powi(4))
}
