//! What a run has measured so far, step by step: exact counts for every evaluation, and coarser levels for drawing.
//!
//! A row holds, for one evaluated step, the correct answers of every (group, replica) as u16 and the mean of every
//! objective term since the row before. Coarser levels hold 16 rows of the level below each, as mean, half width and
//! extremes of the mean over seeds, so that a million steps draw from about a thousand rows. Ten tasks and eight
//! replicas take about 220 bytes a row with all levels.

use mnemoscope_measure::t_quantile_975;

use crate::chunked::Chunked;
use crate::population::Variant;

/// Rows of a level in one row of the next.
const FACTOR: usize = 16;

/// Most points of one drawn curve: about one per pixel of a wide plot.
pub const MOST_POINTS: usize = 1200;

/// Drawing picks the finest level with at most this many rows in view, and folds them into [`MOST_POINTS`]: so a curve
/// never has less than a quarter of its points, and never reads more than this.
const MOST_ROWS: usize = 4 * MOST_POINTS;

/// One drawn point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Optimiser step (of a coarse point, its middle).
    pub step: f64,
    /// Mean over the replicas of the variant.
    pub mean: f64,
    /// Lower end of the band: 95 % interval over seeds, and all that a coarse point covers.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// A coarse row of one curve.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Summary {
    mean: f32,
    half: f32,
    low: f32,
    high: f32,
}

#[derive(Debug, Clone)]
struct Level {
    /// First and last step of each row.
    spans: Chunked<u64>,
    /// `[curve]` summaries.
    rows: Chunked<Summary>,
}

/// The record of one run. Cloning is cheap: full chunks are shared.
#[derive(Debug, Clone)]
pub struct Record {
    groups: usize,
    variants: Vec<Variant>,
    /// Size of the fixed sample of each (group, replica).
    samples: Vec<u16>,
    terms: usize,
    steps: Chunked<u64>,
    counts: Chunked<u16>,
    losses: Chunked<f32>,
    levels: Vec<Level>,
}

impl Record {
    /// An empty record. `samples[group * replicas + replica]` is the size of the fixed sample; `terms` is the number of
    /// objective terms, the total included.
    pub fn new(groups: usize, variants: Vec<Variant>, samples: Vec<u16>, terms: usize) -> Self {
        let losses = Chunked::new(terms * variants.len());
        let counts = Chunked::new(samples.len());
        Self { groups, variants, samples, terms, steps: Chunked::new(1), counts, losses, levels: Vec::new() }
    }

    /// Evaluated steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing was evaluated yet.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Replicas.
    pub fn replicas(&self) -> usize {
        self.samples.len() / self.groups.max(1)
    }

    /// The variants whose curves are kept.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// Size of the fixed sample of a group in a replica.
    pub fn sample(&self, group: usize, replica: usize) -> u16 {
        self.samples[group * self.replicas() + replica]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let levels: usize = self.levels.iter().map(|level| level.spans.bytes() + level.rows.bytes()).sum();
        self.steps.bytes() + self.counts.bytes() + self.losses.bytes() + levels
    }

    /// Adds an evaluated step: correct answers `[group * replicas + replica]`, term means `[term * variants + variant]`.
    ///
    /// # Panics
    /// When the lengths do not fit the record.
    pub fn push(&mut self, step: u64, counts: &[u16], losses: &[f32]) {
        self.steps.push(&[step]);
        self.counts.push(counts);
        self.losses.push(losses);
        self.summarise(0);
    }

    /// The step of row `row`.
    pub fn step(&self, row: usize) -> u64 {
        self.steps.row(row)[0]
    }

    /// Accuracy of a group in a replica at row `row`.
    pub fn accuracy(&self, row: usize, group: usize, replica: usize) -> f64 {
        let index = group * self.replicas() + replica;
        f64::from(self.counts.row(row)[index]) / f64::from(self.samples[index].max(1))
    }

    /// An objective term (0 is the total) for one variant at row `row`: the mean over the steps since the row before.
    pub fn term(&self, row: usize, term: usize, variant: usize) -> f32 {
        self.losses.row(row)[term * self.variants.len() + variant]
    }

    /// The rows whose steps lie in `from..=to`.
    pub fn rows_between(&self, from: u64, to: u64) -> std::ops::Range<usize> {
        let start = self.steps.lower_bound(from);
        start..self.steps.lower_bound(to.saturating_add(1)).max(start)
    }

