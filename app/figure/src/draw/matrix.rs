//! Cells: square where they can be, with values where they fit, and a colour bar.

use egui::{Align2, Pos2, Rect, pos2, vec2};

use super::wrap;
use crate::canvas::{Canvas, Cells, Pen, Type, bits, corners, hash};
use crate::chart::SeriesColor;
use crate::map::Map;
use crate::matrix::Matrix;
use crate::number;
use crate::theme::{Theme, text_on};

/// Up to this many cells are drawn one by one; more become one picture.
const FEW: usize = 576;
/// Steps of the colour bar.
const STEPS: usize = 64;

/// Where everything stands.
pub(crate) struct Layout {
    /// All cells.
    pub grid: Rect,
    /// Width and height of a cell with its gap.
    pitch: egui::Vec2,
    gap: f32,
    rect: Rect,
    bar: Option<Rect>,
    font: f32,
    /// Room for row labels, left of the grid.
    label_width: f32,
    /// Height of the column labels above the grid; 0: none.
    col_height: f32,
    /// Column labels read upwards, because they are wider than a column.
    upright: bool,
    titles: bool,
    note: Vec<String>,
    /// Where the note begins.
    note_top: f32,
}

/// Height of a line of note.
const NOTE: f32 = 13.0;

impl Layout {
    /// Lay out in `rect`.
    pub fn new(matrix: &Matrix, rect: Rect) -> Self {
        let level = Self::with_labels(matrix, rect, false);
        let plain = Type::new(level.font, crate::Color::TRANSPARENT).medium();
        let widest = matrix.col_labels.iter().map(|label| plain.width(label)).fold(0.0, f32::max);
        let turn = rect.height() >= 200.0 && widest + 3.0 > level.pitch.x && level.pitch.x > level.font + 1.0;
        if turn { Self::with_labels(matrix, rect, true) } else { level }
    }

    fn with_labels(matrix: &Matrix, rect: Rect, upright: bool) -> Self {
        let small = rect.width() < 240.0 || rect.height() < 170.0;
        let font = if small { 9.5 } else { 11.0 };
        let style = Type::new(font, crate::Color::TRANSPARENT).medium();
        let dim = Type::new(10.0, crate::Color::TRANSPARENT);
        let titles = rect.width() >= 150.0 && rect.height() >= 120.0;

        let mut note = if rect.height() >= 150.0 { wrap(&matrix.note, dim, rect.width()) } else { Vec::new() };
        note.truncate(2);
        let bar_label = bar_labels(matrix).into_iter().map(|(_, label)| dim.width(&label)).fold(0.0, f32::max);
        let bar_width = if rect.width() >= 140.0 && rect.height() >= 70.0 { 12.0 + 8.0 + 5.0 + bar_label } else { 0.0 };
        let row_title = if titles && !matrix.row_title.is_empty() { 16.0 } else { 0.0 };
        let col_title = if titles && !matrix.col_title.is_empty() { 15.0 } else { 0.0 };
        let label_width = matrix.row_labels.iter().map(|label| style.width(label)).fold(0.0, f32::max);
        let label_width = label_width.min(rect.width() * 0.3);
        let label_room = if label_width > 0.0 { label_width + 7.0 } else { 0.0 };
        let col_height = if matrix.col_labels.is_empty() || rect.height() < 60.0 {
            0.0
        } else if upright {
            let widest = matrix.col_labels.iter().map(|label| style.width(label)).fold(0.0, f32::max);
            widest.min(rect.height() * 0.28) + 7.0
        } else {
            font + 6.0
        };
        let above = col_title + col_height;
        let below = if note.is_empty() { 0.0 } else { 6.0 + NOTE * note.len() as f32 };

        let room =
            vec2(rect.width() - row_title - label_room - bar_width, rect.height() - above - below).max(vec2(8.0, 8.0));
        let pitch = pitch(room, matrix.rows, matrix.cols);
        let size = vec2(pitch.x * matrix.cols.max(1) as f32, pitch.y * matrix.rows.max(1) as f32);
        let used = vec2(row_title + label_room + size.x + bar_width, above + size.y + below);
        let corner = rect.min + ((rect.size() - used) / 2.0).max(vec2(0.0, 0.0));
        let grid = Rect::from_min_size(corner + vec2(row_title + label_room, above), size);
        let bar = (bar_width > 0.0).then(|| {
            Rect::from_min_max(pos2(grid.right() + 12.0, grid.top()), pos2(grid.right() + 20.0, grid.bottom()))
        });
        let least = pitch.min_elem();
        let gap = if matrix.rows * matrix.cols > FEW || least < 6.0 { 0.0 } else { (least * 0.06).clamp(1.0, 3.0) };
        let note_top = grid.bottom() + 6.0;
        Self { grid, pitch, gap, rect, bar, font, label_width, col_height, upright, titles, note, note_top }
    }

