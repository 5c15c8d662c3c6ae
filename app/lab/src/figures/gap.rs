//! A task switch from near: how far known tasks fall, and whether they come back.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Mark, MarkKind, Reference, Series, SeriesColor};
use mnemoscope_measure::{Estimate, Gap, estimate};

use super::View;
use super::accuracy::{band, means};
use super::course::{over_seeds, steps_text};
use crate::snapshot::{GapView, Snapshot};

const ID: &str = "stability-gap";
const TITLE: &str = "Stability gap";

/// A number beside the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct GapNumber {
    /// Such as "depth".
    pub name: &'static str,
    /// Such as "0.31 ± 0.04", or why there is none.
    pub value: String,
    /// How it is computed.
    pub formula: &'static str,
}

/// Every (block, group) that has a gap to show, in order.
pub fn gap_choices(snapshot: &Snapshot) -> Vec<(usize, usize)> {
    snapshot.gaps.iter().map(|gap| (gap.block, gap.group)).collect()
}

/// The gap that the view shows: the chosen one, else the deepest one of the latest switch that has any.
pub fn shown_gap<'a>(snapshot: &'a Snapshot, view: &View) -> Option<&'a GapView> {
    if let Some(chosen) = view.gap.and_then(|(b, g)| snapshot.gaps.iter().find(|gap| (gap.block, gap.group) == (b, g)))
    {
        return Some(chosen);
    }
    let depth =
        |gap: &GapView| mean_of(&defined(snapshot, view, gap), |gap| gap.depth).map_or(-1.0, |depth| depth.mean);
    let deepest = |block: usize| {
        let of_block = snapshot.gaps.iter().filter(move |gap| gap.block == block);
        of_block.max_by(|a, b| depth(a).total_cmp(&depth(b)))
    };
    let latest = snapshot.gaps.iter().filter(|gap| depth(gap) >= 0.0).map(|gap| gap.block).max();
    deepest(latest.or_else(|| snapshot.gaps.first().map(|gap| gap.block))?)
}

/// The gaps of the shown variant's replicas that are defined.
fn defined<'a>(snapshot: &Snapshot, view: &View, gap: &'a GapView) -> Vec<&'a Gap> {
    let replicas = snapshot.layout.variants().get(view.variant(snapshot)).map_or(0..0, |v| v.replicas.clone());
    gap.replicas.get(replicas).unwrap_or(&[]).iter().filter_map(|gap| gap.as_ref().ok()).collect()
}

fn mean_of(gaps: &[&Gap], value: impl Fn(&Gap) -> f64) -> Option<Estimate> {
    estimate(&gaps.iter().map(|gap| value(gap)).collect::<Vec<_>>(), gaps.len())
}

/// Accuracy of known tasks around one task switch: the shown task with its band, the others thin, and for the shown one
/// the level before the switch, the trough and the plateau (means over seeds; the mean of each seed's lowest point lies
/// below the lowest point of the mean curve).
pub fn gap(snapshot: &Snapshot, view: &View) -> Figure {
    let Some(shown) = shown_gap(snapshot, view) else {
        let message = if !snapshot.layout.has_borders {
            "The stream has no borders between tasks, so no task has a switch to look at."
        } else if snapshot.layout.blocks.len() < 2 {
            "The stream has one task only: there is no switch to look at."
        } else {
            "What happens to known tasks right after a task switch appears here at the second task."
        };
        return Figure::empty(ID, TITLE, message);
    };
    let layout = &snapshot.layout;
    let block = &layout.blocks[shown.block];
    let gaps = defined(snapshot, view, shown);
    let (from, to) = window(snapshot, shown, &gaps);
    let variant = view.variant(snapshot);
    let known: Vec<usize> = {
        let mut known: Vec<usize> =
            layout.blocks[..shown.block].iter().flat_map(|block| block.groups.clone()).collect();
        known.sort_unstable();
        known.dedup();
        known.retain(|group| *group != shown.group && !block.groups.contains(group));
        known
    };
    let mut chart = Chart::new(Axis::new("optimiser step").range(from as f64, to as f64), Axis::new("accuracy"));
    if let Some(pinned) = view.pinned.as_deref().filter(|pinned| shown.group < pinned.layout.groups()) {
        let points = pinned.record.curve(shown.group, view.variant(pinned), from, to);
        let name = format!("pinned: task {}", shown.group + 1);
        chart.series.push(Series::new(name, SeriesColor::Task(shown.group), means(&points)).style(LineKind::Ghost));
    }
    for group in known {
        let points = snapshot.record.curve(group, variant, from, to);
        let mut series = Series::new(format!("task {}", group + 1), SeriesColor::Task(group), means(&points));
        series.width = 0.9;
        chart.series.push(series);
    }
    let points = snapshot.record.curve(shown.group, variant, from, to);
    let mut series = Series::new(format!("task {}", shown.group + 1), SeriesColor::Task(shown.group), means(&points));
    series.width = 2.25;
    let banded = layout.variants().get(variant).is_some_and(|variant| variant.replicas.len() > 1);
    chart.series.push(if banded { series.band(band(&points)) } else { series });
    chart.y.range = Some(height(&chart));
    chart.marks.push(Mark {
        x: block.start as f64,
        label: format!("task {} begins", block.group + 1),
        color: SeriesColor::Task(block.group),
        kind: MarkKind::Switch,
    });
    chart.references = levels(&gaps, chart.y.range.map_or(1.0, |(low, high)| high - low));
    let from_group = layout.blocks[shown.block.saturating_sub(1)].group;
    let caption = format!(
        "task {} at the switch {} → {}{} · {}",
        shown.group + 1,
        from_group + 1,
        block.group + 1,
        if shown.over { "" } else { ", so far" },
        over_seeds(snapshot, view, "band")
    );
    Figure::new(ID, TITLE, Body::Chart(chart)).caption(caption).badge(layout.live_part)
}

