//! Flat cells with numbered sides, a legend, and values where cells are wide enough.

use egui::{Align2, Pos2, Rect, pos2, vec2};

use super::matrix::{map_bits, pitch};
use super::plane::{Scale, sound};
use super::wrap;
use crate::canvas::{Canvas, Cells, Type, hash};
use crate::heat::{Heat, Values, Window};
use crate::map::{Map, STEPS};
use crate::number;
use crate::theme::{Theme, text_on};

/// Height of a line of note.
const NOTE: f32 = 13.0;
/// Width of the legend's colours, with the room before them.
const BAR: (f32, f32) = (8.0, 12.0);
/// Least height of a legend.
const SHORTEST: f32 = 36.0;

/// Where everything stands.
pub(crate) struct Layout {
    /// All cells.
    pub grid: Rect,
    rect: Rect,
    bar: Option<Rect>,
    font: f32,
    /// Room for row labels, left of the grid; 0: none.
    label_width: f32,
    /// Height of the column labels above the grid; 0: none.
    col_height: f32,
    titles: bool,
    note: Vec<String>,
    note_top: f32,
}

impl Layout {
    /// Lay out in `rect`. It does not depend on the zoom, so that nothing moves under a pointer.
    pub fn new(heat: &Heat, rect: Rect) -> Self {
        let font = if rect.width() < 240.0 || rect.height() < 170.0 { 9.5 } else { 10.5 };
        let style = Type::new(font, crate::Color::TRANSPARENT);
        let dim = Type::new(10.0, crate::Color::TRANSPARENT);
        let titles = rect.width() >= 150.0 && rect.height() >= 120.0;
        let sides = rect.width() >= 90.0 && rect.height() >= 70.0;

        let mut note = if rect.height() >= 150.0 { wrap(&heat.note, dim, rect.width()) } else { Vec::new() };
        note.truncate(2);
        let widest = |labels: &[String], count: usize| {
            let number = if labels.is_empty() { style.width(&count.to_string()) } else { 0.0 };
            labels.iter().map(|label| style.width(label)).fold(number, f32::max)
        };
        let label_width = if sides { widest(&heat.row_labels, heat.rows()).min(rect.width() * 0.3) } else { 0.0 };
        let label_room = if label_width > 0.0 { label_width + 6.0 } else { 0.0 };
        let col_height = if sides { font + 5.0 } else { 0.0 };
        let bar_width = if rect.width() >= 140.0 && rect.height() >= 70.0 {
            // A long legend has finer ticks than a short one, and they need more room.
            let ticks = [60.0, 120.0, 240.0, 480.0].into_iter().flat_map(|height| bar_ticks(heat, height));
            let text = ticks.map(|(_, label)| dim.width(&label)).fold(0.0, f32::max);
            BAR.1 + BAR.0 + 5.0 + text
        } else {
            0.0
        };
        let row_title = if titles && !heat.row_title.is_empty() { 16.0 } else { 0.0 };
        let col_title = if titles && !heat.col_title.is_empty() { 15.0 } else { 0.0 };
        let above = (col_title + col_height).max(if bar_width > 0.0 && !heat.unit.is_empty() { 15.0 } else { 0.0 });
        let below = if note.is_empty() { 0.0 } else { 6.0 + NOTE * note.len() as f32 };
        let room =
            vec2(rect.width() - row_title - label_room - bar_width, rect.height() - above - below).max(vec2(8.0, 8.0));
        let pitch = pitch(room, heat.rows(), heat.cols());
        let size = vec2(pitch.x * heat.cols().max(1) as f32, pitch.y * heat.rows().max(1) as f32);
        let used = vec2(row_title + label_room + size.x + bar_width, above + size.y + below);
        let corner = rect.min + ((rect.size() - used) / 2.0).max(vec2(0.0, 0.0));
        let grid = Rect::from_min_size(corner + vec2(row_title + label_room, above), size);
        // Beside a table of few rows there is no height for a legend.
        let bar = (bar_width > 0.0 && size.y >= SHORTEST).then(|| {
            let left = grid.right() + BAR.1;
            Rect::from_min_max(pos2(left, grid.top()), pos2(left + BAR.0, grid.bottom()))
        });
        let note_top = grid.bottom() + 6.0;
        Self { grid, rect, bar, font, label_width, col_height, titles, note, note_top }
    }