    /// The rectangle of a cell.
    pub fn cell(&self, row: usize, col: usize) -> Rect {
        let corner = self.grid.min + vec2(col as f32 * self.pitch.x, row as f32 * self.pitch.y);
        Rect::from_min_size(corner, self.pitch).shrink(self.gap / 2.0)
    }

    /// The cell (row, column) at a position.
    pub fn at(&self, matrix: &Matrix, at: Pos2) -> Option<(usize, usize)> {
        let offset = at - self.grid.min;
        let (row, col) = ((offset.y / self.pitch.y).floor(), (offset.x / self.pitch.x).floor());
        let inside = row >= 0.0 && col >= 0.0 && (row as usize) < matrix.rows && (col as usize) < matrix.cols;
        inside.then_some((row as usize, col as usize))
    }

    /// Roundness of a cell's corners.
    pub fn radius(&self) -> f32 {
        if self.gap == 0.0 { 0.0 } else { (self.pitch.min_elem() * 0.1).clamp(1.0, 5.0) }
    }

    /// Draw all of it.
    pub fn draw(&self, canvas: &mut dyn Canvas, matrix: &Matrix, theme: &Theme) {
        if matrix.rows == 0 || matrix.cols == 0 {
            return;
        }
        let range = matrix.shown_range();
        let color = |row: usize, col: usize| {
            let value = matrix.value(row, col).filter(|value| value.is_finite());
            value.map_or(theme.sunken, |value| matrix.map.color(Map::position(value, range), theme))
        };
        if matrix.rows * matrix.cols > FEW {
            let values = matrix.values.iter().map(|value| value.map_or(u64::MAX, f64::to_bits));
            let ends = [range.0.to_bits(), range.1.to_bits(), u64::from(theme.dark), map_bits(matrix.map)];
            let hash = hash(values.chain(ends));
            let cells = Cells { slot: "cells", rows: matrix.rows, cols: matrix.cols, hash, color: &color };
            canvas.cells(self.grid, &cells);
        } else {
            self.cells(canvas, matrix, theme, &color);
        }
        self.labels(canvas, matrix, theme);
        self.bar(canvas, matrix, theme);
        let style = Type::new(10.0, theme.text_dim);
        for (index, line) in self.note.iter().enumerate() {
            let at = pos2(self.rect.center().x, self.note_top + NOTE * (index as f32 + 0.5));
            canvas.text(at, Align2::CENTER_CENTER, line, style);
        }
    }

