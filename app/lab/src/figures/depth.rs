//! Recall through memories one after another, and averaged over heads.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Series, SeriesColor};
use mnemoscope_measure::t_quantile_975;

/// Error after each layer, from 1: the mean over draws, `curves` being `[draws][layers]`, with its 95 % t-interval, and what
/// Hebb's rule is known to give, `[layers]`.
pub fn depth_curve(name: &str, curves: &[Vec<f64>], known_hebb: &[f64]) -> Figure {
    let draws = curves.len();
    let layers = curves.first().map_or(0, Vec::len);
    let mut chart = Chart::new(Axis::new("layer").whole(), Axis::new("relative squared error"));
    let over_layers = |values: &[f64]| -> Vec<[f64; 2]> {
        values.iter().enumerate().map(|(layer, value)| [layer as f64 + 1.0, *value]).collect()
    };
    let known = over_layers(known_hebb);
    chart.series.push(Series::new("known for Hebb", SeriesColor::Text, known).style(LineKind::Dashed));
    let at = |layer: usize| curves.iter().map(move |curve| curve[layer]);
    let means: Vec<f64> = (0..layers).map(|layer| at(layer).sum::<f64>() / draws as f64).collect();
    let mut series = Series::new(name, SeriesColor::Accent, over_layers(&means)).markers();
    if draws > 1 {
        let half = |layer: usize| {
            let squares: f64 = at(layer).map(|error| (error - means[layer]).powi(2)).sum();
            t_quantile_975(draws - 1) * (squares / ((draws - 1) * draws) as f64).sqrt()
        };
        series =
            series.band((0..layers).map(|layer| [means[layer] - half(layer), means[layer] + half(layer)]).collect());
    }
    chart.series.push(series);
    chart.legend = true;
    let caption = format!("|error|² / |value|² after each layer, mean and 95 % interval over {draws} draws");
    Figure::new("depth", "Error through layers", Body::Chart(chart)).caption(caption)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_and_interval_of_each_layer() {
        let figure = depth_curve("Hebb", &[vec![0.1, 0.3], vec![0.3, 0.5]], &[0.2, 0.44]);
        let Body::Chart(chart) = figure.body else { panic!("not a chart") };
        assert_eq!(chart.series[0].points, [[1.0, 0.2], [2.0, 0.44]]);
        assert!((chart.series[1].points[1][1] - 0.4).abs() < 1e-12);
        // t(1) * s / sqrt(2) with s = 0.1 sqrt(2): 12.706205 * 0.1.
        assert!((chart.series[1].band.as_ref().unwrap()[0][1] - 0.2 - 1.270_620_5).abs() < 1e-5);
    }
}
