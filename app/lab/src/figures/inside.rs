//! What was found inside a trained sequence model: which heads retrieve, and what it recalls under bounded caches.

use mnemoscope_core::Registry as _;
use mnemoscope_figure::{Axis, Body, Chart, Figure, Map, Matrix, Series, SeriesColor};
use mnemoscope_measure::estimate;
use mnemoscope_memory::cache::Policies;

use super::retrieval_map;
use crate::inside::{Looked, SCORED};
use crate::snapshot::Snapshot;

/// What a key of this name says between its brackets.
fn within<'a>(looked: &'a Looked, name: &str) -> Option<&'a str> {
    looked.key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')
}

/// Mean and half width of the 95 % interval over the replicas that have a value.
fn over_replicas(looked: &Looked) -> Option<(f64, Option<f64>)> {
    let known: Vec<f64> = looked.values.iter().copied().filter(|value| value.is_finite()).collect();
    estimate(&known, looked.values.len()).map(|estimate| (estimate.mean, estimate.half_width))
}

/// Retrieval scores, layer by head: the share of answers that each head copies, mean over replicas, whose heads have no
/// common order.
pub fn retrieval_heads(snapshot: &Snapshot) -> Figure {
    let (id, title) = ("inside-retrieval", "Retrieval score");
    let cells: Vec<(usize, usize, f64)> = snapshot
        .looked
        .iter()
        .filter_map(|looked| {
            let (layer, head) = within(looked, "retrieval_score")?.strip_prefix("layer ")?.split_once(", head ")?;
            Some((layer.parse().ok()?, head.parse().ok()?, over_replicas(looked)?.0))
        })
        .collect();
    let (Some(layers), Some(heads)) =
        (cells.iter().map(|cell| cell.0 + 1).max(), cells.iter().map(|cell| cell.1 + 1).max())
    else {
        return Figure::empty(id, title, "Heads are scored when a run ends whose evaluation masks some.");
    };
    let mut scores = vec![f32::NAN; layers * heads];
    for (layer, head, score) in cells {
        scores[layer * heads + head] = score as f32;
    }
    let most = snapshot.experiment.evaluation.whole("sample") * snapshot.layout.tasks;
    retrieval_map(&scores, (layers, heads), SCORED.min(most))
}

/// Accuracy against bytes under every cache policy: a line per policy over its sizes.
pub fn caches(snapshot: &Snapshot) -> Figure {
    let (id, title) = ("caches", "Recall under bounded caches");
    let bytes_of = |size: &str| {
        let own = |looked: &&Looked| within(looked, "cache_bytes") == Some(size);
        over_replicas(snapshot.looked.iter().find(own)?)
    };
    let mut chart = Chart::new(Axis::new("cache").unit("kB").log(), Axis::accuracy());
    for (index, kind) in Policies::kinds().iter().enumerate() {
        let mut points: Vec<([f64; 2], [f64; 2])> = snapshot
            .looked
            .iter()
            .filter_map(|looked| {
                let size = within(looked, "cache_acc")?;
                if size.split(' ').next() != Some(kind.name) {
                    return None;
                }
                let ((accuracy, half), (bytes, _)) = (over_replicas(looked)?, bytes_of(size)?);
                let half = half.unwrap_or(0.0);
                Some(([bytes / 1000.0, accuracy], [accuracy - half, accuracy + half]))
            })
            .collect();
        if points.is_empty() {
            continue;
        }
        points.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        let (points, band): (Vec<[f64; 2]>, Vec<[f64; 2]>) = points.into_iter().unzip();
        chart.series.push(Series::new(kind.label, SeriesColor::Task(index), points).band(band).markers());
    }
    if chart.series.is_empty() {
        return Figure::empty(id, title, "Caches are measured when a run ends that names policies.");
    }
    chart.legend = true;
    Figure::new(id, title, Body::Chart(chart))
        .caption("share of right last answers against the most bytes that the layers hold, mean and 95 % interval")
}

/// Which tokens of one head were still held after each step, from [`Attended::until`](mnemoscope_memory::cache::Attended):
/// a row per step, a column per token; cells ahead of the step are empty.
pub fn held_tokens(names: &[String], until: &[u32]) -> Figure {
    let steps = until.len();
    let held = |t: usize, i: usize| (i <= t).then(|| if until[i] as usize > t { 1.0 } else { 0.0 });
    let values = (0..steps).flat_map(|t| (0..steps).map(move |i| held(t, i))).collect();
    let mut matrix =
        Matrix::new(steps, steps, values).titles("after token", "held").map(Map::default(), Some((0.0, 1.0)));
    matrix.row_labels = names.to_vec();
    matrix.col_labels = names.to_vec();
    matrix.show_values = false;
    let left = until.iter().filter(|until| **until as usize >= steps).count();
    let caption = format!("{left} of {steps} tokens are left at the end");
    Figure::new("held-tokens", "Tokens held", Body::Matrix(matrix)).caption(caption)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::figures::sample::finished;

    fn with(looked: &[(&str, f64)]) -> Snapshot {
        let looked: Vec<Looked> =
            looked.iter().map(|(key, value)| Looked { key: (*key).to_owned(), values: vec![*value; 3] }).collect();
        Snapshot { looked: Arc::new(looked), ..finished() }
    }

    #[test]
    fn heads_stand_by_layer_and_caches_by_bytes() {
        let snapshot = with(&[
            ("retrieval_score[layer 1, head 0]", 0.75),
            ("retrieval_score[layer 0, head 1]", 0.25),
            ("retrieval_score[top 1]", 0.75),
            ("cache_acc[lazy 0.5]", 0.9),
            ("cache_bytes[lazy 0.5]", 2000.0),
            ("cache_acc[lazy 0.25]", 0.6),
            ("cache_bytes[lazy 0.25]", 1000.0),
        ]);
        let Body::Heat(heat) = retrieval_heads(&snapshot).body else { panic!("no heat map") };
        assert_eq!([heat.value(0, 0), heat.value(0, 1), heat.value(1, 0)], [None, Some(0.25), Some(0.75)]);
        let Body::Chart(chart) = caches(&snapshot).body else { panic!("no chart") };
        assert_eq!(chart.series.len(), 1);
        assert_eq!(chart.series[0].points, [[1.0, 0.6], [2.0, 0.9]]);
    }

    #[test]
    fn a_strip_has_what_is_held_after_each_token() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let Body::Matrix(matrix) = held_tokens(&names, &[3, 2, 3]).body else { panic!("no matrix") };
        let (yes, no) = (Some(1.0), Some(0.0));
        assert_eq!(matrix.values, [yes, None, None, yes, yes, None, yes, no, yes]);
    }
}