    fn cells(
        &self,
        canvas: &mut dyn Canvas,
        matrix: &Matrix,
        theme: &Theme,
        color: &dyn Fn(usize, usize) -> crate::Color,
    ) {
        let range = matrix.shown_range();
        let whole = matrix.values.iter().flatten().all(|value| value.fract() == 0.0);
        let radius = self.radius();
        let texts: Vec<Option<String>> =
            matrix.values.iter().map(|value| value.map(|value| number::cell(value, whole, range))).collect();
        // One size for all cells, so that digits compare.
        let room = self.pitch.x - self.gap - 4.0;
        let size = (self.pitch.y * 0.36).min(if self.pitch.y > 64.0 { 15.0 } else { 12.0 });
        let style = Type::new(size, theme.text).medium();
        let fits = texts.iter().flatten().all(|text| style.width(text) <= room);
        let style = if fits { style } else { Type { size: size * 0.8, ..style } };
        let show =
            matrix.show_values && style.size >= 7.0 && texts.iter().flatten().all(|text| style.width(text) <= room);
        let all = || (0..matrix.rows).flat_map(|row| (0..matrix.cols).map(move |col| (row, col)));
        let colors = all().map(|(row, col)| bits(color(row, col)));
        let known = matrix.values.iter().map(|value| u64::from(value.is_some()));
        let hash = hash(corners(self.grid).into_iter().chain(colors).chain(known).chain([u64::from(theme.dark)]));
        canvas.kept("cells", hash, &|canvas| {
            for (row, col) in all() {
                let place = self.cell(row, col);
                canvas.fill(place, radius, color(row, col));
                if self.gap > 0.0 && matrix.value(row, col).is_none() {
                    canvas.border(place, radius, Pen::new(theme.outline, 1.0));
                }
            }
        });
        if show {
            for ((row, col), text) in all().zip(&texts) {
                if let Some(text) = text {
                    let style = Type { color: text_on(color(row, col)), ..style };
                    canvas.text(self.cell(row, col).center(), Align2::CENTER_CENTER, text, style);
                }
            }
        }
    }

    fn labels(&self, canvas: &mut dyn Canvas, matrix: &Matrix, theme: &Theme) {
        let style = |color: Option<&SeriesColor>| {
            Type::new(self.font, color.map_or(theme.text_dim, |color| color.resolve(theme))).medium()
        };
        let every = |pitch: f32, need: f32| (need / pitch).ceil().max(1.0) as usize;
        for row in (0..matrix.rows).step_by(every(self.pitch.y, self.font + 1.0)) {
            if let Some(label) = matrix.row_labels.get(row) {
                let style = style(matrix.row_colors.get(row));
                let at = pos2(self.grid.left() - 7.0, self.cell(row, 0).center().y);
                canvas.text(at, Align2::RIGHT_CENTER, &style.fit(label, self.label_width + 0.5), style);
            }
        }
        if self.col_height > 0.0 {
            let plain = style(None);
            let widest = matrix.col_labels.iter().map(|label| plain.width(label)).fold(0.0, f32::max);
            let need = if self.upright { self.font + 1.0 } else { widest.min(4.0 * self.font) + 4.0 };
            let step = every(self.pitch.x, need);
            for col in (0..matrix.cols).step_by(step) {
                let Some(label) = matrix.col_labels.get(col) else { continue };
                let style = style(matrix.col_colors.get(col));
                let x = self.cell(0, col).center().x;
                if self.upright {
                    let label = style.fit(label, self.col_height - 6.5);
                    let middle = self.grid.top() - 6.0 - style.width(&label) / 2.0;
                    canvas.text_upwards(pos2(x, middle), &label, style);
                } else {
                    let label = style.fit(label, self.pitch.x * step as f32 - 3.0);
                    let middle = self.grid.top() - 4.0 - self.font / 2.0;
                    canvas.text(pos2(x, middle), Align2::CENTER_CENTER, &label, style);
                }
            }
        }
        if self.titles {
            let style = Type::new(10.5, theme.text_dim);
            let left = self.grid.left() - if self.label_width > 0.0 { self.label_width + 7.0 } else { 0.0 };
            let center = pos2(left - 9.0, self.grid.center().y);
            canvas.text_upwards(center, &style.fit(&matrix.row_title, self.rect.height()), style);
            let title = style.fit(&matrix.col_title, self.rect.width());
            let half = style.width(&title) / 2.0;
            let x = self
                .grid
                .center()
                .x
                .clamp(self.rect.left() + half, (self.rect.right() - half).max(self.rect.left() + half));
            canvas.text(pos2(x, self.grid.top() - self.col_height - 8.0), Align2::CENTER_CENTER, &title, style);
        }
    }