/// Lines at the level before, the plateau and the trough: means over seeds. Levels too near to each other for two labels
/// in a plot of this height share one line, at the first one's level.
fn levels(gaps: &[&Gap], height: f64) -> Vec<Reference> {
    let levels = [
        ("before", mean_of(gaps, |gap| gap.before)),
        ("plateau", mean_of(gaps, |gap| gap.plateau)),
        ("trough", mean_of(gaps, |gap| gap.trough)),
    ];
    let mut lines: Vec<(f64, String)> = Vec::new();
    for (name, level) in levels {
        let Some(level) = level else { continue };
        match lines.iter_mut().find(|(other, _)| (level.mean - other).abs() < 0.07 * height) {
            Some((_, names)) => names.extend([", ", name]),
            None => lines.push((level.mean, name.to_owned())),
        }
    }
    lines.into_iter().map(|(level, names)| Reference::new(level, format!("{names} {level:.2}"))).collect()
}

/// Steps to show: a little before the switch, and as far after it as the fall and the recovery take.
fn window(snapshot: &Snapshot, shown: &GapView, gaps: &[&Gap]) -> (u64, u64) {
    let block = &snapshot.layout.blocks[shown.block];
    let reach = gaps
        .iter()
        .map(|gap| gap.width.unwrap_or(0).max(gap.trough_step.saturating_sub(block.start)))
        .max()
        .unwrap_or(0);
    let after = (reach * 2).max(60).min(block.steps);
    let before = (after / 4).max(10);
    (block.start.saturating_sub(before), block.start + after)
}

