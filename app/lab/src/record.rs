//! What a run has measured so far, step by step: exact counts for every evaluation, and coarser levels for drawing.
//!
//! A row holds, for one evaluated step, the correct answers of every (group, replica) as u16 and the mean of every
//! objective term since the row before. Coarser levels hold 32 rows of the level below each, as mean, half width and
//! extremes of the mean over seeds, so that a million steps draw from about a thousand rows. Ten tasks and eight
//! replicas take about 220 bytes a row with all levels.

use mnemoscope_measure::t_quantile_975;

use crate::chunked::Chunked;
use crate::population::Variant;

/// Rows of a level in one row of the next.
const FACTOR: usize = 32;

/// Drawing picks the finest level with at most this many rows in view.
pub const MOST_POINTS: usize = 1200;

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
        if rows.len() <= MOST_POINTS {
            return rows
                .map(|row| {
                    let summary = self.summary(row, curve);
                    Point {
                        step: self.step(row) as f64,
                        mean: f64::from(summary.mean),
                        low: f64::from(summary.mean - summary.half),
                        high: f64::from(summary.mean + summary.half),
                    }
                })
                .collect();
        }
        let mut count = rows.len();
        let mut depth = 0;
        while depth < self.levels.len() && count > MOST_POINTS {
            count /= FACTOR;
            depth += 1;
        }
        let level = &self.levels[depth - 1];
        let first = level.spans.lower_bound(from).saturating_sub(1);
        let mut points: Vec<Point> = (first..level.spans.len())
            .take_while(|row| level.spans.row(*row)[0] <= to)
            .map(|row| {
                let (span, summary) = (level.spans.row(row), level.rows.row(row)[curve]);
                Point {
                    step: f64::midpoint(span[0] as f64, span[1] as f64),
                    mean: f64::from(summary.mean),
                    low: f64::from(summary.low.min(summary.mean - summary.half)),
                    high: f64::from(summary.high.max(summary.mean + summary.half)),
                }
            })
            .collect();
        // The newest rows are not in a coarse row yet; without them a live curve would lag behind the run.
        let covered = level.spans.last().map_or(0, |span| span[1] + 1).max(from);
        for row in self.rows_between(covered, to).step_by(FACTOR.pow(depth as u32 - 1)) {
            let summary = self.summary(row, curve);
            points.push(Point {
                step: self.step(row) as f64,
                mean: f64::from(summary.mean),
                low: f64::from(summary.mean - summary.half),
                high: f64::from(summary.mean + summary.half),
            });
        }
        points
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
                let mut all = Summary { mean: 0.0, half: 0.0, low: f32::INFINITY, high: f32::NEG_INFINITY };
                for row in rows.clone() {
                    let one =
                        if depth == 0 { self.summary(row, curve) } else { self.levels[depth - 1].rows.row(row)[curve] };
                    all.mean += one.mean / FACTOR as f32;
                    all.half += one.half / FACTOR as f32;
                    all.low = all.low.min(one.low);
                    all.high = all.high.max(one.high);
                }
                all
            })
            .collect();
        if self.levels.len() == depth {
            self.levels.push(Level { spans: Chunked::new(2), rows: Chunked::new(self.curves()) });
        }
        self.levels[depth].spans.push(&span);
        self.levels[depth].rows.push(&summaries);
        self.summarise(depth + 1);
    }

    /// Every evaluated row, for a checkpoint: steps, counts, losses.
    pub(crate) fn raw(&self) -> (Vec<u64>, Vec<u16>, Vec<f32>) {
        (self.steps.to_vec(), self.counts.to_vec(), self.losses.to_vec())
    }

    /// Fills an empty record from a checkpoint's rows.
    pub(crate) fn refill(&mut self, steps: &[u64], counts: &[u16], losses: &[f32]) {
        let (width, depth) = (self.samples.len(), self.terms * self.variants.len());
        for (row, step) in steps.iter().enumerate() {
            self.push(*step, &counts[row * width..(row + 1) * width], &losses[row * depth..(row + 1) * depth]);
        }
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
        let record = record(40_000);
        let points = record.curve(0, 0, 0, u64::MAX);
        assert!(points.len() <= 2 * MOST_POINTS, "{}", points.len());
        let lowest = points.iter().map(|point| point.low).fold(1.0, f64::min);
        assert!(lowest <= 0.25 + 1e-6, "the dip of one step is lost: {lowest}");
        assert!(points.last().unwrap().step >= 39_900.0);
        assert!(points.windows(2).all(|pair| pair[0].step < pair[1].step));
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
