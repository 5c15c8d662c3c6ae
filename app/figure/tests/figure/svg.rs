use mnemoscope_figure::theme::{DARK, LIGHT};
use mnemoscope_figure::{
    Axis, Body, Chart, Figure, Mark, MarkKind, Matrix, Reference, Series, SeriesColor, Surface, SurfacePoint,
};

use crate::samples;

fn small_chart() -> Figure {
    let mut chart = Chart::new(Axis::new("step"), Axis::accuracy());
    let points = vec![[0.0, 0.1], [800.0, 0.75], [1600.0, 0.875]];
    let band = vec![[0.05, 0.15], [0.7, 0.8], [0.85, 0.9]];
    chart.series.push(Series::new("task 1", SeriesColor::Task(0), points).band(band).markers());
    chart.marks.push(Mark { x: 800.0, label: "task 2".into(), color: SeriesColor::Task(1), kind: MarkKind::Switch });
    chart.references.push(Reference::new(0.1, "chance"));
    chart.legend = true;
    Figure::new("small", "Accuracy & more", Body::Chart(chart)).caption("1 seed").badge("validation")
}

#[test]
fn chart() {
    insta::assert_snapshot!(small_chart().svg(&DARK, (320.0, 220.0)));
}

#[test]
fn matrix() {
    let values = vec![Some(0.97), None, Some(0.5), Some(1.0)];
    let matrix = Matrix::new(2, 2, values).task_labels().titles("after task", "tested on");
    let figure = Figure::new("m", "Accuracy matrix", Body::Matrix(matrix)).badge("test");
    let svg = figure.svg(&LIGHT, (240.0, 200.0));
    // The colour bar is long and says nothing here.
    let svg: Vec<&str> = svg.lines().filter(|line| !line.starts_with("<path")).collect();
    insta::assert_snapshot!(svg.join("\n"));
}

#[test]
fn surface() {
    let surface = Surface {
        x_range: (0.0, 1.0),
        y_range: (0.0, 1.0),
        width: 2,
        height: 2,
        values: vec![0.25, 1.0, 0.25, 1.0],
        points: vec![SurfacePoint { x: 0.5, y: 0.25, class: 1, faded: false }],
        legend: vec!["inner".into(), "outer".into()],
    };
    let svg = Figure::new("s", "Decision surface", Body::Surface(surface)).svg(&LIGHT, (240.0, 200.0));
    let svg: Vec<&str> = svg.lines().filter(|line| !line.starts_with("<path")).collect();
    insta::assert_snapshot!(svg.join("\n"));
}

#[test]
fn empty() {
    insta::assert_snapshot!(samples::empty().svg(&DARK, (300.0, 140.0)));
}

#[test]
fn the_same_figure_gives_the_same_text() {
    for figure in samples::all() {
        assert_eq!(figure.svg(&DARK, (500.0, 320.0)), figure.clone().svg(&DARK, (500.0, 320.0)));
        assert_ne!(figure.svg(&DARK, (500.0, 320.0)), figure.svg(&LIGHT, (500.0, 320.0)));
    }
}

#[test]
fn a_figure_is_drawn_at_any_size_and_with_any_number() {
    let mut wild = small_chart();
    if let Body::Chart(chart) = &mut wild.body {
        chart.y.range = None;
        chart.series[0].points = vec![[f64::NAN, 0.0], [0.0, f64::INFINITY], [1.0, 1e300], [2.0, -1e-300]];
        chart.marks[0].x = f64::NAN;
    }
    for figure in samples::all().iter().chain([&wild]) {
        for size in [(0.0, 0.0), (1.0, 1.0), (60.0, 2000.0), (90.0, 70.0), (300.0, 200.0), (3840.0, 2160.0)] {
            let svg = figure.svg(&DARK, size);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{} at {size:?}", figure.id);
        }
    }
}