/// The drawn values with some room, on whole twentieths, at least a fifth high.
fn height(chart: &Chart) -> (f64, f64) {
    let values = chart.series.iter().flat_map(|series| {
        let band = series.band.iter().flatten().flatten().copied();
        series.points.iter().map(|point| point[1]).chain(band).filter(|value| value.is_finite())
    });
    let (low, high) = values.fold((1.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let high = ((high + 0.02) * 20.0).ceil() / 20.0;
    let low = (((low - 0.02) * 20.0).floor() / 20.0).min(high - 0.2);
    (low.max(0.0), high.min(1.0))
}

/// Depth, lasting loss, width and area of the shown gap, and WC-ACC of the run, each with its formula.
pub fn gap_numbers(snapshot: &Snapshot, view: &View) -> Vec<GapNumber> {
    let Some(shown) = shown_gap(snapshot, view) else { return Vec::new() };
    let variant = view.variant(snapshot);
    let all = snapshot.layout.variants().get(variant).map_or(0, |variant| variant.replicas.len());
    let gaps = defined(snapshot, view, shown);
    let missing = || "–".to_owned();
    let number = |value: fn(&Gap) -> f64, digits: usize| {
        let values: Vec<f64> = gaps.iter().map(|gap| value(gap)).collect();
        estimate(&values, all).map_or_else(missing, |value| format!("{value:.digits$}"))
    };
    let significant = gaps.iter().filter(|gap| gap.significant).count();
    // A fall without a way back up is a loss: there is no dip whose depth, width and area could be told.
    let dip = gaps.is_empty() || significant > 0;
    let depth = if dip { number(|gap| gap.depth, 2) } else { "no gap".to_owned() };
    let widths: Vec<f64> = gaps.iter().filter_map(|gap| gap.width).map(|width| width as f64).collect();
    let width = match estimate(&widths, all) {
        _ if !dip => "–".to_owned(),
        Some(width) => steps_text(&width),
        None if gaps.is_empty() => missing(),
        None => "not recovered".to_owned(),
    };
    let area = if dip { number(|gap| gap.area, 1) } else { "–".to_owned() };
    let wc_acc = snapshot
        .metrics
        .iter()
        .find(|metric| metric.info.name == "wc_acc")
        .and_then(|metric| metric.variants.get(variant));
    let wc_acc = match wc_acc {
        Some(Ok(value)) => format!("{value:.2}"),
        Some(Err(_)) => missing(),
        None => "not measured yet".to_owned(),
    };
    let formula =
        |name: &str, fallback: &'static str| mnemoscope_measure::metric(name).map_or(fallback, |info| info.formula);
    vec![
        GapNumber { name: "depth", value: depth, formula: formula("gap_depth", "plateau − trough") },
        GapNumber {
            name: "lasting loss",
            value: number(|gap| gap.lasting_loss, 2),
            formula: formula("lasting_loss", "before − plateau"),
        },
        GapNumber { name: "width", value: width, formula: formula("gap_width", "steps to recovery") },
        GapNumber { name: "area", value: area, formula: formula("gap_area", "Σ (plateau − A)₊") },
        GapNumber { name: "WC-ACC", value: wc_acc, formula: formula("wc_acc", "worst-case accuracy") },
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::figures::sample;

    fn chart(snapshot: &Snapshot, view: &View) -> Chart {
        match gap(snapshot, view).body {
            Body::Chart(chart) => chart,
            other => panic!("not a chart: {other:?}"),
        }
    }

    #[test]
    fn the_latest_switch_with_its_deepest_fall_is_shown_first() {
        let snapshot = sample::finished();
        let shown = shown_gap(&snapshot, &View::default()).unwrap();
        assert_eq!((shown.block, shown.group), (2, 1));
        let chosen = View { gap: Some((1, 0)), ..View::default() };
        assert_eq!(shown_gap(&snapshot, &chosen).unwrap().block, 1);
        let gone = View { gap: Some((9, 9)), ..View::default() };
        assert_eq!(shown_gap(&snapshot, &gone).unwrap().block, 2);
    }

    #[test]
    fn the_window_holds_switch_trough_and_recovery() {
        let snapshot = sample::finished();
        let chart = chart(&snapshot, &View { gap: Some((1, 0)), ..View::default() });
        let (from, to) = chart.x.range.unwrap();
        let gap = snapshot.gaps[0].replicas[0].as_ref().unwrap();
        assert!(from < 100.0 && to > gap.trough_step as f64, "{from} to {to}");
        assert!(to >= 100.0 + gap.width.unwrap() as f64);
        let levels: Vec<&str> = chart.references.iter().map(|line| line.label.split(' ').next().unwrap()).collect();
        assert_eq!(levels, ["before", "plateau", "trough"]);
        let troughs = snapshot.gaps[0].replicas.iter().map(|gap| gap.as_ref().unwrap().trough);
        assert!((chart.references[2].y - troughs.sum::<f64>() / 3.0).abs() < 1e-12);
        let (low, high) = chart.y.range.unwrap();
        assert!(chart.series.iter().flat_map(|s| &s.points).all(|point| low <= point[1] && point[1] <= high));
    }

    #[test]
    fn numbers_are_means_with_intervals_and_say_what_is_missing() {
        let mut snapshot = sample::finished();
        let view = View { gap: Some((1, 0)), ..View::default() };
        let value = |snapshot: &Snapshot, name: &str| {
            gap_numbers(snapshot, &view).into_iter().find(|number| number.name == name).unwrap().value
        };
        let depths: Vec<f64> = snapshot.gaps[0].replicas.iter().map(|gap| gap.as_ref().unwrap().depth).collect();
        assert_eq!(value(&snapshot, "depth"), format!("{:.2}", estimate(&depths, 3).unwrap()));
        let change = |snapshot: &mut Snapshot, change: fn(&mut Gap)| {
            let mut gaps = (*snapshot.gaps).clone();
            gaps[0].replicas.iter_mut().flatten().for_each(change);
            gaps[0].replicas[2] = Err("replica 3 diverged".to_owned());
            snapshot.gaps = Arc::new(gaps);
        };
        change(&mut snapshot, |gap| gap.width = None);
        assert_eq!(value(&snapshot, "width"), "not recovered");
        assert!(value(&snapshot, "area").contains("(2 of 3)"));
        change(&mut snapshot, |gap| gap.significant = false);
        assert_eq!(value(&snapshot, "depth"), "no gap");
        assert_eq!((value(&snapshot, "width").as_str(), value(&snapshot, "area").as_str()), ("–", "–"));
        assert!(value(&snapshot, "lasting loss").contains("(2 of 3)"));
    }

    #[test]
    fn levels_that_would_write_over_each_other_share_a_line() {
        let snapshot = sample::finished();
        let mut gap = snapshot.gaps[0].replicas[0].clone().unwrap();
        (gap.before, gap.plateau, gap.trough) = (0.9, 0.02, 0.01);
        let labels: Vec<String> = levels(&[&gap], 1.0).into_iter().map(|line| line.label).collect();
        assert_eq!(labels, ["before 0.90", "plateau, trough 0.02"]);
    }

    #[test]
    fn without_a_switch_it_says_what_will_come() {
        assert!(matches!(gap(&sample::untouched(), &View::default()).body, Body::Empty { .. }));
    }
}
