//! Recall against age: what is left of a pair after others were written.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Series, SeriesColor};
use mnemoscope_measure::t_quantile_975;
use mnemoscope_memory::AgeCurve;

/// A half-life is told up to this many times the oldest age.
const BEYOND: f64 = 20.0;

/// Strength over age: the mean over `draws` draws with its 95 % t-interval, the exponential and the power law that were
/// fitted to it, and the expected course where it is known.
pub fn forgetting_curve(curve: &AgeCurve, draws: usize) -> Figure {
    let (id, title) = ("forgetting", "Recall against age");
    let Some(fit) = curve.fit else {
        return Figure::empty(id, title, "Recall against age needs three pairs or more.");
    };
    let over_ages = |of: &dyn Fn(f64) -> f64| -> Vec<[f64; 2]> {
        (0..curve.strengths.len()).map(|age| [age as f64, of(age as f64)]).collect()
    };
    let measured = curve.strengths.iter().enumerate().map(|(age, strength)| [age as f64, *strength]).collect();
    let mut own = Series::new("recalled", SeriesColor::Accent, measured).markers();
    if draws > 1 {
        let half = |sd: f64| t_quantile_975(draws - 1) * sd / (draws as f64).sqrt();
        let ends = curve.strengths.iter().zip(&curve.sds);
        own = own.band(ends.map(|(mean, sd)| [mean - half(*sd), mean + half(*sd)]).collect());
    }
    // A power law may begin far above; so much of it is shown as does not press the rest down.
    let highest = curve.strengths.iter().copied().fold(1.0, f64::max).max(fit.power.scale.min(1.3));
    let lowest = curve.strengths.iter().copied().fold(0.0, f64::min);
    let mut chart = Chart::new(
        Axis::new("age").unit("writes since"),
        Axis::new("part of the value recalled").range(lowest * 1.05, highest * 1.05),
    );
    chart.series.push(own);
    let exponential = over_ages(&|age| fit.exponential.exponential_at(age));
    let power = over_ages(&|age| fit.power.power_at(age));
    chart.series.push(Series::new("exponential", SeriesColor::Task(2), exponential));
    chart.series.push(Series::new("power law", SeriesColor::Task(1), power));
    if !curve.known.is_empty() {
        let known = curve.known.iter().enumerate().map(|(age, strength)| [age as f64, *strength]).collect();
        chart.series.push(Series::new("expected", SeriesColor::Text, known).style(LineKind::Dashed));
    }
    chart.legend = true;
    let best = if fit.is_exponential() { "exponential" } else { "power law" };
    let r_squared = fit.exponential.r_squared.max(fit.power.r_squared);
    // A half-life far beyond what was measured is noise about a curve that stays.
    let seen = BEYOND * curve.strengths.len() as f64;
    let half = fit.half_life().filter(|half| *half <= seen).map_or_else(
        || "nothing is forgotten".to_owned(),
        |half| format!("half-life {half:.1} writes ({best}, R² = {r_squared:.3})"),
    );
    let caption = format!("{half} · each write keeps {:.3}", fit.kept());
    Figure::new(id, title, Body::Chart(chart)).caption(caption)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_memory::fit_forgetting;

    fn curve(strengths: Vec<f64>, known: Vec<f64>) -> AgeCurve {
        AgeCurve { sds: vec![0.1; strengths.len()], fit: fit_forgetting(&strengths), strengths, known }
    }

    #[test]
    fn a_half_life_that_nobody_saw_is_not_told() {
        let strengths: Vec<f64> = (0..10).map(|age| 1.0 - 1e-9 * f64::from(age)).collect();
        let figure = forgetting_curve(&curve(strengths.clone(), strengths), 4);
        assert!(figure.caption.starts_with("nothing is forgotten"), "{}", figure.caption);
    }

    #[test]
    fn measured_fitted_and_expected_courses_stand_together() {
        let strengths: Vec<f64> = (0..10).map(|age| 0.5f64.powi(age)).collect();
        let figure = forgetting_curve(&curve(strengths.clone(), strengths), 4);
        assert!(figure.caption.contains("half-life 1.0 writes (exponential"), "{}", figure.caption);
        let Body::Chart(chart) = figure.body else { panic!("not a chart") };
        assert_eq!(chart.series.len(), 4);
        assert!((chart.series[1].points[3][1] - 0.125).abs() < 1e-6, "the fit is the curve");
        // t(3) * 0.1 / sqrt(4) = 3.182446 * 0.05.
        assert!((chart.series[0].band.as_ref().unwrap()[0][1] - 1.159_122).abs() < 1e-5);
    }

    #[test]
    fn few_pairs_have_no_curve() {
        let Body::Empty { .. } = forgetting_curve(&curve(vec![1.0, 0.5], Vec::new()), 1).body else {
            panic!("not empty")
        };
    }
}
