//! Shares of other groups that a block mixes in, and how they change over the block.

use serde::{Deserialize, Serialize};

/// How a share goes from its first to its last value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Curve {
    /// At a constant pace.
    #[default]
    Linear,
    /// Slowly, fast in the middle, slowly: a logistic curve, cut at 6 standard widths and stretched to meet its ends.
    Sigmoid,
}

/// Slope of the logistic curve: its argument runs from -6 to 6.
const STEEPNESS: f64 = 12.0;

impl Curve {
    /// The way done at `u` of the block, both from 0 to 1.
    pub fn at(self, u: f64) -> f64 {
        match self {
            Self::Linear => u,
            Self::Sigmoid => (logistic(u) - logistic(0.0)) / (logistic(1.0) - logistic(0.0)),
        }
    }

    /// The integral of [`Curve::at`] from 0 to `u`.
    fn integral(self, u: f64) -> f64 {
        match self {
            Self::Linear => u * u / 2.0,
            Self::Sigmoid => {
                let area = (softplus(u) - softplus(0.0)) / STEEPNESS;
                (area - u * logistic(0.0)) / (logistic(1.0) - logistic(0.0))
            }
        }
    }
}

fn logistic(u: f64) -> f64 {
    1.0 / (1.0 + (-STEEPNESS * (u - 0.5)).exp())
}

/// The logistic curve's antiderivative, times the steepness.
fn softplus(u: f64) -> f64 {
    (STEEPNESS * (u - 0.5)).exp().ln_1p()
}

/// How many different samples of a group are mixed in.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum Pool {
    /// All of its training samples.
    #[default]
    All,
    /// That many, drawn once by the stream's seed.
    Samples(u64),
    /// That many for each training sample of the block's own group, drawn once by the stream's seed.
    PerOwn(f64),
}

impl Pool {
    /// The pool's size, of `group` training samples, in a block whose own group has `own`; at least 1.
    pub(crate) fn size(self, group: usize, own: usize) -> usize {
        let wanted = match self {
            Self::All => group,
            Self::Samples(samples) => usize::try_from(samples).unwrap_or(usize::MAX),
            Self::PerOwn(each) => (each * own as f64).round() as usize,
        };
        wanted.clamp(1, group.max(1))
    }

    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// Another group's share of a block's samples, written `(group: 1, from: 0.0, to: 0.5)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The group that is mixed in, counted from 0.
    pub group: usize,
    /// Its share at the block's begin, 0 to 1.
    pub from: f64,
    /// Its share at the block's end, 0 to 1.
    pub to: f64,
    /// The way from one to the other.
    #[serde(default, skip_serializing_if = "is_linear")]
    pub curve: Curve,
    /// How many of its training samples take part.
    #[serde(default, skip_serializing_if = "Pool::is_all")]
    pub pool: Pool,
}

fn is_linear(curve: &Curve) -> bool {
    *curve == Curve::Linear
}

impl Share {
    /// The same share over the whole block.
    pub fn even(group: usize, share: f64) -> Self {
        Self { group, from: share, to: share, curve: Curve::Linear, pool: Pool::All }
    }

    /// The share at `u` of the block, 0 to 1.
    pub fn at(&self, u: f64) -> f64 {
        self.from + (self.to - self.from) * self.curve.at(u)
    }

    /// The integral of [`Share::at`] from 0 to `u`; beyond the block's end the share stays as it was there.
    pub(crate) fn integral(&self, u: f64) -> f64 {
        let inside = u.min(1.0);
        self.from * inside + (self.to - self.from) * self.curve.integral(inside) + self.to * (u - inside)
    }

    /// The mean share over the block.
    pub fn mean(&self) -> f64 {
        self.integral(1.0)
    }
}

/// Points at which the sum of shares of different curves is checked.
const CHECKED: u32 = 256;

