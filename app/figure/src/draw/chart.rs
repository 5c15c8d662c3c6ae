//! Lines: margins, ticks, marks, bands.

use egui::{Align2, Pos2, Rect, pos2};

use super::lines::{bands, lines};
use super::plane::{Plane, Scale, sound};
use super::{Entry, Swatch, flow, legend};
use crate::canvas::{Canvas, Pen, Type, bits, corners, hash};
use crate::chart::{Axis, Chart, LineKind, MarkKind, Series};
use crate::theme::Theme;

/// What part of the plane is shown, in scale units (base-10 logarithms on a logarithmic axis).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct View {
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl View {
    /// Everything: the axes' ranges, else as far as the data go.
    pub fn whole(chart: &Chart) -> Self {
        let series = || chart.series.iter();
        let xs = series().flat_map(|series| series.points.iter().map(|point| point[0]));
        let values = series().flat_map(|series| {
            let band = series.band.as_deref().filter(|_| series.style != LineKind::Ghost).unwrap_or_default();
            series.points.iter().map(|point| point[1]).chain(band.iter().flatten().copied())
        });
        let values = values.chain(chart.references.iter().map(|reference| reference.y));
        let markers = series().any(|series| series.markers);
        Self { x: range(&chart.x, xs, if markers { 0.03 } else { 0.0 }, false), y: range(&chart.y, values, 0.06, true) }
    }
}

/// The axis's own range, else the values' with a margin; `ground` lets small positive values start at 0.
fn range(axis: &Axis, values: impl Iterator<Item = f64>, margin: f64, ground: bool) -> (f64, f64) {
    if let Some((low, high)) = axis.range
        && let (Some(low), Some(high)) = (Scale::units(axis.log, low), Scale::units(axis.log, high))
    {
        return sound((low, high));
    }
    let (low, high) = values
        .filter_map(|value| Scale::units(axis.log, value))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), units| (low.min(units), high.max(units)));
    let (low, high) = sound((low, high));
    let room = margin * (high - low);
    let on_ground = ground && !axis.log && low >= 0.0 && low < 0.35 * high;
    (if on_ground { 0.0 } else { low - room }, high + room)
}

/// Where everything stands.
pub(crate) struct Layout {
    pub plane: Plane,
    rect: Rect,
    ticks: f32,
    x_ticks: Vec<(f32, String)>,
    y_ticks: Vec<(f32, String)>,
    titles: bool,
    legend: Vec<Pos2>,
}

