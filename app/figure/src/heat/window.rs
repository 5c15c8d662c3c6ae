//! Which cells a heat map shows: all of them, or those that a person has zoomed to.

use egui::{Pos2, Rect, pos2, vec2};

/// Fewest cells of a side that zooming leaves in sight.
const FEWEST: f64 = 2.0;

/// A rectangle in cells: column and row of its upper left corner, and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub left: f64,
    pub top: f64,
    pub wide: f64,
    pub tall: f64,
}

impl Window {
    /// Everything.
    pub fn whole(rows: usize, cols: usize) -> Self {
        Self { left: 0.0, top: 0.0, wide: cols.max(1) as f64, tall: rows.max(1) as f64 }
    }

    /// Nearer by `factor` (below 1: farther), so that the point `at` of `grid` keeps its cell.
    pub fn zoom(self, factor: f64, at: Pos2, grid: Rect, (rows, cols): (usize, usize)) -> Self {
        let (x, y) = self.cell_at(at, grid);
        let (along, down) = ((x - self.left) / self.wide, (y - self.top) / self.tall);
        let side = |now: f64, all: usize| (now / factor).clamp(FEWEST.min(all.max(1) as f64), all.max(1) as f64);
        let (wide, tall) = (side(self.wide, cols), side(self.tall, rows));
        Self { left: x - along * wide, top: y - down * tall, wide, tall }.inside(rows, cols)
    }

    /// Moved so that what was under the pointer stays under it after it moved by `by` points.
    pub fn drag(self, by: egui::Vec2, grid: Rect, (rows, cols): (usize, usize)) -> Self {
        let (wide, tall) = (f64::from(grid.width().max(1.0)), f64::from(grid.height().max(1.0)));
        let left = self.left - f64::from(by.x) * self.wide / wide;
        let top = self.top - f64::from(by.y) * self.tall / tall;
        Self { left, top, ..self }.inside(rows, cols)
    }

    /// Moved by as little as brings a whole cell into sight.
    pub fn reveal(self, row: usize, col: usize, (rows, cols): (usize, usize)) -> Self {
        let near = |from: f64, size: f64, cell: usize| {
            let cell = cell as f64;
            from.min(cell).max((cell + 1.0 - size).min(cell))
        };
        Self { left: near(self.left, self.wide, col), top: near(self.top, self.tall, row), ..self }.inside(rows, cols)
    }

    /// Kept within the table, as after its size has changed.
    pub fn inside(self, rows: usize, cols: usize) -> Self {
        let (rows, cols) = (rows.max(1) as f64, cols.max(1) as f64);
        let (wide, tall) = (self.wide.clamp(1.0, cols), self.tall.clamp(1.0, rows));
        Self { left: self.left.clamp(0.0, cols - wide), top: self.top.clamp(0.0, rows - tall), wide, tall }
    }

    /// Column and row, with fractions, at a point of the window.
    pub fn cell_at(self, at: Pos2, grid: Rect) -> (f64, f64) {
        let along = f64::from(at.x - grid.left()) / f64::from(grid.width().max(1e-3));
        let down = f64::from(at.y - grid.top()) / f64::from(grid.height().max(1e-3));
        (self.left + along * self.wide, self.top + down * self.tall)
    }

    /// Where a rectangle of whole cells lies: `rows` and `cols` are half open.
    pub fn place(self, rows: [usize; 2], cols: [usize; 2], grid: Rect) -> Rect {
        let x = |col: usize| grid.left() + ((col as f64 - self.left) / self.wide) as f32 * grid.width();
        let y = |row: usize| grid.top() + ((row as f64 - self.top) / self.tall) as f32 * grid.height();
        Rect::from_min_max(pos2(x(cols[0]), y(rows[0])), pos2(x(cols[1]), y(rows[1])))
    }

    /// Width and height of a cell in points.
    pub fn pitch(self, grid: Rect) -> egui::Vec2 {
        vec2(grid.width() / self.wide as f32, grid.height() / self.tall as f32)
    }

    /// The rows, or parts of rows, in sight.
    pub fn rows(self, rows: usize) -> std::ops::Range<usize> {
        self.top.floor() as usize..((self.top + self.tall).ceil() as usize).min(rows)
    }

    /// The columns, or parts of columns, in sight.
    pub fn cols(self, cols: usize) -> std::ops::Range<usize> {
        self.left.floor() as usize..((self.left + self.wide).ceil() as usize).min(cols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid() -> Rect {
        Rect::from_min_size(pos2(10.0, 20.0), vec2(200.0, 100.0))
    }

    #[test]
    fn twice_as_near_about_the_middle_shows_the_middle_half() {
        let window = Window::whole(40, 80).zoom(2.0, grid().center(), grid(), (40, 80));
        assert_eq!(window, Window { left: 20.0, top: 10.0, wide: 40.0, tall: 20.0 });
        assert_eq!(window.pitch(grid()), vec2(5.0, 5.0));
        assert_eq!((window.rows(40), window.cols(80)), (10..30, 20..60));
        assert_eq!(window.place([10, 30], [20, 60], grid()), grid());
    }

    #[test]
    fn zooming_ends_at_two_cells_and_at_all_of_them() {
        let near = Window::whole(40, 80).zoom(1e9, grid().min, grid(), (40, 80));
        assert_eq!(near, Window { left: 0.0, top: 0.0, wide: 2.0, tall: 2.0 });
        assert_eq!(near.zoom(1e-9, grid().max, grid(), (40, 80)), Window::whole(40, 80));
        let strip = Window::whole(1, 80).zoom(4.0, grid().center(), grid(), (1, 80));
        assert_eq!((strip.tall, strip.wide), (1.0, 20.0));
    }

    #[test]
    fn a_cell_is_brought_into_sight_by_as_little_as_needed() {
        let window = Window { left: 20.0, top: 10.0, wide: 40.0, tall: 20.0 };
        let size = (40, 80);
        assert_eq!(window.reveal(15, 30, size), window);
        assert_eq!(window.reveal(15, 60, size).left, 21.0);
        assert_eq!(window.reveal(3, 30, size).top, 3.0);
        assert_eq!(window.reveal(39, 79, size), Window { left: 40.0, top: 20.0, wide: 40.0, tall: 20.0 });
    }

    proptest! {
        #[test]
        fn the_cell_under_the_pointer_stays_and_the_window_stays_inside(
            x in 10.0f32..210.0, y in 20.0f32..120.0, factor in 1.0f64..6.0, dx in -300.0f32..300.0, dy in -300.0f32..300.0,
        ) {
            let size = (300, 700);
            let window = Window::whole(size.0, size.1).zoom(3.0, pos2(60.0, 70.0), grid(), size);
            let (before, after) = (window.cell_at(pos2(x, y), grid()), {
                let nearer = window.zoom(factor, pos2(x, y), grid(), size);
                nearer.cell_at(pos2(x, y), grid())
            });
            prop_assert!((before.0 - after.0).abs() < 1e-6 && (before.1 - after.1).abs() < 1e-6);
            let moved = window.drag(vec2(dx, dy), grid(), size);
            prop_assert_eq!((moved.wide, moved.tall), (window.wide, window.tall));
            prop_assert!(moved.left >= 0.0 && moved.left + moved.wide <= 700.0);
            prop_assert!(moved.top >= 0.0 && moved.top + moved.tall <= 300.0);
        }
    }
}
