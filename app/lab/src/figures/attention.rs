//! The attention view: what an associative memory holds, what it recalls, and how recall fails as it fills up.

use mnemoscope_figure::{Axis, Body, Chart, Figure, Heat, LineKind, Map, Mark, MarkKind, Series, SeriesColor};
use mnemoscope_measure::t_quantile_975;
use mnemoscope_memory::{Association, CapacityCurve, Composition, Image, known_error_hebb};

/// What a composed memory is called: a known one by its name.
pub fn memory_name(composition: &Composition) -> &'static str {
    composition.name().map_or("composed memory", |point| point.label)
}

/// The memory after the writes shown: S `[d_v, d_k]` of a matrix. Softmax attention keeps pairs: it shows the share
/// `[n, n]` that each query (row) gives to each key (column).
pub fn memory_matrix(memory: &Association) -> Figure {
    let (snapshot, pairs) = (memory.snapshot(), memory.pairs());
    let written = format!("after {} of {} pairs", snapshot.writes, pairs.len());
    if memory.memory().weights(&vec![0.0; pairs.d_k]).is_some() {
        let n = snapshot.writes;
        return matrix("attention-weights", "Weights", &snapshot.weights, (n, n), ("query", "key"))
            .map_heat(|heat| heat.map(Map::Sequential, Some((0.0, 1.0))).unit("share"))
            .caption(format!("{written}; rows sum to 1"));
    }
    image("memory-matrix", "Memory S", &snapshot.memory).caption(written)
}

/// What a memory holds, whatever it is made of.
pub fn memory_image(of: &Image, caption: impl Into<String>) -> Figure {
    image("memory-image", "Memory", of).caption(caption)
}

/// What the last write shown added to the memory. It has its own scale: among many pairs one is faint. A memory that
/// keeps the pairs themselves says so.
pub fn written_pair(memory: &Association) -> Figure {
    let snapshot = memory.snapshot();
    match &snapshot.last_write {
        Some(written) => image("memory-write", "Added last", written).caption(format!("by pair {}", snapshot.writes)),
        None if snapshot.writes == 0 => {
            Figure::empty("memory-write", "Added last", "No pair is written yet: step forward.")
        }
        None => Figure::empty("memory-write", "Added last", "This memory keeps the pairs and adds no product."),
    }
}

/// Cosines of the keys written so far with one another, `[n, n]`: what disturbs what. The diagonal is 1.
pub fn key_similarity(memory: &Association) -> Figure {
    let (n, pairs) = (memory.snapshot().writes, memory.pairs());
    let keys: Vec<&[f32]> = pairs.keys.chunks_exact(pairs.d_k).take(n).collect();
    let lengths: Vec<f64> = keys.iter().map(|key| dot(key, key).sqrt()).collect();
    let mut cosines = vec![1.0; n * n];
    for i in 0..n {
        for j in 0..i {
            let cosine = (dot(keys[i], keys[j]) / (lengths[i] * lengths[j])) as f32;
            (cosines[i * n + j], cosines[j * n + i]) = (cosine, cosine);
        }
    }
    matrix("key-similarity", "Key similarity", &cosines, (n, n), ("key", "key"))
        .map_heat(|heat| heat.map(Map::Diverging, Some((-1.0, 1.0))))
        .caption("cosine of two keys")
}

/// The keys written so far, `[n, d_k]`.
pub fn stored_keys(memory: &Association) -> Figure {
    let (n, pairs) = (memory.snapshot().writes, memory.pairs());
    matrix("stored-keys", "Keys", &pairs.keys[..n * pairs.d_k], (n, pairs.d_k), ("pair", "key dimension"))
        .caption("as they were written")
}

/// The values written so far, `[n, d_v]`.
pub fn stored_values(memory: &Association) -> Figure {
    let (n, pairs) = (memory.snapshot().writes, memory.pairs());
    matrix("stored-values", "Values", &pairs.values[..n * pairs.d_v], (n, pairs.d_v), ("pair", "value dimension"))
        .caption("as they were written")
}