impl Layout {
    /// Lay out in `rect`, showing `view` or everything.
    pub fn new(chart: &Chart, rect: Rect, view: Option<View>) -> Self {
        let view = view.unwrap_or_else(|| View::whole(chart));
        let small = rect.width() < 280.0 || rect.height() < 160.0;
        let ticks = if small { 9.0 } else { 10.5 };
        let titles = rect.width() >= 200.0 && rect.height() >= 110.0;
        let style = Type::new(ticks, crate::Color::TRANSPARENT);

        let (places, legend_height) = if chart.legend && rect.height() >= 90.0 {
            flow(
                &entries(chart, None),
                Type { size: LEGEND, ..style },
                rect.width(),
                if rect.height() < 120.0 { 1 } else { 2 },
            )
        } else {
            (Vec::new(), 0.0)
        };
        let labels = chart.marks.iter().any(|mark| !mark.label.is_empty() || mark.kind != MarkKind::Switch);
        let top = rect.top() + legend_height + if labels { 16.0 } else { 6.0 };
        let title_height = if titles && !chart.x.label.is_empty() { 15.0 } else { 0.0 };
        let bottom = (rect.bottom() - ticks - 7.0 - title_height).max(top + 8.0);

        let log = (chart.x.log, chart.y.log);
        let column = Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), bottom));
        let y_gap = if bottom - top < 130.0 { 20.0 } else { 34.0 };
        let y_ticks = Plane::new(column, view.x, view.y, log).y.ticks(y_gap);
        let widest = y_ticks.iter().map(|(_, label)| style.width(label)).fold(0.0, f32::max);
        let title_width = if titles && !chart.y.label.is_empty() { 16.0 } else { 0.0 };
        let left = (rect.left() + title_width + widest + 7.0).min(rect.right() - 16.0);
        // Reference lines are named beside the plot, where no line runs, if that takes less than a fifth of the width.
        let names = chart.references.iter().map(|reference| Type { size: NAME, ..style }.width(&reference.label));
        let names = names.fold(0.0, f32::max);
        let margin = if names > 0.0 && names <= 0.2 * rect.width() { names + 6.0 } else { 10.0 };
        let area = Rect::from_min_max(pos2(left, top), pos2((rect.right() - margin).max(left + 8.0), bottom));

        let plane = Plane::new(area, view.x, view.y, log);
        let far = [area.left(), area.right()].map(|x| crate::number::tick_label(plane.x.value(x).round(), 0));
        let x_gap = far.iter().map(|label| style.width(label)).fold(0.0, f32::max) + if small { 22.0 } else { 34.0 };
        // A little less than one, so that rounding does not make it two.
        let one = 0.999 * f64::from(area.width()) / (view.x.1 - view.x.0).max(f64::MIN_POSITIVE);
        let x_gap = if chart.x.whole { x_gap.max(one as f32) } else { x_gap };
        Self { plane, rect, ticks, x_ticks: plane.x.ticks(x_gap), y_ticks, titles, legend: places }
    }

    /// Draw all of it.
    pub fn draw(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        let area = self.plane.area;
        self.grid(canvas, theme);
        canvas.clip(area.expand(1.0));
        self.spans(canvas, chart, theme);
        self.reference_lines(canvas, chart, theme);
        self.mark_lines(canvas, chart, theme, false);
        canvas.kept("lines", self.hash(chart, theme), &|canvas| {
            let (ghosts, lines): (Vec<&Series>, Vec<&Series>) =
                chart.series.iter().partition(|series| series.style == LineKind::Ghost);
            for series in ghosts {
                self.series(canvas, series, theme);
            }
            for series in &lines {
                self.band(canvas, series, theme);
            }
            for series in lines {
                self.series(canvas, series, theme);
            }
        });
        self.mark_lines(canvas, chart, theme, true);
        canvas.unclip();
        self.reference_labels(canvas, chart, theme);
        self.mark_labels(canvas, chart, theme);
        self.axis_titles(canvas, chart, theme);
        let style = Type::new(LEGEND, theme.text_dim);
        let names = entries(chart, Some(theme));
        legend(canvas, &names, &self.legend, self.rect.left_top(), style, self.rect.width());
    }

    /// Changes with everything that changes how the lines look.
    fn hash(&self, chart: &Chart, theme: &Theme) -> u64 {
        let plane = &self.plane;
        let scales = [plane.x, plane.y].map(|scale| [scale.low, scale.high]).into_iter().flatten().map(f64::to_bits);
        let series = chart.series.iter().flat_map(|series| {
            let pen = pen(series, theme);
            let look =
                [bits(pen.color), u64::from(pen.width.to_bits()), series.style as u64, u64::from(series.markers)];
            let band = series.band.iter().flatten().flatten().map(|value| value.to_bits());
            look.into_iter().chain(series.points.iter().flatten().map(|value| value.to_bits())).chain(band)
        });
        hash(corners(plane.area).into_iter().chain(scales).chain(series).chain([u64::from(theme.dark)]))
    }

    fn grid(&self, canvas: &mut dyn Canvas, theme: &Theme) {
        let area = self.plane.area;
        let style = Type::new(self.ticks, theme.text_dim);
        for (y, label) in &self.y_ticks {
            canvas.line(&[pos2(area.left(), *y), pos2(area.right(), *y)], Pen::new(theme.grid, 1.0));
            canvas.text(pos2(area.left() - 7.0, *y), Align2::RIGHT_CENTER, label, style);
        }
        for (x, label) in &self.x_ticks {
            canvas.line(&[pos2(*x, area.bottom()), pos2(*x, area.bottom() + 3.0)], Pen::new(theme.outline, 1.0));
            // The outermost labels stay inside the figure.
            let half = style.width(label) / 2.0;
            let at = x.clamp(self.rect.left() + half, (self.rect.right() - half).max(self.rect.left() + half));
            canvas.text(pos2(at, area.bottom() + 6.0 + self.ticks / 2.0), Align2::CENTER_CENTER, label, style);
        }
    }

    fn axis_titles(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        if !self.titles {
            return;
        }
        let style = Type::new(10.5, theme.text_dim);
        let area = self.plane.area;
        let x_title = style.fit(&chart.x.title(), area.width());
        canvas.text(pos2(area.center().x, self.rect.bottom() - 7.0), Align2::CENTER_CENTER, &x_title, style);
        let y_title = style.fit(&chart.y.title(), area.height() + 8.0);
        canvas.text_upwards(pos2(self.rect.left() + 6.0, area.center().y), &y_title, style);
    }

    fn spans(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        let area = self.plane.area;
        for span in &chart.spans {
            let (Some(from), Some(to)) = (self.plane.x.position(span.from), self.plane.x.position(span.to)) else {
                continue;
            };
            let (from, to) = (from.min(to).max(area.left()), from.max(to).min(area.right()));
            if from >= to {
                continue;
            }
            let color = span.color.resolve(theme);
            let stretch = Rect::from_min_max(pos2(from, area.top()), pos2(to, area.bottom()));
            canvas.fill(stretch, 0.0, color.fade(0.08));
            let style = Type::new(9.5, color);
            let label = style.fit(&span.label, to - from - 8.0);
            canvas.text(pos2(from + 4.0, area.bottom() - 8.0), Align2::LEFT_CENTER, &label, style);
        }
    }

    fn reference_lines(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        let area = self.plane.area;
        for reference in &chart.references {
            if let Some(y) = self.plane.y.position(reference.y) {
                let pen = Pen::new(reference.color.resolve(theme).fade(0.75), 1.0).dashed(5.0, 4.0);
                canvas.line(&[pos2(area.left(), y), pos2(area.right(), y)], pen);
            }
        }
    }

    /// Each label stands at the right end of its line; where two would touch, the lower one moves down.
    fn reference_labels(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        let area = self.plane.area;
        let room = self.rect.right() - area.right() - 4.0;
        let mut shown: Vec<(f32, &crate::chart::Reference)> = chart
            .references
            .iter()
            .filter_map(|reference| Some((self.plane.y.position(reference.y)?, reference)))
            .filter(|(y, _)| (area.top()..=area.bottom()).contains(y))
            .collect();
        shown.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = f32::NEG_INFINITY;
        for (y, reference) in shown {
            let style = Type::new(NAME, reference.color.resolve(theme));
            if style.width(&reference.label) <= room + 1.0 {
                let middle = y.max(free);
                canvas.text(pos2(area.right() + 5.0, middle), Align2::LEFT_CENTER, &reference.label, style);
                free = middle + NAME + 2.0;
            }
        }
    }

    fn mark_lines(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme, playhead: bool) {
        let area = self.plane.area;
        for mark in chart.marks.iter().filter(|mark| (mark.kind == MarkKind::Playhead) == playhead) {
            let Some(x) = self.plane.x.position(mark.x) else { continue };
            let color = mark.color.resolve(theme);
            let pen = match mark.kind {
                MarkKind::Switch => Pen::new(color.fade(0.8), 1.0).dashed(3.0, 3.0),
                MarkKind::Event => Pen::new(color.fade(0.7), 1.0).dashed(1.0, 3.0),
                MarkKind::Playhead => Pen::new(color.fade(0.9), 1.0),
            };
            canvas.line(&[pos2(x, area.top()), pos2(x, area.bottom())], pen);
        }
    }

    /// Labels above the lines, cut where the next mark begins and left out where too little would remain.
    fn mark_labels(&self, canvas: &mut dyn Canvas, chart: &Chart, theme: &Theme) {
        let area = self.plane.area;
        let style = Type::new(if self.ticks < 10.0 { 9.0 } else { 10.0 }, theme.text).medium();
        let middle = area.top() - 8.0;
        let mut shown: Vec<(f32, &crate::chart::Mark)> = chart
            .marks
            .iter()
            .filter_map(|mark| Some((self.plane.x.position(mark.x)?, mark)))
            .filter(|(x, _)| (area.left() - 1.0..=area.right() + 1.0).contains(x))
            .collect();
        shown.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = f32::NEG_INFINITY;
        for (index, &(x, mark)) in shown.iter().enumerate() {
            let color = mark.color.resolve(theme);
            match mark.kind {
                MarkKind::Switch => {}
                MarkKind::Event => {
                    let at = |dx, dy| pos2(x + dx, area.top() - 1.0 + dy);
                    canvas.polygon(&[at(0.0, -3.5), at(3.5, 0.0), at(0.0, 3.5), at(-3.5, 0.0)], color);
                }
                MarkKind::Playhead => {
                    let at = |dx, dy| pos2(x + dx, area.top() + dy);
                    canvas.polygon(&[at(-4.0, -6.0), at(4.0, -6.0), at(0.0, 0.0)], color);
                }
            }
            let offset = if mark.kind == MarkKind::Switch { 0.0 } else { 7.0 };
            let style = Type { color, ..style };
            let room = |beyond: fn(MarkKind) -> bool| {
                let next = shown[index + 1..].iter().find(|(_, mark)| !mark.label.is_empty() && beyond(mark.kind));
                next.map_or(self.rect.right(), |(x, _)| (*x - 4.0).min(self.rect.right())) - x - offset
            };
            let (from, label) = if mark.kind == MarkKind::Switch {
                // A task's name is cut where the next task begins; one letter and an ellipsis says nothing.
                let label = style.fit(&mark.label, room(|kind| kind == MarkKind::Switch));
                (x, if label == mark.label || label.chars().count() > 3 { label } else { String::new() })
            } else if style.width(&mark.label) <= room(|_| true) {
                (x + offset, mark.label.clone())
            } else {
                (x - offset - style.width(&mark.label), mark.label.clone())
            };
            if from >= free && !label.is_empty() {
                canvas.text(pos2(from, middle), Align2::LEFT_CENTER, &label, style);
                free = from + style.width(&label) + 4.0;
            }
        }
    }

    fn band(&self, canvas: &mut dyn Canvas, series: &Series, theme: &Theme) {
        let Some(band) = &series.band else { return };
        let color = series.color.resolve(theme).fade(if theme.dark { 0.2 } else { 0.18 });
        for (upper, lower) in bands(&series.points, band, &self.plane) {
            canvas.band(&upper, &lower, color);
        }
    }

    fn series(&self, canvas: &mut dyn Canvas, series: &Series, theme: &Theme) {
        let pen = pen(series, theme);
        for run in lines(&series.points, &self.plane) {
            if run.len() > 1 {
                canvas.line(&run, pen);
            }
            if series.markers || run.len() == 1 {
                for at in &run {
                    canvas.dot(*at, pen.width + 1.0, pen.color, None);
                }
            }
        }
    }
}

