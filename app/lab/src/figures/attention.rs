//! The attention view: what an associative memory holds, what it recalls, and how recall fails as it fills up.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Map, Mark, MarkKind, Matrix, Series, SeriesColor};

/// Recall error of one rule over the number of stored pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorCurve {
    /// Such as "Hebb".
    pub name: String,
    /// Colour, by role.
    pub color: SeriesColor,
    /// `(N / d_k, mean relative squared error, half width of its 95 % interval over draws)`.
    pub points: Vec<(f64, f64, Option<f64>)>,
}

/// The memory matrix S `[d_v, d_k]`, row-major, after `written` of `pairs` writes.
pub fn memory_matrix(state: &[f32], d_v: usize, d_k: usize, written: usize, pairs: usize) -> Figure {
    let caption = format!("{d_v} × {d_k}, after {written} of {pairs} pairs");
    matrix("memory-matrix", "Memory S", state, (d_v, d_k), ("value dimension", "key dimension")).caption(caption)
}

/// What write number `written` (from 1) added to S, `[d_v, d_k]`, drawn in the colours of `state`.
pub fn written_pair(added: &[f32], state: &[f32], d_v: usize, d_k: usize, written: usize) -> Figure {
    let reach = state.iter().chain(added).fold(0.0_f32, |reach, value| reach.max(value.abs()));
    let mut figure = matrix("memory-write", "Added last", added, (d_v, d_k), ("value dimension", "key dimension"))
        .caption(format!("the outer product of pair {written}, in the colours of S"));
    if let Body::Matrix(matrix) = &mut figure.body
        && reach > 0.0
    {
        matrix.range = Some((f64::from(-reach), f64::from(reach)));
    }
    figure
}

/// Softmax attention keeps no S: the weight that query i (row) gives to key j (column), `[n, n]`.
pub fn attention_weights(weights: &[f32], n: usize) -> Figure {
    let mut figure = matrix("attention-weights", "Attention weights", weights, (n, n), ("query", "key"))
        .caption(format!("share that each query gives to each of {n} keys; rows sum to 1"));
    if let Body::Matrix(matrix) = &mut figure.body {
        matrix.map = Map::Sequential;
        matrix.range = Some((0.0, 1.0));
    }
    figure
}

/// Cosine of what query i (row) recalls with stored value j (column), `[n, n]`: a clean memory is a clean diagonal.
pub fn recall_matrix(cosines: &[f32], n: usize) -> Figure {
    let mut figure = matrix("recall-matrix", "Recall", cosines, (n, n), ("query", "stored value"))
        .caption("cosine of what each query recalls with each stored value");
    if let Body::Matrix(matrix) = &mut figure.body {
        matrix.range = Some((-1.0, 1.0));
    }
    figure
}

/// Relative squared recall error over the load N / d_k, with the known curve (N - 1) / d_k of the Hebbian rule for random
/// unit keys (no noise, no correlation, no decay), and where the memory stands now: `(load, error)`.
pub fn error_curve(curves: &[ErrorCurve], d_k: usize, now: Option<(f64, f64)>) -> Figure {
    let longest = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0)).fold(0.0, f64::max);
    let longest = now.map_or(longest, |(load, _)| longest.max(load)).max(1.0 / d_k as f64);
    let highest = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1)).fold(0.0, f64::max);
    let highest = now.map_or(highest, |(_, error)| highest.max(error)).max(longest).max(0.1);
    let mut chart = Chart::new(
        Axis::new("load N / d_k").range(0.0, longest * 1.03),
        Axis::new("relative squared error").range(0.0, highest * 1.08),
    );
    let ends = [1.0 / d_k as f64, longest];
    let known = ends.map(|load| [load, load - 1.0 / d_k as f64]).to_vec();
    chart.series.push(Series::new("Hebb, known: (N − 1) / d_k", SeriesColor::Text, known).style(LineKind::Dashed));
    for curve in curves {
        let points = curve.points.iter().map(|(load, error, _)| [*load, *error]).collect();
        let mut series = Series::new(curve.name.clone(), curve.color, points).markers();
        if curve.points.iter().all(|(.., half)| half.is_some()) && !curve.points.is_empty() {
            series = series.band(
                curve
                    .points
                    .iter()
                    .map(|(_, error, half)| [error - half.unwrap_or(0.0), error + half.unwrap_or(0.0)])
                    .collect(),
            );
        }
        chart.series.push(series);
    }
    if let Some((load, error)) = now {
        chart.series.push(Series::new("now", SeriesColor::Accent, vec![[load, error]]).markers());
        chart.marks.push(Mark { x: load, label: String::new(), color: SeriesColor::Accent, kind: MarkKind::Playhead });
    }
    chart.legend = true;
    Figure::new("recall-error", "Recall error", Body::Chart(chart))
        .caption(format!("|error|² / |value|², mean over pairs · d_k = {d_k}"))
}

fn matrix(id: &str, title: &str, values: &[f32], size: (usize, usize), titles: (&str, &str)) -> Figure {
    let values = values.iter().map(|value| Some(f64::from(*value))).collect();
    let mut matrix = Matrix::new(size.0, size.1, values).titles(titles.0, titles.1).map(Map::Diverging, None);
    matrix.show_values = false;
    Figure::new(id, title, Body::Matrix(matrix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(figure: Figure) -> Matrix {
        match figure.body {
            Body::Matrix(matrix) => matrix,
            other => panic!("not a matrix: {other:?}"),
        }
    }

    #[test]
    fn the_write_is_drawn_in_the_colours_of_the_state() {
        let state = [0.5, -2.0, 0.0, 1.0, 0.25, 0.0];
        assert_eq!(body(memory_matrix(&state, 2, 3, 4, 8)).value(1, 0), Some(1.0));
        let written = body(written_pair(&[0.1, 0.2, 0.3, 0.0, 0.0, 0.0], &state, 2, 3, 4));
        assert_eq!(written.shown_range(), (-2.0, 2.0));
        assert_eq!(written.value(0, 2), Some(f64::from(0.3_f32)));
    }

    #[test]
    fn weights_are_shares_and_recall_is_a_cosine() {
        assert_eq!(body(attention_weights(&[0.9, 0.1, 0.2, 0.8], 2)).shown_range(), (0.0, 1.0));
        assert_eq!(body(recall_matrix(&[1.0, 0.0, 0.0, 1.0], 2)).shown_range(), (-1.0, 1.0));
    }

    #[test]
    fn the_known_curve_is_load_less_one_pair() {
        let curve = ErrorCurve {
            name: "Hebb".to_owned(),
            color: SeriesColor::Task(0),
            points: vec![(0.25, 0.2, Some(0.01)), (2.0, 2.1, Some(0.1))],
        };
        let Body::Chart(chart) = error_curve(&[curve], 16, Some((0.5, 0.4))).body else { panic!("not a chart") };
        assert_eq!(chart.series[0].points, [[0.0625, 0.0], [2.0, 31.0 / 16.0]]);
        assert_eq!(chart.series[1].band.as_ref().unwrap()[1], [2.0, 2.2]);
        assert_eq!(chart.series[2].points, [[0.5, 0.4]]);
        let (_, high) = chart.y.range.unwrap();
        assert!(high > 2.1);
    }
}
