//! Capacity: how many pairs a memory holds, against the size of its keys.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Series, SeriesColor};
use mnemoscope_measure::t_quantile_975;
use mnemoscope_memory::{HELD, HeldPoint};

/// The largest number of pairs of which 95 % are decoded, over d_k: the mean over `draws` draws with its 95 % t-interval
/// for each named memory, and N = d_k for comparison.
pub fn capacity_curve(curves: &[(&str, Vec<HeldPoint>)], draws: usize) -> Figure {
    let mut chart = Chart::new(Axis::new("key size d_k"), Axis::new("pairs held"));
    let sizes: Vec<f64> = curves.iter().flat_map(|(_, points)| points.iter().map(|point| point.d_k as f64)).collect();
    let ends = [sizes.iter().copied().fold(f64::INFINITY, f64::min), sizes.iter().copied().fold(0.0, f64::max)];
    if !sizes.is_empty() {
        let equal = ends.map(|end| [end, end]).to_vec();
        chart.series.push(Series::new("N = d_k", SeriesColor::Text, equal).style(LineKind::Dashed));
    }
    for (index, (name, points)) in curves.iter().enumerate() {
        let means = points.iter().map(|point| [point.d_k as f64, point.mean]).collect();
        let series = Series::new(*name, SeriesColor::Task(index), means).markers();
        let half = |sd: f64| t_quantile_975(draws - 1) * sd / (draws as f64).sqrt();
        chart.series.push(if draws > 1 {
            series.band(points.iter().map(|p| [p.mean - half(p.sd), p.mean + half(p.sd)]).collect())
        } else {
            series
        });
    }
    chart.legend = true;
    let caption = format!("largest N with {:.0} % decoded, mean and 95 % interval over {draws} draws", HELD * 100.0);
    Figure::new("capacity", "Capacity", Body::Chart(chart)).caption(caption)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_memory_has_a_line_beside_the_diagonal() {
        let points = |factor: f64| [8, 32].map(|d_k| HeldPoint { d_k, mean: factor * d_k as f64, sd: 2.0 }).to_vec();
        let Body::Chart(chart) = capacity_curve(&[("Hebb", points(0.1)), ("delta", points(0.5))], 4).body else {
            panic!("not a chart")
        };
        assert_eq!(chart.series[0].points, [[8.0, 8.0], [32.0, 32.0]]);
        assert_eq!((chart.series[2].name.as_str(), chart.series[2].points[1]), ("delta", [32.0, 16.0]));
        // t(3) * 2 / sqrt(4) = 3.182446.
        assert!((chart.series[1].band.as_ref().unwrap()[0][1] - 0.8 - 3.182_446).abs() < 1e-5);
    }
}
