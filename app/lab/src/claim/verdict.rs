//! The verdict on a claim: where the 95 % interval of its effect lies against the margin.

use std::fmt;

use mnemoscope_measure::{Estimate, estimate};

use crate::claim::{Claim, Test, Value};

/// What a check says of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval lies beyond the margin.
    Holds,
    /// The whole interval lies on the other side of it.
    DoesNotHold,
    /// Neither, or something is missing: the text says what.
    NotClear(String),
}

impl Verdict {
    /// In a word or two, without the reason.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotClear(_) => "not clear",
        }
    }
}

/// "holds", or "not clear (2 of 5 seeds are missing: the replica diverged)".
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotClear(reason) => write!(f, "not clear ({reason})"),
            _ => f.write_str(self.word()),
        }
    }
}

/// What was found of one claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What a check says.
    pub verdict: Verdict,
    /// The effect with its interval over seeds; none where no seed has a value.
    pub effect: Option<Estimate>,
    /// Every arm that the claim names, with its own mean, in order.
    pub arms: Vec<(String, Option<Estimate>)>,
    /// Spearman's rank correlation of the arms' means with their places in the ladder, for a ladder of three or more.
    pub rank: Option<f64>,
}

impl Finding {
    /// "+0.214 ± 0.031", with its sign where it is a difference; "none" where no seed has a value.
    pub fn effect_text(&self, claim: &Claim) -> String {
        let level = matches!(claim.test, Test::Above { .. } | Test::Below { .. } | Test::Within { .. });
        self.effect.map_or_else(|| "none".to_owned(), |effect| amount(&effect, !level))
    }

    /// "10", or "9 of 10".
    pub fn seeds_text(&self) -> String {
        match self.effect {
            Some(effect) if effect.count == effect.of => effect.count.to_string(),
            Some(effect) => format!("{} of {}", effect.count, effect.of),
            None => "0".to_owned(),
        }
    }
}

/// An arm's own mean with its interval, as a line of a check shows it; "none" where no seed has a value.
pub fn own_text(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(|| "none".to_owned(), |estimate| amount(&estimate, false))
}

/// A mean with its interval: three digits behind the point, none where it counts in thousands.
fn amount(estimate: &Estimate, signed: bool) -> String {
    let digits = if estimate.mean.abs() >= 1000.0 { 0 } else { 3 };
    let sign = if signed && estimate.mean >= 0.0 { "+" } else { "" };
    let half = estimate.half_width.map_or_else(String::new, |half| format!(" ± {half:.digits$}"));
    format!("{sign}{:.digits$}{half}", estimate.mean)
}

/// Judges a claim on the values of the arms that it names, in the order of [`Test::arms`].
///
/// The interval is the 95 % t-interval of the effect over seeds; two arms are compared seed by seed. A `quick` check
/// decides nothing. A seed without a value, as where a replica diverged, is never dropped in silence.
pub fn judge(claim: &Claim, arms: &[&[Value]], quick: bool) -> Finding {
    let own = |values: &&[Value]| estimate(&finite(values), values.len());
    let names = claim.test.arms().into_iter().map(str::to_owned);
    let each: Vec<(String, Option<Estimate>)> = names.zip(arms.iter().map(own)).collect();
    let rank = match &claim.test {
        Test::Rises(_) | Test::Falls(_) if arms.len() > 2 => {
            let means: Option<Vec<f64>> = each.iter().map(|(_, own)| own.map(|own| own.mean)).collect();
            means.and_then(|means| spearman(&means))
        }
        _ => None,
    };
    let differences = match (&claim.test, arms) {
        (Test::Higher { .. } | Test::Equal { .. }, [arm, other]) => paired(arm, other),
        (Test::Rises(_) | Test::Falls(_), [first, .., last]) => paired(last, first),
        (_, [arm, ..]) => arm.to_vec(),
        (_, []) => Vec::new(),
    };
    let effect = estimate(&finite(&differences), differences.len());
    let missing: Vec<&String> = differences.iter().filter_map(|pair| pair.value.as_ref().err()).collect();
    let verdict = if let Some(reason) = missing.first() {
        Verdict::NotClear(format!("{} of {} seeds are missing: {reason}", missing.len(), differences.len()))
    } else if quick {
        Verdict::NotClear("quick".to_owned())
    } else {
        match effect {
            None => Verdict::NotClear("there is no seed".to_owned()),
            Some(Estimate { half_width: None, .. }) => Verdict::NotClear("one seed has no interval".to_owned()),
            Some(Estimate { mean, half_width: Some(half), .. }) => place(claim, mean - half, mean + half),
        }
    };
    Finding { verdict, effect, arms: each, rank }
}