/// Size of a reference line's name.
const NAME: f32 = 9.5;
/// Size of a legend's text.
const LEGEND: f32 = 10.5;

/// The pen of a series.
pub(crate) fn pen(series: &Series, theme: &Theme) -> Pen {
    let (color, width) = (series.color.resolve(theme), series.width as f32);
    match series.style {
        LineKind::Solid => Pen::new(color, width),
        LineKind::Dashed => Pen::new(color, width).dashed(5.0, 3.5),
        LineKind::Ghost => Pen::new(color.fade(0.5), width * 0.7),
    }
}

/// Legend entries, one per name. Without a theme only their names matter.
fn entries<'a>(chart: &'a Chart, theme: Option<&Theme>) -> Vec<Entry<'a>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut entries = Vec::new();
    for series in &chart.series {
        if !series.name.is_empty() && !seen.contains(&series.name.as_str()) {
            seen.push(&series.name);
            let pen = theme.map_or(Pen::new(crate::Color::TRANSPARENT, 0.0), |theme| pen(series, theme));
            entries.push(Entry { name: &series.name, swatch: Swatch::Line(pen) });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Reference, SeriesColor};
    use crate::theme::{DARK, LIGHT};
    use egui::vec2;

    fn chart(points: Vec<[f64; 2]>, y: Axis) -> Chart {
        let mut chart = Chart::new(Axis::new("optimiser step"), y);
        chart.series.push(Series::new("a", SeriesColor::Accent, points));
        chart
    }

    #[test]
    fn an_axis_range_wins_over_the_data() {
        let view = View::whole(&chart(vec![[3.0, 0.2], [9.0, 7.0]], Axis::accuracy()));
        assert_eq!(view, View { x: (3.0, 9.0), y: (0.0, 1.0) });
    }

    #[test]
    fn what_is_counted_has_whole_ticks() {
        let mut chart = chart(vec![[1.0, 0.1], [6.0, 2.0]], Axis::new("y"));
        let labels = |chart: &Chart, width: f32| -> Vec<String> {
            let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 300.0));
            Layout::new(chart, rect, None).x_ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert!(labels(&chart, 900.0).iter().any(|label| label.contains('.')));
        chart.x = Axis::new("layer").whole();
        assert_eq!(labels(&chart, 900.0), ["1", "2", "3", "4", "5", "6"]);
        chart.series[0].points = vec![[1.0, 0.1], [60.0, 2.0]];
        let narrow = labels(&chart, 220.0);
        assert!(narrow.len() < 60 && narrow.iter().all(|label| label.parse::<u32>().is_ok()), "{narrow:?}");
    }

    #[test]
    fn data_decide_with_a_margin_and_a_ground() {
        let view = View::whole(&chart(vec![[0.0, 0.1], [1.0, 2.0]], Axis::new("loss")));
        assert_eq!(view.y.0, 0.0, "a loss stands on the ground");
        assert!((view.y.1 - 2.114).abs() < 1e-9);
        let mut with_reference = chart(vec![[0.0, -1.0], [1.0, 1.0]], Axis::new("y"));
        with_reference.references.push(Reference::new(9.0, "far"));
        assert!(View::whole(&with_reference).y.1 > 9.0);
        let log = View::whole(&chart(vec![[0.0, 0.0], [1.0, 0.01], [2.0, 100.0]], Axis::new("y").log()));
        assert!((log.y.0 + 2.24).abs() < 1e-9 && (log.y.1 - 2.24).abs() < 1e-9, "zero has no logarithm");
    }

    #[test]
    fn kept_lines_are_drawn_anew_when_anything_of_them_changes() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 200.0));
        let first = chart(vec![[0.0, 0.1], [9.0, 0.7]], Axis::accuracy());
        let hash = |chart: &Chart, rect, theme| Layout::new(chart, rect, None).hash(chart, theme);
        let known = hash(&first, rect, &DARK);
        assert_eq!(known, hash(&first.clone(), rect, &DARK));
        assert_ne!(known, hash(&first, rect, &LIGHT));
        assert_ne!(known, hash(&first, rect.translate(vec2(1.0, 0.0)), &DARK));
        let changes: [fn(&mut Series); 6] = [
            |series| series.points[1][1] = 0.71,
            |series| series.points.truncate(1),
            |series| series.band = Some(vec![[0.0, 1.0]; 2]),
            |series| series.color = SeriesColor::Good,
            |series| series.style = LineKind::Dashed,
            |series| series.markers = true,
        ];
        for change in changes {
            let mut changed = first.clone();
            change(&mut changed.series[0]);
            assert_ne!(known, hash(&changed, rect, &DARK));
        }
    }

    #[test]
    fn nothing_leaves_the_rectangle_at_any_size() {
        let chart = chart(vec![[0.0, 0.1], [123_456.0, 0.9]], Axis::accuracy());
        for size in [(40.0, 30.0), (120.0, 80.0), (300.0, 200.0), (3800.0, 2000.0)] {
            let rect = Rect::from_min_size(pos2(5.0, 7.0), size.into());
            let layout = Layout::new(&chart, rect, None);
            assert!(rect.contains_rect(layout.plane.area), "{size:?}: {:?}", layout.plane.area);
            assert!(layout.plane.area.is_positive());
        }
    }
}