    /// The cell (row, column) at a position.
    pub fn at(&self, heat: &Heat, window: Window, at: Pos2) -> Option<(usize, usize)> {
        let (x, y) = window.cell_at(at, self.grid);
        let inside = self.grid.contains(at) && x >= 0.0 && y >= 0.0;
        let (row, col) = (y as usize, x as usize);
        (inside && row < heat.rows() && col < heat.cols()).then_some((row, col))
    }

    /// Draw what `window` shows of it.
    pub fn draw(&self, canvas: &mut dyn Canvas, heat: &Heat, window: Window, theme: &Theme) {
        if heat.rows() == 0 || heat.cols() == 0 {
            return;
        }
        canvas.heat(self.grid, heat, window, theme);
        self.values(canvas, heat, window, theme);
        self.sides(canvas, heat, window, theme);
        self.bar(canvas, heat, theme);
        let style = Type::new(10.0, theme.text_dim);
        for (index, line) in self.note.iter().enumerate() {
            let at = pos2(self.rect.center().x, self.note_top + NOTE * (index as f32 + 0.5));
            canvas.text(at, Align2::CENTER_CENTER, line, style);
        }
    }

    /// The numbers in the cells, where all in sight fit.
    fn values(&self, canvas: &mut dyn Canvas, heat: &Heat, window: Window, theme: &Theme) {
        let pitch = window.pitch(self.grid);
        let style = Type::new((pitch.y * 0.36).min(11.0), theme.text);
        // No text is narrower than two digits: most zooms need no closer look.
        if style.size < 7.0 || pitch.x < style.width("00") + 4.0 {
            return;
        }
        let range = heat.shown_range();
        let (rows, cols) = (window.rows(heat.rows()), window.cols(heat.cols()));
        let all = || rows.clone().flat_map(|row| cols.clone().map(move |col| (row, col)));
        let known: Vec<((usize, usize), f64)> =
            all().filter_map(|(row, col)| Some(((row, col), heat.value(row, col)?))).collect();
        let whole = known.iter().all(|(_, value)| value.fract() == 0.0);
        let texts: Vec<String> = known.iter().map(|(_, value)| number::cell(*value, whole, range)).collect();
        if texts.iter().any(|text| style.width(text) > pitch.x - 3.0) {
            return;
        }
        canvas.clip(self.grid);
        for (((row, col), value), text) in known.into_iter().zip(&texts) {
            let ground = heat.map.color(Map::position(value, range), theme);
            let at = window.place([row, row + 1], [col, col + 1], self.grid).center();
            canvas.text(at, Align2::CENTER_CENTER, text, Type { color: text_on(ground), ..style });
        }
        canvas.unclip();
    }