/// What each query recalls, `[n, d_v]`: to be held against [`stored_values`].
pub fn recalled_values(memory: &Association) -> Figure {
    let (snapshot, d_v) = (memory.snapshot(), memory.pairs().d_v);
    let size = (snapshot.writes, d_v);
    matrix("recalled-values", "Recalled values", &snapshot.recalled, size, ("query", "value dimension"))
        .caption("what each query reads")
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Cosine of what query i (row) recalls with stored value j (column), `[n, n]`: a clean memory is a clean diagonal.
pub fn recall_matrix(memory: &Association) -> Figure {
    let snapshot = memory.snapshot();
    let n = snapshot.writes;
    matrix("recall-matrix", "Recall", &snapshot.recall_matrix, (n, n), ("query", "stored value"))
        .map_heat(|heat| heat.map(Map::Diverging, Some((-1.0, 1.0))).unit("cosine"))
        .caption("cosine of what a query recalls with each value")
}

/// Relative squared recall error over the load N / d_k: the mean over `draws` draws of keys and values with its 95 %
/// t-interval for each memory, the known curve (N - 1) / d_k of Hebb's rule (random unit keys, no noise, no decay), and
/// where the memory stands now, as (load, error).
pub fn error_curve(curves: &[CapacityCurve], draws: usize, d_k: usize, now: Option<(f64, f64)>) -> Figure {
    let farthest = |of: fn(&mnemoscope_memory::CapacityPoint) -> f64| {
        curves.iter().flat_map(|curve| &curve.points).map(of).fold(0.0, f64::max)
    };
    let (load, error) = now.unwrap_or((0.0, 0.0));
    let longest = farthest(|point| point.load).max(load).max(1.0 / d_k as f64);
    let highest = farthest(|point| point.mean_error).max(error).max(0.1);
    let mut chart = Chart::new(
        Axis::new("load N / d_k").range(0.0, longest * 1.03),
        Axis::new("relative squared error").range(0.0, highest * 1.08),
    );
    let known = [1, (longest * d_k as f64).round() as usize];
    let known = known.map(|n| [n as f64 / d_k as f64, known_error_hebb(n, d_k)]).to_vec();
    chart.series.push(Series::new("known for Hebb: (N − 1) / d_k", SeriesColor::Text, known).style(LineKind::Dashed));
    for (index, curve) in curves.iter().enumerate() {
        let points = curve.points.iter().map(|point| [point.load, point.mean_error]).collect();
        let series = Series::new(memory_name(&curve.composition), SeriesColor::Task(index), points).markers();
        let half = |sd: f64| t_quantile_975(draws - 1) * sd / (draws as f64).sqrt();
        chart.series.push(if draws > 1 {
            let ends = |mean: f64, half: f64| [mean - half, mean + half];
            series.band(curve.points.iter().map(|point| ends(point.mean_error, half(point.sd))).collect())
        } else {
            series
        });
    }
    if longest >= 1.0 {
        // The order of the capacity of one matrix: as many pairs as a key has entries.
        chart.marks.push(Mark { x: 1.0, label: "N = d_k".to_owned(), color: SeriesColor::Dim, kind: MarkKind::Switch });
    }
    if let Some((load, error)) = now {
        chart.series.push(Series::new("this memory", SeriesColor::Accent, vec![[load, error]]).markers());
        chart.marks.push(Mark { x: load, label: String::new(), color: SeriesColor::Accent, kind: MarkKind::Playhead });
    }
    chart.legend = true;
    let caption = match draws {
        0 | 1 => format!("|error|² / |value|² · d_k = {d_k}"),
        _ => format!("|error|² / |value|², mean and 95 % interval over {draws} draws · d_k = {d_k}"),
    };
    Figure::new("recall-error", "Recall error", Body::Chart(chart)).caption(caption)
}

/// A figure of a heat map before its map is chosen. Without cells it stays empty and says why.
struct Plain {
    figure: Figure,
    heat: Heat,
}

impl Plain {
    fn map_heat(mut self, change: impl FnOnce(Heat) -> Heat) -> Self {
        self.heat = change(self.heat);
        self
    }

    fn caption(self, caption: impl Into<String>) -> Figure {
        if self.heat.rows() * self.heat.cols() == 0 {
            return self.figure;
        }
        Figure { body: Body::Heat(self.heat), ..self.figure }.caption(caption)
    }
}

fn image(id: &str, title: &str, image: &Image) -> Plain {
    matrix(id, title, &image.values, (image.rows, image.columns), (image.row, image.column))
}

fn matrix(id: &str, title: &str, values: &[f32], size: (usize, usize), titles: (&str, &str)) -> Plain {
    let figure = Figure::empty(id, title, "No pair is written yet: step forward.");
    let size = if values.is_empty() { (0, 0) } else { size };
    Plain { figure, heat: Heat::new(size.0, size.1, values).titles(titles.0, titles.1) }
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::Setting;
    use mnemoscope_memory::{CapacityPoint, Component};

    use super::*;

    fn memory(name: &str) -> Association {
        let point = Composition::named().iter().find(|point| point.name == name).unwrap();
        let component = Component::new("association")
            .and_then(|component| component.with("pairs", Setting::Number(6.0)))
            .and_then(|component| component.with("d_k", Setting::Number(5.0)))
            .and_then(|component| component.with("d_v", Setting::Number(3.0)));
        Association::new(component.unwrap(), point.composition()).unwrap()
    }

    fn body(figure: Figure) -> Heat {
        match figure.body {
            Body::Heat(heat) => heat,
            other => panic!("not a heat map: {other:?}"),
        }
    }

    #[test]
    fn the_state_is_drawn_with_a_row_per_value_dimension() {
        let memory = memory("delta_rule");
        let matrix = body(memory_matrix(&memory));
        assert_eq!((matrix.rows(), matrix.cols()), (3, 5));
        assert_eq!(matrix.value(2, 1), Some(f64::from(memory.snapshot().memory.values[2 * 5 + 1])));
    }

    #[test]
    fn the_last_write_is_what_the_state_gained() {
        let mut memory = memory("linear_attention");
        memory.show(1).unwrap();
        let before = body(memory_matrix(&memory)).cells().unwrap();
        memory.show(2).unwrap();
        let after = body(memory_matrix(&memory)).cells().unwrap();
        let written = body(written_pair(&memory)).cells().unwrap();
        for ((before, after), written) in before.iter().zip(after.iter()).zip(written.iter()) {
            assert!((before + written - after).abs() < 1e-6);
        }
        memory.show(0).unwrap();
        for figure in [written_pair(&memory), recall_matrix(&memory), stored_keys(&memory), key_similarity(&memory)] {
            assert!(matches!(figure.body, Body::Empty { .. }), "{}", figure.id);
        }
    }

    #[test]
    fn softmax_shows_its_weights() {
        let memory = memory("softmax_attention");
        let matrix = body(memory_matrix(&memory));
        assert_eq!((matrix.rows(), matrix.cols(), matrix.shown_range()), (6, 6, (0.0, 1.0)));
        let row: f64 = (0..6).map(|col| matrix.value(3, col).unwrap()).sum();
        assert!((row - 1.0).abs() < 1e-5);
        assert!(matches!(written_pair(&memory).body, Body::Empty { .. }));
    }

    #[test]
    fn keys_values_and_answers_have_a_row_per_pair() {
        let mut memory = memory("linear_attention");
        memory.show(4).unwrap();
        for (figure, cols) in [(stored_keys(&memory), 5), (stored_values(&memory), 3), (recalled_values(&memory), 3)] {
            let matrix = body(figure);
            assert_eq!((matrix.rows(), matrix.cols()), (4, cols));
        }
        let similarity = body(key_similarity(&memory));
        let keys = &memory.pairs().keys;
        let by_hand: f32 = (0..5).map(|d| keys[5 + d] * keys[3 * 5 + d]).sum();
        assert!((similarity.value(1, 3).unwrap() - f64::from(by_hand)).abs() < 1e-6, "keys have length 1");
        assert_eq!(similarity.value(3, 1), similarity.value(1, 3));
        assert_eq!(similarity.value(2, 2), Some(1.0));
    }

    #[test]
    fn the_curve_has_the_known_line_the_interval_and_the_present_place() {
        let points = vec![
            CapacityPoint { pairs: 4, load: 0.25, mean_error: 0.2, sd: 0.0, decoded: 1.0 },
            CapacityPoint { pairs: 32, load: 2.0, mean_error: 2.1, sd: 0.1, decoded: 0.4 },
        ];
        let curve = CapacityCurve { composition: Composition::default(), points };
        let Body::Chart(chart) = error_curve(&[curve], 4, 16, Some((0.5, 0.4))).body else { panic!("not a chart") };
        assert_eq!(chart.series[0].points, [[0.0625, 0.0], [2.0, 31.0 / 16.0]]);
        // t(3) * 0.1 / sqrt(4) = 3.182446 * 0.05.
        let [low, high] = chart.series[1].band.as_ref().unwrap()[1];
        assert!((high - 2.1 - 0.159_122).abs() < 1e-5 && (2.1 - low - 0.159_122).abs() < 1e-5);
        assert_eq!(chart.series[2].points, [[0.5, 0.4]]);
    }
}
