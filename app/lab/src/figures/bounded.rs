//! A trained model under bounded caches: accuracy against bytes, bytes over time, and the tokens that are left.

use mnemoscope_figure::{Axis, Body, Chart, Figure, Heat, Map, Reference, Series, SeriesColor};

use super::heads::{head_name, positions};
use crate::opened::Bounded;

/// Accuracy against bytes: a line per policy over its budgets, and what the whole cache reaches.
pub fn cache_curve(policies: &[(String, Vec<Bounded>)], whole: Option<Bounded>, now: Option<Bounded>) -> Figure {
    let mut chart = Chart::new(Axis::new("cache").unit("kB"), Axis::accuracy());
    let point = |bounded: &Bounded| [bounded.bytes / 1000.0, bounded.accuracy];
    for (index, (name, points)) in policies.iter().enumerate() {
        let mut points: Vec<[f64; 2]> = points.iter().map(point).collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        chart.series.push(Series::new(name, SeriesColor::Task(index), points).markers());
    }
    if let Some(whole) = whole {
        chart.references.push(Reference::new(whole.accuracy, "whole cache"));
    }
    if let Some(now) = now {
        chart.series.push(Series::new("now", SeriesColor::Accent, vec![point(&now)]).markers());
    }
    chart.legend = true;
    Figure::new("cache-curve", "Accuracy against bytes", Body::Chart(chart))
        .caption("right last answers; most bytes that the layers hold, mean over sequences")
}

/// Bytes that all layers hold after each token, beside those of the whole cache.
pub fn cache_bytes(held: &[u32], whole: &[u32]) -> Figure {
    let mut chart = Chart::new(Axis::new("token"), Axis::new("held").unit("bytes"));
    let line = |bytes: &[u32]| bytes.iter().zip(1..).map(|(bytes, t)| [f64::from(t), f64::from(*bytes)]).collect();
    chart.series.push(Series::new("whole cache", SeriesColor::Dim, line(whole)));
    chart.series.push(Series::new("this policy", SeriesColor::Accent, line(held)));
    chart.legend = true;
    Figure::new("cache-bytes", "Bytes held", Body::Chart(chart)).caption("keys, values, and what the policy remembers")
}

/// Which tokens (columns) a head still holds after each token (row): 1 held, 0 dropped, empty ahead. `until` is the step at
/// whose end each was dropped, or at least as many as there are tokens.
pub fn kept_tokens(head: (usize, usize), until: &[u32], tokens: &[String]) -> Figure {
    let steps = tokens.len();
    let held = |t: usize, i: usize| match until.get(i) {
        Some(until) if i <= t => f32::from(u8::from(*until as usize > t)),
        _ => f32::NAN,
    };
    let cells: Vec<f32> = (0..steps * steps).map(|cell| held(cell / steps, cell % steps)).collect();
    let names = positions(tokens);
    let heat = Heat::new(steps, steps, cells).titles("after", "token").labels(names.clone(), names);
    let left = until.iter().filter(|until| **until as usize >= steps).count();
    Figure::new("cache-tokens", "Tokens held", Body::Heat(heat.map(Map::Sequential, Some((0.0, 1.0))).unit("held")))
        .caption(format!("{}; {left} of {steps} are left at the end", head_name(head)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_token_is_held_until_its_step() {
        let tokens = ["a", "b", "c"].map(str::to_owned);
        // "a" is dropped at the end of step 1, the second.
        let figure = kept_tokens((0, 0), &[1, 3, 3], &tokens);
        assert!(figure.caption.ends_with("2 of 3 are left at the end"));
        let Body::Heat(heat) = figure.body else { panic!("not a heat map") };
        let column: Vec<Option<f64>> = (0..3).map(|t| heat.value(t, 0)).collect();
        assert_eq!(column, [Some(1.0), Some(0.0), Some(0.0)]);
        assert_eq!((heat.value(0, 1), heat.value(2, 1)), (None, Some(1.0)));
    }

    #[test]
    fn the_curve_goes_by_bytes_and_the_whole_cache_is_a_reference() {
        let at = |bytes: f64, accuracy: f64| Bounded { accuracy, bytes };
        let curves = [("Window".to_owned(), vec![at(4000.0, 0.9), at(1000.0, 0.4)])];
        let Body::Chart(chart) = cache_curve(&curves, Some(at(8000.0, 0.95)), Some(at(2000.0, 0.6))).body else {
            panic!("not a chart")
        };
        assert_eq!(chart.series[0].points, [[1.0, 0.4], [4.0, 0.9]]);
        assert_eq!(chart.references[0].y, 0.95);
        assert_eq!(chart.series[1].points, [[2.0, 0.6]]);
    }
}
