//! Lines over a common x axis: accuracy over optimiser steps, loss terms, recall against load.

use crate::color::Color;
use crate::theme::Theme;

/// What colours a line, a mark or a label: a role, resolved by the theme when drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeriesColor {
    /// The colour of the task with this index (from 0).
    Task(usize),
    /// The colour of the class with this index (from 0), as in a decision surface.
    Class(usize),
    /// The one accent colour.
    Accent,
    /// The colour of text.
    Text,
    /// Quiet grey.
    Dim,
    /// Something went well.
    Good,
    /// Worth a look.
    Warning,
    /// Something is wrong.
    Error,
    /// A colour of the caller's own, the same in both themes.
    Fixed(Color),
}

impl SeriesColor {
    /// The colour in this theme.
    pub fn resolve(self, theme: &Theme) -> Color {
        match self {
            Self::Task(index) => theme.task(index),
            Self::Class(index) => theme.class(index),
            Self::Accent => theme.accent,
            Self::Text => theme.text,
            Self::Dim => theme.text_dim,
            Self::Good => theme.good,
            Self::Warning => theme.warning,
            Self::Error => theme.error,
            Self::Fixed(color) => color,
        }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineKind {
    /// A plain line.
    #[default]
    Solid,
    /// Dashes: a known curve, a target.
    Dashed,
    /// A pinned run behind the present one: thin, faded, without a band.
    Ghost,
}

/// One line, with an optional band around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in legend, tooltip and CSV.
    pub name: String,
    /// Colour, by role.
    pub color: SeriesColor,
    /// `[x, y]`, x not decreasing. A value that is not finite breaks the line.
    pub points: Vec<[f64; 2]>,
    /// `[low, high]` for each point, for instance a 95 % t-interval over seeds. Points beyond its end have none.
    pub band: Option<Vec<[f64; 2]>>,
    /// Solid, dashed or ghost.
    pub style: LineKind,
    /// Width in points.
    pub width: f64,
    /// Draw a dot on each point.
    pub markers: bool,
}

impl Series {
    /// A solid line of 1.75 points without a band.
    pub fn new(name: impl Into<String>, color: SeriesColor, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.into(), color, points, band: None, style: LineKind::Solid, width: 1.75, markers: false }
    }

    /// With a band of `[low, high]` per point.
    pub fn band(self, band: Vec<[f64; 2]>) -> Self {
        Self { band: Some(band), ..self }
    }

    /// In this style.
    pub fn style(self, style: LineKind) -> Self {
        Self { style, ..self }
    }

    /// With a dot on each point.
    pub fn markers(self) -> Self {
        Self { markers: true, ..self }
    }

    /// Index of the point nearest to `x`, if there is any.
    pub fn nearest(&self, x: f64) -> Option<usize> {
        let after = self.points.partition_point(|point| point[0] < x);
        let candidates = [after.checked_sub(1), Some(after)];
        candidates
            .into_iter()
            .flatten()
            .filter(|&index| index < self.points.len())
            .min_by(|&a, &b| (self.points[a][0] - x).abs().total_cmp(&(self.points[b][0] - x).abs()))
    }
}

/// One axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it shows, sentence case: "Optimiser step".
    pub label: String,
    /// Unit, or empty.
    pub unit: String,
    /// Shown range before zooming; `None`: as far as the data go.
    pub range: Option<(f64, f64)>,
    /// Logarithmic, base 10; values that are not positive are left out.
    pub log: bool,
    /// Counts something: only whole numbers are ticked. Of horizontal axes.
    pub whole: bool,
}

impl Axis {
    /// A linear axis as long as its data.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A fraction in 0..=1, shown whole.
    pub fn accuracy() -> Self {
        Self::new("accuracy").range(0.0, 1.0)
    }

    /// With this unit.
    pub fn unit(self, unit: impl Into<String>) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// With this range.
    pub fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Logarithmic.
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }

    /// With whole ticks only.
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Label with unit: "learning rate (1/step)".
    pub fn title(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.unit) }
    }
}

/// What a vertical line stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkKind {
    /// A task begins: dashed, its label at the top.
    #[default]
    Switch,
    /// A knob was changed: dotted, with a small diamond at the top.
    Event,
    /// Where the run is now: solid.
    Playhead,
}

/// A vertical line at one x.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where, in the x axis's unit.
    pub x: f64,
    /// Short label at the top; may be empty.
    pub label: String,
    /// Colour, by role.
    pub color: SeriesColor,
    /// What it stands for.
    pub kind: MarkKind,
}

/// A shaded stretch of the x axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// From here,
    pub from: f64,
    /// to here.
    pub to: f64,
    /// Short label at the bottom; may be empty.
    pub label: String,
    /// Colour, by role; drawn very faint.
    pub color: SeriesColor,
}

/// A horizontal line to compare with: chance, untrained, cumulative.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Where, in the y axis's unit.
    pub y: f64,
    /// Short label at the right end.
    pub label: String,
    /// Colour, by role; usually [`SeriesColor::Dim`].
    pub color: SeriesColor,
}

impl Reference {
    /// A quiet reference line.
    pub fn new(y: f64, label: impl Into<String>) -> Self {
        Self { y, label: label.into(), color: SeriesColor::Dim }
    }
}

/// Lines over a common x axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Lines, later ones on top. At most about 1,500 points each: thinning is the record's part.
    pub series: Vec<Series>,
    /// Shaded stretches, behind everything.
    pub spans: Vec<Span>,
    /// Vertical lines.
    pub marks: Vec<Mark>,
    /// Horizontal lines.
    pub references: Vec<Reference>,
    /// Draw a legend. Leave it off where marks name the colours already.
    pub legend: bool,
}

impl Chart {
    /// An empty chart.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_takes_the_closer_neighbour() {
        let series = Series::new("a", SeriesColor::Accent, vec![[0.0, 1.0], [10.0, 2.0], [11.0, 3.0]]);
        assert_eq!(series.nearest(-5.0), Some(0));
        assert_eq!(series.nearest(5.5), Some(1));
        assert_eq!(series.nearest(10.4), Some(1));
        assert_eq!(series.nearest(99.0), Some(2));
        assert_eq!(Series::new("b", SeriesColor::Dim, Vec::new()).nearest(0.0), None);
    }

    #[test]
    fn axis_title_carries_the_unit() {
        assert_eq!(Axis::new("memory").unit("KB").title(), "memory (KB)");
        assert_eq!(Axis::accuracy().title(), "accuracy");
    }
}