/// Where the interval from `low` to `high` lies.
fn place(claim: &Claim, low: f64, high: f64) -> Verdict {
    let margin = claim.margin;
    let (holds, fails) = match claim.test {
        Test::Higher { .. } | Test::Rises(_) => (low > margin, high < margin),
        Test::Falls(_) => (high < -margin, low > -margin),
        Test::Above { value, .. } => (low > value + margin, high < value + margin),
        Test::Below { value, .. } => (high < value - margin, low > value - margin),
        Test::Equal { .. } => (low > -margin && high < margin, low > margin || high < -margin),
        Test::Within { low: from, high: to, .. } => (low > from && high < to, low > to || high < from),
    };
    match (holds, fails) {
        (true, _) => Verdict::Holds,
        (_, true) => Verdict::DoesNotHold,
        _ => Verdict::NotClear("the interval meets the margin".to_owned()),
    }
}

fn finite(values: &[Value]) -> Vec<f64> {
    values.iter().filter_map(|value| value.value.as_ref().ok().copied()).collect()
}

/// `a − b` for every seed of either, in the order of `a`; a seed that only one of them has is missing.
fn paired(a: &[Value], b: &[Value]) -> Vec<Value> {
    let alone = |seed: u64| Value { seed, value: Err("only one of the two arms has this seed".to_owned()) };
    let of = |values: &[Value], seed: u64| values.iter().find(|value| value.seed == seed).cloned();
    let both = a.iter().map(|x| match of(b, x.seed) {
        Some(y) => {
            let difference = x.value.clone().and_then(|x| y.value.map(|y| x - y));
            Value { seed: x.seed, value: difference }
        }
        None => alone(x.seed),
    });
    both.chain(b.iter().filter(|y| of(a, y.seed).is_none()).map(|y| alone(y.seed))).collect()
}