    fn sides(&self, canvas: &mut dyn Canvas, heat: &Heat, window: Window, theme: &Theme) {
        let style = Type::new(self.font, theme.text_dim);
        let pitch = window.pitch(self.grid);
        if self.label_width > 0.0 {
            let step = every(pitch.y, self.font + 2.0, heat.row_labels.is_empty());
            for row in marked(window.rows(heat.rows()), step, heat.row_labels.is_empty()) {
                let y = window.place([row, row + 1], [0, 1], self.grid).center().y;
                if (self.grid.top()..=self.grid.bottom()).contains(&y) {
                    let label = heat.row_labels.get(row).cloned().unwrap_or_else(|| (row + 1).to_string());
                    let label = style.fit(&label, self.label_width + 0.5);
                    canvas.text(pos2(self.grid.left() - 6.0, y), Align2::RIGHT_CENTER, &label, style);
                }
            }
        }
        if self.col_height > 0.0 {
            let widest = heat.col_labels.iter().map(|label| style.width(label)).fold(0.0, f32::max);
            let widest = if heat.col_labels.is_empty() { style.width(&heat.cols().to_string()) } else { widest };
            let step = every(pitch.x, widest.min(5.0 * self.font) + 5.0, heat.col_labels.is_empty());
            for col in marked(window.cols(heat.cols()), step, heat.col_labels.is_empty()) {
                let x = window.place([0, 1], [col, col + 1], self.grid).center().x;
                if (self.grid.left()..=self.grid.right()).contains(&x) {
                    let label = heat.col_labels.get(col).cloned().unwrap_or_else(|| (col + 1).to_string());
                    let label = style.fit(&label, pitch.x * step as f32 - 3.0);
                    let middle = self.grid.top() - 3.0 - self.font / 2.0;
                    canvas.text(pos2(x, middle), Align2::CENTER_CENTER, &label, style);
                }
            }
        }
        if self.titles {
            let style = Type::new(10.5, theme.text_dim);
            let left = self.grid.left() - if self.label_width > 0.0 { self.label_width + 6.0 } else { 0.0 };
            let center = pos2(left - 9.0, self.grid.center().y);
            canvas.text_upwards(center, &style.fit(&heat.row_title, self.rect.height()), style);
            let title = style.fit(&heat.col_title, self.rect.width());
            let half = style.width(&title) / 2.0;
            let (least, most) = (self.rect.left() + half, self.rect.right() - half);
            let x = self.grid.center().x.clamp(least, most.max(least));
            canvas.text(pos2(x, self.grid.top() - self.col_height - 8.0), Align2::CENTER_CENTER, &title, style);
        }
    }

    fn bar(&self, canvas: &mut dyn Canvas, heat: &Heat, theme: &Theme) {
        let Some(bar) = self.bar else { return };
        let color = |row: usize, _| heat.map.color(1.0 - row as f64 / (STEPS - 1) as f64, theme);
        let hash = hash([map_bits(heat.map), u64::from(theme.dark)]);
        canvas.cells(bar, &Cells { slot: "bar", rows: STEPS, cols: 1, hash, color: &color });
        let style = Type::new(10.0, theme.text_dim);
        for (along, label) in bar_ticks(heat, bar.height()) {
            let y = bar.bottom() - along * bar.height();
            let y = y.clamp(bar.top() + 5.0, (bar.bottom() - 5.0).max(bar.top() + 5.0));
            canvas.text(pos2(bar.right() + 5.0, y), Align2::LEFT_CENTER, &label, style);
        }
        if !heat.unit.is_empty() {
            let unit = style.fit(&heat.unit, self.rect.width() / 3.0);
            let at = pos2((bar.left() + style.width(&unit)).min(self.rect.right()), bar.top() - 8.0);
            canvas.text(at.max(pos2(bar.right(), 0.0)), Align2::RIGHT_CENTER, &unit, style);
        }
    }
}

/// The cells in sight as one picture, coloured on the processor: files, and windows without a graphics card's help.
pub(crate) fn cells(canvas: &mut dyn Canvas, grid: Rect, heat: &Heat, window: Window, theme: &Theme) {
    let range = heat.shown_range();
    let color = |row: usize, col: usize| {
        heat.value(row, col).map_or(theme.sunken, |value| heat.map.color(Map::position(value, range), theme))
    };
    let id = match heat.values() {
        Values::Cells { id, .. } => Some(*id),
        Values::Card(view) => view.known_id(),
    };
    let ends = [range.0.to_bits(), range.1.to_bits(), u64::from(theme.dark), map_bits(heat.map)];
    let hash = hash([id.unwrap_or(u64::MAX)].into_iter().chain(ends));
    let whole = window.place([0, heat.rows()], [0, heat.cols()], grid);
    canvas.clip(grid);
    canvas.cells(whole, &Cells { slot: "heat", rows: heat.rows(), cols: heat.cols(), hash, color: &color });
    canvas.unclip();
}