/// What is wrong with the shares of a block of group `own` among `groups`, and how to put it right.
pub(crate) fn problem(own: usize, with: &[Share], groups: usize) -> Option<String> {
    for (at, share) in with.iter().enumerate() {
        let group = share.group;
        if group >= groups {
            return Some(format!(
                "mixes in group {group}, but there are {groups} groups, counted from 0; change the share or raise tasks"
            ));
        }
        if group == own {
            return Some(format!("mixes in its own group {group}; leave it out, the rest is its own"));
        }
        if with[..at].iter().any(|other| other.group == group) {
            return Some(format!("mixes in group {group} twice; give it one share"));
        }
        if [share.from, share.to].iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Some(format!(
                "from {} to {} is no share of group {group}; keep both in 0 to 1",
                share.from, share.to
            ));
        }
        if let Pool::PerOwn(each) = share.pool
            && !(each.is_finite() && each > 0.0)
        {
            return Some(format!("PerOwn({each}) is no pool of group {group}; give a number above 0, or All"));
        }
        if share.pool == Pool::Samples(0) {
            return Some(format!("an empty pool of group {group} cannot be mixed in; give Samples(1) or more, or All"));
        }
    }
    let sum = |u: f64| with.iter().map(|share| share.at(u)).sum::<f64>();
    let most = (0..=CHECKED).map(|i| sum(f64::from(i) / f64::from(CHECKED))).fold(0.0, f64::max);
    (most > 1.0 + 1e-9).then(|| {
        let percent = (most * 1000.0).round() / 10.0;
        format!("the shares of other groups reach {percent} % in sum; lower them to 100 % at most")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ramp(from: f64, to: f64, curve: Curve) -> Share {
        Share { from, to, curve, ..Share::even(1, 0.0) }
    }

    proptest! {
        #[test]
        fn integrals_are_those_of_the_curve(from in 0.0..1.0, to in 0.0..1.0, u in 0.0..1.0, sigmoid: bool) {
            let share = ramp(from, to, if sigmoid { Curve::Sigmoid } else { Curve::Linear });
            // Simpson's rule over 400 pieces.
            let n = 400;
            let weight = |i| match i { 0 => 1.0, i if i == n => 1.0, i if i % 2 == 1 => 4.0, _ => 2.0 };
            let sum: f64 = (0..=n).map(|i| weight(i) * share.at(u * f64::from(i) / f64::from(n))).sum();
            prop_assert!((share.integral(u) - sum * u / f64::from(n) / 3.0).abs() < 1e-8);
        }
    }

    #[test]
    fn curves_meet_their_ends_and_are_even_about_the_middle() {
        for curve in [Curve::Linear, Curve::Sigmoid] {
            let share = ramp(0.2, 0.8, curve);
            assert_eq!((share.at(0.0), share.at(1.0)), (0.2, 0.8));
            assert!((share.at(0.5) - 0.5).abs() < 1e-12 && (share.mean() - 0.5).abs() < 1e-12);
            assert!((share.integral(1.5) - 0.9).abs() < 1e-12, "after the end the last share goes on");
        }
        assert!(ramp(0.0, 1.0, Curve::Sigmoid).at(0.25) < 0.1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_fix() {
        let wrong = |with: &[Share]| problem(0, with, 3).unwrap();
        assert_eq!(problem(0, &[Share::even(1, 0.5), ramp(0.5, 0.0, Curve::Sigmoid)][..1], 3), None);
        assert!(wrong(&[Share::even(3, 0.5)]).contains("there are 3 groups"));
        assert!(wrong(&[Share::even(0, 0.5)]).contains("its own group"));
        assert!(wrong(&[Share::even(1, 0.1), Share::even(1, 0.1)]).contains("twice"));
        assert!(wrong(&[Share::even(1, 1.5)]).contains("is no share"));
        assert!(wrong(&[Share { pool: Pool::Samples(0), ..Share::even(1, 0.1) }]).contains("empty pool"));
        assert!(wrong(&[Share { pool: Pool::PerOwn(0.0), ..Share::even(1, 0.1) }]).contains("above 0"));
        assert_eq!(
            wrong(&[Share::even(1, 0.7), Share::even(2, 0.6)]),
            "the shares of other groups reach 130 % in sum; lower them to 100 % at most"
        );
        // One falls while the other rises: their sum is largest at neither end.
        let crossing = [ramp(1.0, 0.0, Curve::Sigmoid), Share { group: 2, ..ramp(0.0, 1.0, Curve::Linear) }];
        assert!(problem(0, &crossing, 3).is_some());
        assert_eq!(problem(0, &[crossing[0]], 3), None);
    }

    #[test]
    fn pools_are_at_least_one_sample_and_at_most_all() {
        assert_eq!(Pool::All.size(50, 9), 50);
        assert_eq!(Pool::Samples(20).size(50, 9), 20);
        assert_eq!(Pool::Samples(90).size(50, 9), 50);
        assert_eq!(Pool::PerOwn(1.5).size(50, 9), 14);
        assert_eq!(Pool::PerOwn(0.01).size(50, 9), 1);
    }
}