    fn bar(&self, canvas: &mut dyn Canvas, matrix: &Matrix, theme: &Theme) {
        let Some(bar) = self.bar.map(|bar| bar.shrink2(vec2(0.0, self.gap / 2.0))) else { return };
        let color = |row: usize, _| matrix.map.color(1.0 - row as f64 / (STEPS - 1) as f64, theme);
        let hash = hash([map_bits(matrix.map), u64::from(theme.dark)]);
        canvas.cells(bar, &Cells { slot: "bar", rows: STEPS, cols: 1, hash, color: &color });
        let style = Type::new(10.0, theme.text_dim);
        for (along, label) in bar_labels(matrix) {
            let y = bar.bottom() - along * bar.height();
            let y = y.clamp(bar.top() + 5.0, (bar.bottom() - 5.0).max(bar.top() + 5.0));
            canvas.text(pos2(bar.right() + 5.0, y), Align2::LEFT_CENTER, &label, style);
        }
    }
}

/// The largest side of a cell.
const LARGEST: f32 = 96.0;

/// Width and height of a cell where `rows` and `cols` of them have this much room: squares where that leaves something to
/// see, else the whole room.
pub(crate) fn pitch(room: egui::Vec2, rows: usize, cols: usize) -> egui::Vec2 {
    let (rows, cols) = (rows.max(1) as f32, cols.max(1) as f32);
    let side = (room.x / cols).min(room.y / rows).min(LARGEST);
    if side >= 3.0 || (cols / rows).max(rows / cols) < 3.0 {
        vec2(side, side)
    } else {
        vec2((room.x / cols).min(LARGEST), (room.y / rows).min(LARGEST))
    }
}

/// Values at the ends of the colour bar and, where the map turns there, at 0: share of the height, label.
fn bar_labels(matrix: &Matrix) -> Vec<(f32, String)> {
    let (low, high) = matrix.shown_range();
    let decimals = if low.fract() == 0.0 && high.fract() == 0.0 { 0 } else { 2 };
    let mut labels = vec![(0.0, number::tick_label(low, decimals)), (1.0, number::tick_label(high, decimals))];
    if matrix.map == Map::Diverging && low < 0.0 && high > 0.0 {
        labels.push((Map::position(0.0, (low, high)) as f32, "0".to_owned()));
    }
    labels
}

/// Something to tell colour maps apart.
pub(crate) fn map_bits(map: Map) -> u64 {
    match map {
        Map::Sequential => 1,
        Map::Diverging => 2,
        Map::Between(low, high) => hash([3, bits(low), bits(high)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_inside_and_are_found_again() {
        for (rows, cols) in [(1, 1), (5, 5), (2, 40), (40, 2), (64, 64), (300, 20)] {
            for size in [(60.0, 60.0), (300.0, 200.0), (1200.0, 900.0)] {
                let mut matrix =
                    Matrix::new(rows, cols, vec![Some(0.5); rows * cols]).titles("after", "on").task_labels();
                matrix.note = "a note below the matrix".to_owned();
                let rect = Rect::from_min_size(pos2(3.0, 4.0), size.into());
                let layout = Layout::new(&matrix, rect);
                for (row, col) in [(0, 0), (rows - 1, cols - 1), (rows / 2, cols / 3)] {
                    let cell = layout.cell(row, col);
                    assert!(rect.expand(0.01).contains_rect(cell), "{rows}x{cols} in {size:?}: {cell:?}");
                    assert_eq!(layout.at(&matrix, cell.center()), Some((row, col)));
                }
                assert_eq!(layout.at(&matrix, layout.grid.min - vec2(1.0, 1.0)), None);
                assert_eq!(layout.at(&matrix, layout.grid.max + vec2(1.0, 1.0)), None);
            }
        }
    }

    #[test]
    fn the_bar_names_its_ends() {
        let labels = |matrix: Matrix| bar_labels(&matrix).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Matrix::new(1, 1, vec![Some(0.3)])), ["0", "1"]);
        let diverging = Matrix::new(1, 2, vec![Some(-0.25), Some(0.1)]).map(Map::Diverging, None);
        assert_eq!(labels(diverging), ["−0.25", "0.25", "0"]);
    }
}
