//! Accuracy of every task over steps: the lab's main plot.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Reference, Series, SeriesColor};

use super::View;
use super::chance::chance;
use super::course::{marks, over_seeds, task_name};
use crate::candidates::Candidates;
use crate::record::Point;
use crate::snapshot::Snapshot;

const ID: &str = "accuracy-per-task";
const TITLE: &str = "Accuracy per task";

/// Accuracy of each task on its fixed sample over optimiser steps: mean and 95 % t-interval over the seeds of the shown
/// variant, task switches, changed knobs, reference lines where asked for, and a pinned run's means behind.
///
/// A task's line begins where it is first trained, unless the view asks for untrained tasks too.
pub fn accuracy(snapshot: &Snapshot, view: &View) -> Figure {
    if snapshot.record.is_empty() {
        return Figure::empty(ID, TITLE, "Accuracy of every task appears here as soon as the run is evaluated.");
    }
    let layout = &snapshot.layout;
    let variant = view.variant(snapshot);
    let (from, to) = view.steps(snapshot);
    let total = layout.total_steps() as f64;
    let mut chart = Chart::new(Axis::new("optimiser step").range(0.0, total), Axis::accuracy());
    let candidates = Candidates::by_name(layout.candidates).unwrap_or(Candidates::Seen);
    if view.references {
        references(&mut chart, snapshot, view, candidates);
    }
    if let Some(pinned) = view.pinned.as_deref() {
        let variant = view.variant(pinned);
        for group in 0..pinned.layout.groups() {
            let start = begin(pinned, view, group).max(from);
            let points = pinned.record.curve(group, variant, start, to);
            let name = format!("pinned: task {}", group + 1);
            chart.series.push(Series::new(name, SeriesColor::Task(group), means(&points)).style(LineKind::Ghost));
        }
    }
    let banded = layout.variants().get(variant).is_some_and(|variant| variant.replicas.len() > 1);
    for group in 0..layout.groups() {
        let points = snapshot.record.curve(group, variant, begin(snapshot, view, group).max(from), to);
        if points.is_empty() {
            continue;
        }
        let series = Series::new(task_name(snapshot, group), SeriesColor::Task(group), means(&points));
        chart.series.push(if banded { series.band(band(&points)) } else { series });
    }
    chart.marks = marks(snapshot);
    let mut caption = format!("among {} · {}", candidates.label(), over_seeds(snapshot, view, "band"));
    if view.references && chart.series.iter().any(|series| series.style == LineKind::Dashed) {
        caption += " · dashed steps: chance";
    }
    Figure::new(ID, TITLE, Body::Chart(chart)).caption(caption).badge(layout.live_part)
}

/// Step from which a group's line is drawn.
fn begin(snapshot: &Snapshot, view: &View, group: usize) -> u64 {
    if view.untrained {
        return 0;
    }
    snapshot.layout.blocks.iter().find(|block| block.groups.contains(&group)).map_or(0, |block| block.start)
}

fn references(chart: &mut Chart, snapshot: &Snapshot, view: &View, candidates: Candidates) {
    let chance = chance(snapshot, candidates);
    match chance.first() {
        Some(first) if chance.iter().all(|share| share == first) => {
            chart.references.push(Reference::new(*first, "chance"));
        }
        _ => {
            let steps = snapshot.layout.blocks.iter().zip(&chance);
            let points = steps.flat_map(|(block, share)| {
                [[block.start as f64, *share], [(block.start + block.steps) as f64, *share]]
            });
            chart.series.push(Series::new("chance", SeriesColor::Dim, points.collect()).style(LineKind::Dashed));
        }
    }
    if snapshot.record.step(0) == 0 {
        let points = (0..snapshot.layout.groups()).filter_map(|group| {
            snapshot.record.curve(group, view.variant(snapshot), 0, 0).first().map(|point| point.mean)
        });
        let values: Vec<f64> = points.collect();
        if !values.is_empty() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            chart.references.push(Reference::new(mean, "untrained"));
        }
    }
    for known in &view.known {
        chart.references.push(Reference::new(known.accuracy, known.label.clone()));
    }
}

pub(super) fn means(points: &[Point]) -> Vec<[f64; 2]> {
    points.iter().map(|point| [point.step, point.mean]).collect()
}

pub(super) fn band(points: &[Point]) -> Vec<[f64; 2]> {
    points.iter().map(|point| [point.low, point.high]).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::figures::sample;

    fn chart(snapshot: &Snapshot, view: &View) -> Chart {
        match accuracy(snapshot, view).body {
            Body::Chart(chart) => chart,
            other => panic!("not a chart: {other:?}"),
        }
    }

    #[test]
    fn every_line_is_its_record_from_its_first_training_on() {
        let snapshot = sample::finished();
        let chart = chart(&snapshot, &View::default());
        assert_eq!(chart.series.len(), 3);
        for (group, series) in chart.series.iter().enumerate() {
            let start = 100 * group as u64;
            assert_eq!(series.points[0][0], start as f64);
            assert_eq!(series.points.len(), 301 - 100 * group);
            for (row, [step, mean]) in series.points.iter().enumerate() {
                let record = &snapshot.record;
                let row = record.rows_between(start, start).start + row;
                assert_eq!(*step, record.step(row) as f64);
                let expected = (0..3).map(|replica| record.accuracy(row, group, replica)).sum::<f64>() / 3.0;
                assert!((mean - expected).abs() < 1e-6);
            }
        }
        assert_eq!(chart.marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [0.0, 100.0, 200.0]);
    }

    #[test]
    fn untrained_tasks_on_request() {
        let snapshot = sample::finished();
        let view = View { untrained: true, ..View::default() };
        assert!(chart(&snapshot, &view).series.iter().all(|series| series.points[0][0] == 0.0));
    }

    #[test]
    fn a_pinned_run_stands_behind_as_ghosts() {
        let snapshot = sample::finished();
        let view = View { pinned: Some(Arc::new(sample::finished())), ..View::default() };
        let chart = chart(&snapshot, &view);
        let kinds: Vec<LineKind> = chart.series.iter().map(|series| series.style).collect();
        assert_eq!(kinds, [[LineKind::Ghost; 3], [LineKind::Solid; 3]].concat());
        assert!(chart.series[0].band.is_none());
    }

    #[test]
    fn one_seed_has_no_band() {
        let snapshot = sample::with_seeds(1);
        let figure = accuracy(&snapshot, &View::default());
        assert!(figure.caption.contains("one seed"), "{}", figure.caption);
        assert!(chart(&snapshot, &View::default()).series.iter().all(|series| series.band.is_none()));
    }

    #[test]
    fn reference_lines_on_request() {
        let snapshot = sample::finished();
        assert!(chart(&snapshot, &View::default()).references.is_empty());
        let known = vec![super::super::Known { label: "cumulative".to_owned(), accuracy: 0.9 }];
        let view = View { references: true, known, ..View::default() };
        let labels: Vec<String> = chart(&snapshot, &view).references.into_iter().map(|line| line.label).collect();
        assert!(labels.contains(&"untrained".to_owned()), "{labels:?}");
        assert!(labels.contains(&"cumulative".to_owned()), "{labels:?}");
    }

    #[test]
    fn before_the_first_evaluation_it_says_what_will_come() {
        let figure = accuracy(&sample::untouched(), &View::default());
        assert!(matches!(figure.body, Body::Empty { .. }));
    }
}