    /// A group's curve for one variant between two steps, thinned to at most about [`MOST_POINTS`].
    pub fn curve(&self, group: usize, variant: usize, from: u64, to: u64) -> Vec<Point> {
        self.points(group * self.variants.len() + variant, from, to)
    }

    /// The curve of an objective term (0 is the total) for one variant between two steps.
    pub fn term_curve(&self, term: usize, variant: usize, from: u64, to: u64) -> Vec<Point> {
        self.points((self.groups + term) * self.variants.len() + variant, from, to)
    }

    /// Curves kept: groups, then terms, each times variants.
    fn curves(&self) -> usize {
        (self.groups + self.terms) * self.variants.len()
    }

    fn points(&self, curve: usize, from: u64, to: u64) -> Vec<Point> {
        let rows = self.rows_between(from, to);
        let (mut count, mut depth) = (rows.len(), 0);
        while depth < self.levels.len() && count > MOST_ROWS {
            count /= FACTOR;
            depth += 1;
        }
        let mut spans: Vec<([u64; 2], Summary)> = Vec::with_capacity(count + FACTOR);
        let mut covered = from;
        if let Some(level) = depth.checked_sub(1).map(|depth| &self.levels[depth]) {
            let first = level.spans.lower_bound(from).saturating_sub(1);
            for row in first..level.spans.len() {
                let span = level.spans.row(row);
                if span[0] > to {
                    break;
                }
                spans.push(([span[0], span[1]], level.rows.row(row)[curve]));
            }
            // The newest rows are not in a coarse row yet; without them a live curve would lag behind the run.
            covered = level.spans.last().map_or(0, |span| span[1] + 1).max(from);
        }
        let raw: Vec<([u64; 2], Summary)> =
            self.rows_between(covered, to).map(|row| ([self.step(row); 2], self.summary(row, curve))).collect();
        let coarse = FACTOR.pow(depth as u32);
        spans.extend(raw.chunks(coarse).map(fold));
        let each = spans.len().div_ceil(MOST_POINTS).max(1);
        spans.chunks(each).map(|spans| point(&fold(spans))).collect()
    }

    /// Mean and half width over seeds of one curve in one evaluated row.
    fn summary(&self, row: usize, curve: usize) -> Summary {
        let (what, variant) = (curve / self.variants.len(), curve % self.variants.len());
        if what >= self.groups {
            let mean = self.losses.row(row)[(what - self.groups) * self.variants.len() + variant];
            return Summary { mean, half: 0.0, low: mean, high: mean };
        }
        let replicas = self.variants[variant].replicas.clone();
        let n = replicas.len() as f64;
        let (mut sum, mut squares) = (0.0, 0.0);
        for replica in replicas {
            let value = self.accuracy(row, what, replica);
            sum += value;
            squares += value * value;
        }
        let mean = sum / n;
        let half = if n > 1.0 {
            let variance = ((squares - n * mean * mean) / (n - 1.0)).max(0.0);
            t_quantile_975(n as usize - 1) * (variance / n).sqrt()
        } else {
            0.0
        };
        Summary { mean: mean as f32, half: half as f32, low: mean as f32, high: mean as f32 }
    }

    /// Folds the newest [`FACTOR`] rows of level `depth` (0 is the evaluated rows) into one row of the next level.
    fn summarise(&mut self, depth: usize) {
        let len = if depth == 0 { self.len() } else { self.levels[depth - 1].spans.len() };
        if len == 0 || !len.is_multiple_of(FACTOR) {
            return;
        }
        let rows = len - FACTOR..len;
        let span = if depth == 0 {
            [self.step(rows.start), self.step(rows.end - 1)]
        } else {
            let spans = &self.levels[depth - 1].spans;
            [spans.row(rows.start)[0], spans.row(rows.end - 1)[1]]
        };
        let summaries: Vec<Summary> = (0..self.curves())
            .map(|curve| {
                let of = |row: usize| match depth {
                    0 => self.summary(row, curve),
                    _ => self.levels[depth - 1].rows.row(row)[curve],
                };
                fold(&rows.clone().map(|row| (span, of(row))).collect::<Vec<_>>()).1
            })
            .collect();
        if self.levels.len() == depth {
            self.levels.push(Level { spans: Chunked::new(2), rows: Chunked::new(self.curves()) });
        }
        self.levels[depth].spans.push(&span);
        self.levels[depth].rows.push(&summaries);
        self.summarise(depth + 1);
    }

