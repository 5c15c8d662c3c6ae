//! Figures like the lab's own, made from closed forms: five tasks learned and half forgotten.

use mnemoscope_figure::{
    Axis, Body, Chart, Figure, Heat, LineKind, Map, Mark, MarkKind, Matrix, Reference, Series, SeriesColor, Span,
    Surface, SurfacePoint,
};

/// Noise in -1..=1 that is the same everywhere.
fn noise(seed: usize) -> f64 {
    let bits = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Five tasks of 400 steps, with bands, a pinned run, references and a playhead.
pub fn accuracy() -> Figure {
    let mut chart = Chart::new(Axis::new("optimiser step").range(0.0, 2000.0), Axis::accuracy());
    let now = 1850;
    for task in 0..5 {
        let start = 400 * task;
        chart.marks.push(Mark {
            x: start as f64,
            label: format!("task {}", task + 1),
            color: SeriesColor::Task(task),
            kind: MarkKind::Switch,
        });
        let at = |step: usize| {
            let learned = 1.0 - (-((step - start) as f64) / 35.0).exp();
            let since = (step - start) / 400;
            let gap = if since > 0 { 0.22 * (-((step % 400) as f64) / 40.0).exp() } else { 0.0 };
            (learned * (0.97 - 0.035 * since as f64) - gap + 0.008 * noise(step * 7 + task)).clamp(0.0, 1.0)
        };
        let steps: Vec<usize> = (start..now).step_by(4).collect();
        let points = steps.iter().map(|&step| [step as f64, at(step)]).collect::<Vec<_>>();
        let band = points.iter().map(|point| [(point[1] - 0.03).max(0.0), (point[1] + 0.03).min(1.0)]).collect();
        chart.series.push(Series::new(format!("task {}", task + 1), SeriesColor::Task(task), points).band(band));
    }
    let ghost = (0..now).step_by(10).map(|step| [step as f64, 0.9 * (-(step as f64) / 900.0).exp()]).collect();
    chart.series.insert(0, Series::new("task 1, fine-tuning", SeriesColor::Task(0), ghost).style(LineKind::Ghost));
    chart.references.push(Reference::new(0.1, "chance"));
    chart.references.push(Reference::new(0.96, "joint"));
    let event = |x, label: &str, kind| Mark { x, label: label.to_owned(), color: SeriesColor::Text, kind };
    chart.marks.push(event(1080.0, "λ = 500", MarkKind::Event));
    chart.marks.push(event(now as f64, "", MarkKind::Playhead));
    Figure::new("accuracy", "Accuracy per task", Body::Chart(chart))
        .caption("mean and 95 % band over 5 seeds, class-incremental, all classes seen so far")
        .badge("validation")
}

/// A loss on a logarithmic axis with a legend and a shaded stretch.
pub fn objective() -> Figure {
    let mut chart = Chart::new(Axis::new("optimiser step"), Axis::new("loss").unit("nats").log());
    let curve = |from: f64, speed: f64, seed: usize| {
        (0..200)
            .map(|step| {
                [
                    f64::from(step) * 5.0,
                    from * (-f64::from(step) / speed).exp() * (1.0 + 0.2 * noise(step as usize + seed)) + 1e-3,
                ]
            })
            .collect::<Vec<_>>()
    };
    chart.series.push(Series::new("CE(x, y)", SeriesColor::Text, curve(2.3, 30.0, 0)));
    chart.series.push(Series::new("α · CE(x′, y′) replay", SeriesColor::Accent, curve(0.8, 60.0, 900)));
    chart.series.push(Series::new("½ λ Σ F (θ − θ*)²", SeriesColor::Task(3), curve(0.05, 300.0, 1900)));
    chart
        .series
        .push(Series::new("known curve", SeriesColor::Dim, vec![[0.0, 1.0], [1000.0, 0.002]]).style(LineKind::Dashed));
    chart.spans.push(Span { from: 400.0, to: 600.0, label: "task 2".to_owned(), color: SeriesColor::Task(1) });
    chart.legend = true;
    Figure::new("objective", "Objective", Body::Chart(chart)).caption("mean over 5 seeds")
}

/// The accuracy matrix after four of five tasks.
pub fn matrix() -> Figure {
    let value = |row: usize, col: usize| match (row, col) {
        (4, _) => None,
        (row, col) if col > row => Some(0.0),
        (row, col) => Some(0.99 - 0.035 * (row - col) as f64 - 0.06 * f64::from(col == 1 && row > 1)),
    };
    let values = (0..25).map(|index| value(index / 5, index % 5)).collect::<Vec<_>>();
    let half_widths = values.iter().map(|value| value.map(|value: f64| 0.02 * (1.0 - value))).collect();
    let mut matrix = Matrix::new(5, 5, values).task_labels().titles("after task", "tested on task");
    matrix.half_widths = Some(half_widths);
    Figure::new("matrix", "Accuracy matrix", Body::Matrix(matrix)).caption("mean over 5 seeds").badge("test")
}

/// A difference of two runs, about 0, with a note.
pub fn difference() -> Figure {
    let values = (0..25).map(|index| (index % 5 <= index / 5).then(|| 0.3 * noise(index))).collect();
    let mut matrix = Matrix::new(5, 5, values).task_labels().titles("after task", "tested on task");
    matrix = matrix.map(Map::Diverging, None);
    "This run minus the pinned one; paired by seed.".clone_into(&mut matrix.note);
    Figure::new("difference", "Matrix difference", Body::Matrix(matrix))
}

/// Counts with names that are too long.
pub fn confusion() -> Figure {
    let names = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
    let count = |row: usize, col: usize| {
        if row == col { 120.0 - (5 * row) as f64 } else { (6.0 * (1.0 + noise(10 * row + col))).floor() }
    };
    let values = (0..100).map(|index| Some(count(index / 10, index % 10))).collect();
    let mut matrix = Matrix::new(10, 10, values).titles("true class", "predicted class");
    matrix.row_labels = names.map(str::to_owned).to_vec();
    matrix.col_labels.clone_from(&matrix.row_labels);
    Figure::new("confusion", "Confusion", Body::Matrix(matrix)).caption("seed 1 of 5").badge("test")
}

/// A memory's state, too large for cells one by one.
pub fn memory() -> Figure {
    let values = (0..64 * 48).map(|index| Some(noise(index) * noise(index / 48))).collect();
    let matrix = Matrix::new(64, 48, values).map(Map::Diverging, None).titles("value dimension", "key dimension");
    Figure::new("memory", "Memory S", Body::Matrix(matrix)).caption("after 24 pairs")
}

/// The same as a heat map, larger, with some cells that are not known.
pub fn heat() -> Figure {
    let value =
        |index: usize| if index.is_multiple_of(97) { f32::NAN } else { (noise(index) * noise(index / 128)) as f32 };
    let heat = Heat::new(96, 128, (0..96 * 128).map(value).collect::<Vec<_>>());
    let heat = heat.titles("value dimension", "key dimension").unit("weight");
    Figure::new("heat", "Memory S", Body::Heat(heat)).caption("after 24 pairs")
}

/// Two half moons and a smooth surface between them.
pub fn surface() -> Figure {
    let (width, height) = (40, 32);
    let mut surface = Surface {
        x_range: (-1.5, 2.5),
        y_range: (-1.0, 1.5),
        width,
        height,
        legend: vec!["moon up".to_owned(), "moon down".to_owned()],
        ..Surface::default()
    };
    surface.values = (0..width * height)
        .map(|index| {
            let (x, y) = surface.grid_point(index / width, index % width);
            (1.0 / (1.0 + (6.0 * (y - 0.25 - 0.45 * (x * 2.2).cos())).exp())) as f32
        })
        .collect();
    for index in 0..160 {
        let (angle, class) = (std::f64::consts::PI * (index % 80) as f64 / 80.0, index / 80);
        let (x, y) = if class == 0 { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) };
        let (x, y) = (x + 0.12 * noise(index), y + 0.12 * noise(index + 500));
        surface.points.push(SurfacePoint { x, y, class, faded: index % 3 == 0 });
    }
    Figure::new("surface", "Decision surface", Body::Surface(surface)).caption("seed 1 of 5, all outputs")
}

/// Nothing yet.
pub fn empty() -> Figure {
    Figure::empty("empty", "Stability gap", "The gap appears at the second task: a switch is needed to fall into it.")
}

/// One of each.
pub fn all() -> Vec<Figure> {
    vec![accuracy(), objective(), matrix(), difference(), confusion(), memory(), heat(), surface(), empty()]
}