/// Rank correlation (Spearman 1904) of the values with their places: Pearson's coefficient of the ranks, equal values
/// sharing the mean of theirs. None where all are equal.
fn spearman(values: &[f64]) -> Option<f64> {
    let ranks: Vec<f64> = values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count() as f64;
            let equal = values.iter().filter(|other| *other == value).count() as f64;
            below + (equal - 1.0) / 2.0
        })
        .collect();
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let (mut product, mut places, mut spread) = (0.0, 0.0, 0.0);
    for (place, rank) in ranks.iter().enumerate() {
        let (x, y) = (place as f64 - middle, rank - middle);
        product += x * y;
        places += x * x;
        spread += y * y;
    }
    (spread > 0.0).then(|| product / (places * spread).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(test: Test, margin: f64) -> Claim {
        let text = String::new;
        Claim { says: text(), source: text(), measure: "acc".to_owned(), test, margin, because: text() }
    }

    fn values(of: &[f64]) -> Vec<Value> {
        of.iter().enumerate().map(|(seed, value)| Value { seed: seed as u64, value: Ok(*value) }).collect()
    }

    fn higher() -> Test {
        Test::Higher { arm: "a".to_owned(), than: "b".to_owned() }
    }

    fn verdict(test: Test, margin: f64, arms: &[&[f64]]) -> Verdict {
        let arms: Vec<Vec<Value>> = arms.iter().map(|arm| values(arm)).collect();
        let arms: Vec<&[Value]> = arms.iter().map(Vec::as_slice).collect();
        judge(&claim(test, margin), &arms, false).verdict
    }

    /// Differences 1, 2, 3: mean 2, s = 1, t(2) = 4.302653, half the width 4.302653 / √3 = 2.484138. The interval is
    /// -0.484138 to 4.484138.
    #[test]
    fn the_interval_of_the_paired_difference_is_laid_against_the_margin() {
        let arms: [&[f64]; 2] = [&[11.0, 22.0, 33.0], &[10.0, 20.0, 30.0]];
        let unclear = |verdict| matches!(verdict, Verdict::NotClear(_));
        assert_eq!(verdict(higher(), -0.4842, &arms), Verdict::Holds);
        assert!(unclear(verdict(higher(), -0.4841, &arms)));
        assert!(unclear(verdict(higher(), 4.4841, &arms)));
        assert_eq!(verdict(higher(), 4.4842, &arms), Verdict::DoesNotHold);
        let equal = || Test::Equal { arm: "a".to_owned(), to: "b".to_owned() };
        assert_eq!(verdict(equal(), 4.4842, &arms), Verdict::Holds);
        assert!(unclear(verdict(equal(), 4.4841, &arms)));
        assert_eq!(verdict(equal(), 1.0, &[&[5.0, 6.0, 7.0], &[0.0, 1.0, 2.0]]), Verdict::DoesNotHold);
        let ladder = || vec!["b".to_owned(), "x".to_owned(), "a".to_owned()];
        let arms: [&[f64]; 3] = [arms[1], &[0.0, 0.0, 0.0], arms[0]];
        assert_eq!(verdict(Test::Rises(ladder()), -0.4842, &arms), Verdict::Holds);
        assert_eq!(verdict(Test::Falls(ladder()), 0.4842, &arms), Verdict::DoesNotHold);
        let falling: [&[f64]; 3] = [arms[2], arms[1], arms[0]];
        assert_eq!(verdict(Test::Falls(ladder()), -0.4842, &falling), Verdict::Holds);
    }

    #[test]
    fn a_level_is_laid_against_its_bounds() {
        let arm: &[f64] = &[1.0, 2.0, 3.0];
        let above = |value| Test::Above { arm: "a".to_owned(), value };
        let below = |value| Test::Below { arm: "a".to_owned(), value };
        let within = |low, high| Test::Within { arm: "a".to_owned(), low, high };
        assert_eq!(verdict(above(-1.0), 0.5, &[arm]), Verdict::Holds);
        assert_eq!(verdict(above(4.0), 0.5, &[arm]), Verdict::DoesNotHold);
        assert_eq!(verdict(below(5.0), 0.5, &[arm]), Verdict::Holds);
        assert_eq!(verdict(below(0.0), 0.5, &[arm]), Verdict::DoesNotHold);
        assert_eq!(verdict(within(-0.5, 4.5), 0.0, &[arm]), Verdict::Holds);
        assert_eq!(verdict(within(5.0, 6.0), 0.0, &[arm]), Verdict::DoesNotHold);
        assert!(matches!(verdict(within(0.0, 4.5), 0.0, &[arm]), Verdict::NotClear(_)));
    }

    #[test]
    fn arms_are_paired_by_seed_and_not_by_place() {
        let a = [(7, 2.0), (8, 5.0)].map(|(seed, value)| Value { seed, value: Ok(value) });
        let b = [(8, 4.0), (7, 1.0)].map(|(seed, value)| Value { seed, value: Ok(value) });
        let found = judge(&claim(higher(), 0.5), &[&a, &b], false);
        assert_eq!(found.verdict, Verdict::Holds, "both differences are 1");
        assert_eq!(found.effect.unwrap().half_width, Some(0.0));
        let found = judge(&claim(higher(), 0.5), &[&a, &b[..1]], false);
        assert_eq!(
            found.verdict.to_string(),
            "not clear (1 of 2 seeds are missing: only one of the two arms has this seed)"
        );
    }

    #[test]
    fn a_diverged_replica_is_counted_and_nothing_is_decided() {
        let mut a = values(&[10.0, 10.0, 10.1, 10.0]);
        a[2].value = Err("the replica diverged".to_owned());
        let b = values(&[0.0, 0.0, 0.1, 0.0]);
        let found = judge(&claim(higher(), 0.5), &[&a, &b], false);
        assert_eq!(found.verdict.to_string(), "not clear (1 of 4 seeds are missing: the replica diverged)");
        assert_eq!((found.effect.unwrap().count, found.effect.unwrap().of), (3, 4));
    }

    #[test]
    fn one_seed_and_a_quick_check_decide_nothing() {
        let found = judge(&claim(higher(), 0.0), &[&values(&[1.0]), &values(&[0.0])], false);
        assert_eq!(found.verdict.to_string(), "not clear (one seed has no interval)");
        let (a, b) = (values(&[1.0, 1.0]), values(&[0.0, 0.0]));
        assert_eq!(judge(&claim(higher(), 0.0), &[&a, &b], true).verdict.to_string(), "not clear (quick)");
    }

    #[test]
    fn rank_correlation_is_one_along_the_ladder_and_less_off_it() {
        assert_eq!(spearman(&[0.1, 0.5, 0.6, 9.0]), Some(1.0));
        assert_eq!(spearman(&[3.0, 2.0, 1.0]), Some(-1.0));
        // Ranks 0, 2, 1: 1 - 6 · 2 / (3 · 8) = 0.5.
        assert!((spearman(&[0.0, 2.0, 1.0]).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0, 1.0]), None);
    }
}