    /// Values in one row of counts and in one row of losses.
    pub(crate) fn widths(&self) -> (usize, usize) {
        (self.samples.len(), self.terms * self.variants.len())
    }

    /// Every evaluated row, for a checkpoint: steps, counts, losses.
    pub(crate) fn raw(&self) -> (Vec<u64>, Vec<u16>, Vec<f32>) {
        (self.steps.to_vec(), self.counts.to_vec(), self.losses.to_vec())
    }

    /// Fills an empty record from a checkpoint's rows.
    pub(crate) fn refill(&mut self, steps: &[u64], counts: &[u16], losses: &[f32]) {
        let (width, depth) = self.widths();
        for (row, step) in steps.iter().enumerate() {
            self.push(*step, &counts[row * width..(row + 1) * width], &losses[row * depth..(row + 1) * depth]);
        }
    }
}

/// Several rows as one: mean of means and half widths, lowest and highest mean.
fn fold(rows: &[([u64; 2], Summary)]) -> ([u64; 2], Summary) {
    let n = rows.len() as f32;
    let mut all = Summary { mean: 0.0, half: 0.0, low: f32::INFINITY, high: f32::NEG_INFINITY };
    for (_, one) in rows {
        all.mean += one.mean / n;
        all.half += one.half / n;
        all.low = all.low.min(one.low);
        all.high = all.high.max(one.high);
    }
    let first = rows.first().map_or(0, |(span, _)| span[0]);
    ([first, rows.last().map_or(0, |(span, _)| span[1])], all)
}

/// A drawn point: the band covers the interval over seeds and all that a coarse row covers.
fn point(([first, last], summary): &([u64; 2], Summary)) -> Point {
    Point {
        step: f64::midpoint(*first as f64, *last as f64),
        mean: f64::from(summary.mean),
        low: f64::from(summary.low.min(summary.mean - summary.half)),
        high: f64::from(summary.high.max(summary.mean + summary.half)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rows: u64) -> Record {
        let variant = Variant { label: String::new(), replicas: 0..2, values: vec![] };
        let mut record = Record::new(1, vec![variant], vec![100, 100], 1);
        for step in 0..rows {
            let dip = u16::from(step == 5000) * 60;
            record.push(step, &[80 - dip, 90 - dip], &[step as f32]);
        }
        record
    }

    #[test]
    fn a_short_view_is_exact() {
        let point = record(100).curve(0, 0, 10, 20)[3];
        assert_eq!((point.step, point.mean as f32), (13.0, 0.85));
        // Two seeds at 0.8 and 0.9: t(1) * s / sqrt(2) = 12.7062 * 0.0707107 / 1.41421.
        assert!((point.high - point.mean - 0.635_31).abs() < 1e-4, "{point:?}");
    }

    #[test]
    fn a_long_view_is_thin_and_keeps_the_dip_and_the_end() {
        for rows in [1_201, 4_801, 6_001, 40_000, 76_801, 200_000] {
            let points = record(rows).curve(0, 0, 0, u64::MAX);
            assert!((MOST_POINTS / 5..=MOST_POINTS).contains(&points.len()), "{rows}: {}", points.len());
            let lowest = points.iter().map(|point| point.low).fold(1.0, f64::min);
            assert!(rows < 5001 || lowest <= 0.25 + 1e-6, "{rows}: the dip of one step is lost: {lowest}");
            assert!(points.last().unwrap().step >= rows as f64 * 0.99, "{rows}: the curve lags behind");
            assert!(points.windows(2).all(|pair| pair[0].step < pair[1].step));
        }
    }

    #[test]
    fn a_refilled_record_draws_the_same() {
        let full = record(5000);
        let (steps, counts, losses) = full.raw();
        let variant = full.variants()[0].clone();
        let mut again = Record::new(1, vec![variant], vec![100, 100], 1);
        again.refill(&steps, &counts, &losses);
        assert_eq!(again.curve(0, 0, 0, u64::MAX), full.curve(0, 0, 0, u64::MAX));
    }
}
