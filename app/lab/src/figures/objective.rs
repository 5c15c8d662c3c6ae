//! The loss that is descended, and the terms it is made of.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Series, SeriesColor};

use super::View;
use super::accuracy::means;
use super::course::marks;
use crate::snapshot::Snapshot;

const ID: &str = "loss-and-objective";
const TITLE: &str = "Loss and objective";

/// The colour of the objective's term `index`, 0 being the total and 1 the new batch's own loss. The methods' terms have
/// the colours that they have in the window's equation.
pub fn term_color(index: usize) -> SeriesColor {
    const HUES: [usize; 6] = [0, 3, 1, 2, 6, 5];
    match index {
        0 => SeriesColor::Text,
        1 => SeriesColor::Dim,
        _ => SeriesColor::Task(HUES[(index - 2) % HUES.len()]),
    }
}

/// The training loss and its terms over optimiser steps: each point is the mean over the steps since the evaluated step
/// before, and over the replicas of the shown variant.
pub fn objective(snapshot: &Snapshot, view: &View) -> Figure {
    if snapshot.record.is_empty() {
        return Figure::empty(ID, TITLE, "The loss and every term of the objective appear here once training starts.");
    }
    let (from, to) = view.steps(snapshot);
    let total = snapshot.layout.total_steps() as f64;
    let loss = Axis::new("loss");
    let mut chart =
        Chart::new(Axis::new("optimiser step").range(0.0, total), if view.log_loss { loss.log() } else { loss });
    if let Some(pinned) = view.pinned.as_deref().filter(|pinned| !pinned.record.is_empty()) {
        let points = pinned.record.term_curve(0, view.variant(pinned), from, to);
        chart.series.push(Series::new("pinned: loss", SeriesColor::Dim, means(&points)).style(LineKind::Ghost));
    }
    // The total last, on top. It is left out where it would only repeat the single term.
    let terms = snapshot.terms.len();
    for index in (0..terms).rev().filter(|index| *index > 0 || terms != 2) {
        let term = &snapshot.terms[index];
        let points = snapshot.record.term_curve(term.slot, view.variant(snapshot), from, to);
        // Step 0 is before the first update: there is no loss of it.
        let points: Vec<[f64; 2]> = means(&points).into_iter().filter(|[step, _]| *step > 0.0).collect();
        if points.iter().any(|[_, value]| *value != 0.0) {
            chart.series.push(Series::new(term.label.clone(), term_color(index), points));
        }
    }
    chart.marks = marks(snapshot);
    chart.legend = true;
    let seeds = snapshot.layout.variants().get(view.variant(snapshot)).map_or(1, |variant| variant.replicas.len());
    let caption = match seeds {
        0 | 1 => "training batches, mean since the evaluated step before".to_owned(),
        _ => format!("training batches, mean over {seeds} seeds and since the evaluated step before"),
    };
    Figure::new(ID, TITLE, Body::Chart(chart)).caption(caption).badge("train")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::sample;

    fn chart(snapshot: &Snapshot, view: &View) -> Chart {
        match objective(snapshot, view).body {
            Body::Chart(chart) => chart,
            other => panic!("not a chart: {other:?}"),
        }
    }

    #[test]
    fn terms_are_drawn_below_their_total() {
        let snapshot = sample::finished();
        let chart = chart(&snapshot, &View::default());
        let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["EWC", "cross-entropy", "loss"]);
        assert_eq!(chart.series[2].color, term_color(0));
        // The sample's terms add up at every drawn step.
        for ((ewc, ce), total) in
            chart.series[0].points.iter().zip(&chart.series[1].points).zip(&chart.series[2].points)
        {
            assert!((ewc[1] + ce[1] - total[1]).abs() < 1e-5);
        }
    }

    #[test]
    fn a_single_term_is_drawn_once() {
        let mut snapshot = sample::finished();
        snapshot.terms.truncate(2);
        assert_eq!(chart(&snapshot, &View::default()).series.len(), 1);
    }

    #[test]
    fn the_axis_is_logarithmic_on_request() {
        let view = View { log_loss: true, ..View::default() };
        assert!(chart(&sample::finished(), &view).y.log);
    }
}