/// Ticks of the legend: share of its height, label. Both ends where nothing between is round.
fn bar_ticks(heat: &Heat, height: f32) -> Vec<(f32, String)> {
    let (low, high) = sound(heat.shown_range());
    let scale = Scale { low, high, log: false, from: 0.0, to: height.max(1.0) };
    let ticks: Vec<(f32, String)> = scale.ticks(26.0).into_iter().map(|(at, label)| (at / scale.to, label)).collect();
    if ticks.len() > 1 {
        return ticks;
    }
    vec![(0.0, number::precise(low)), (1.0, number::precise(high))]
}

/// Every how many-th cell can be labelled where a label needs this much room; a round number where cells are numbered.
fn every(pitch: f32, need: f32, round: bool) -> usize {
    let least = (need / pitch.max(1e-6)).ceil().clamp(1.0, 1e9) as usize;
    if !round {
        return least;
    }
    let power = 10usize.pow(least.ilog10());
    [1, 2, 5, 10].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10 * power)
}

/// The labelled ones of these cells: numbered cells by the numbers that people count from 1.
fn marked(cells: std::ops::Range<usize>, step: usize, numbered: bool) -> impl Iterator<Item = usize> {
    cells.filter(move |cell| (cell + usize::from(numbered && step > 1)).is_multiple_of(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_where_they_are_drawn() {
        for (rows, cols) in [(1, 1), (5, 5), (2, 40), (64, 64), (1024, 1024)] {
            for size in [(60.0, 60.0), (300.0, 200.0), (1200.0, 900.0)] {
                let mut heat = Heat::new(rows, cols, vec![0.5; rows * cols]).titles("after", "on").unit("nats");
                heat.note = "a note below the map".to_owned();
                let rect = Rect::from_min_size(pos2(3.0, 4.0), size.into());
                let layout = Layout::new(&heat, rect);
                assert!(rect.expand(0.01).contains_rect(layout.grid), "{rows}x{cols} in {size:?}: {:?}", layout.grid);
                let window = Window::whole(rows, cols).zoom(3.0, layout.grid.center(), layout.grid, (rows, cols));
                for window in [Window::whole(rows, cols), window] {
                    let (row, col) = (window.rows(rows).last().unwrap(), window.cols(cols).start);
                    let place = window.place([row, row + 1], [col, col + 1], layout.grid).intersect(layout.grid);
                    assert_eq!(layout.at(&heat, window, place.center()), Some((row, col)));
                }
                assert_eq!(layout.at(&heat, window, layout.grid.min - vec2(1.0, 1.0)), None);
                assert_eq!(layout.at(&heat, window, layout.grid.max + vec2(1.0, 1.0)), None);
            }
        }
    }

    #[test]
    fn numbered_sides_are_marked_at_round_numbers() {
        assert_eq!([every(20.0, 12.0, true), every(5.0, 12.0, true), every(0.4, 12.0, true)], [1, 5, 50]);
        assert_eq!(every(5.0, 12.0, false), 3);
        assert_eq!(marked(0..12, 5, true).collect::<Vec<_>>(), [4, 9]);
        assert_eq!(marked(0..5, 1, true).count(), 5);
        assert_eq!(marked(2..9, 3, false).collect::<Vec<_>>(), [3, 6]);
    }

    #[test]
    fn the_legend_has_round_ticks() {
        let labels = |heat: Heat| bar_ticks(&heat, 120.0).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Heat::new(1, 2, vec![-0.25, 0.1])), ["−0.2", "0.0", "0.2"]);
        assert_eq!(labels(Heat::new(1, 1, vec![0.0])), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    }
}
