//! What a figure is drawn on: the window or a file. Geometry is egui's (`Pos2`, `Rect`), in points, y downwards.

use egui::{Align2, Pos2, Rect};

use crate::color::Color;
use crate::font::{self, Weight};
use crate::heat::{Heat, Window};
use crate::theme::Theme;

/// A pen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pen {
    pub color: Color,
    pub width: f32,
    /// Lengths of dash and gap.
    pub dash: Option<(f32, f32)>,
}

impl Pen {
    pub fn new(color: Color, width: f32) -> Self {
        Self { color, width, dash: None }
    }

    pub fn dashed(self, dash: f32, gap: f32) -> Self {
        Self { dash: Some((dash, gap)), ..self }
    }
}

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Type {
    pub size: f32,
    pub weight: Weight,
    pub color: Color,
}

impl Type {
    pub fn new(size: f32, color: Color) -> Self {
        Self { size, weight: Weight::Regular, color }
    }

    pub fn medium(self) -> Self {
        Self { weight: Weight::Medium, ..self }
    }

    pub fn semibold(self) -> Self {
        Self { weight: Weight::Semibold, ..self }
    }

    /// Width of `text` in points.
    pub fn width(self, text: &str) -> f32 {
        font::width(text, self.size, self.weight)
    }

    /// `text` itself if it fits into `room` points, else its beginning with an ellipsis; empty if nothing fits.
    pub fn fit(self, text: &str, room: f32) -> String {
        if self.width(text) <= room {
            return text.to_owned();
        }
        let room = room - self.width("…");
        let mut used = 0.0;
        let kept: String = text
            .chars()
            .take_while(|&c| {
                used += self.width(c.encode_utf8(&mut [0; 4]));
                used <= room
            })
            .collect();
        if kept.trim_end().is_empty() { String::new() } else { format!("{}…", kept.trim_end()) }
    }
}

/// A grid of flat cells without gaps.
pub(crate) struct Cells<'a> {
    /// Distinguishes the grids of one figure.
    pub slot: &'static str,
    pub rows: usize,
    pub cols: usize,
    /// Changes with the colours.
    pub hash: u64,
    /// Colour of (row, column), row 0 at the top.
    pub color: &'a dyn Fn(usize, usize) -> Color,
}

/// Where a figure can be drawn.
pub(crate) trait Canvas {
    /// A filled rectangle with round corners.
    fn fill(&mut self, rect: Rect, radius: f32, color: Color);
    /// The border of a rectangle, inside it.
    fn border(&mut self, rect: Rect, radius: f32, pen: Pen);
    /// A line through points.
    fn line(&mut self, points: &[Pos2], pen: Pen);
    /// The area between two lines with the same number of points, whose x agree.
    fn band(&mut self, upper: &[Pos2], lower: &[Pos2], color: Color);
    /// A filled convex polygon.
    fn polygon(&mut self, points: &[Pos2], color: Color);
    /// A disc, with an outline if a pen is given.
    fn dot(&mut self, center: Pos2, radius: f32, color: Color, outline: Option<Pen>);
    /// One line of text.
    fn text(&mut self, at: Pos2, anchor: Align2, text: &str, style: Type);
    /// One line of text that reads upwards, centred at `center`.
    fn text_upwards(&mut self, center: Pos2, text: &str, style: Type);
    /// Cells as one picture, never smoothed.
    fn cells(&mut self, rect: Rect, cells: &Cells<'_>);
    /// The cells of a heat map that `window` shows, into `grid`.
    fn heat(&mut self, grid: Rect, heat: &Heat, window: Window, theme: &Theme);
    /// Draw lines and areas that look the same as long as `hash` is the same, so that a window need not work them out
    /// in each frame. No text and no pictures in here.
    fn kept(&mut self, slot: &'static str, hash: u64, draw: &dyn Fn(&mut dyn Canvas));
    /// Draw inside this rectangle only, until [`Canvas::unclip`]. Does not nest.
    fn clip(&mut self, rect: Rect);
    /// Draw everywhere again.
    fn unclip(&mut self);
}

/// A colour as one number, for a hash.
pub(crate) fn bits(color: Color) -> u64 {
    u64::from(u32::from_be_bytes([color.r, color.g, color.b, color.a]))
}

/// A rectangle as numbers, for a hash.
pub(crate) fn corners(rect: Rect) -> [u64; 4] {
    [rect.min.x, rect.min.y, rect.max.x, rect.max.y].map(|value| u64::from(value.to_bits()))
}

/// A fast hash of numbers, to notice that a picture must be made anew (FxHash's step).
pub(crate) fn hash(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, |hash: u64, number| (hash.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_fit() {
        let style = Type::new(12.0, Color::rgb(0));
        assert_eq!(style.fit("accuracy", 500.0), "accuracy");
        let cut = style.fit("a long caption about five seeds", 80.0);
        assert!(cut.ends_with('…') && style.width(&cut) <= 80.0, "{cut}");
        assert_eq!(style.fit("accuracy", 3.0), "");
    }

    #[test]
    fn hash_sees_order_and_value() {
        assert_ne!(hash([1, 2]), hash([2, 1]));
        assert_ne!(hash([0]), hash([1]));
        assert_eq!(hash([7, 8]), hash([7, 8]));
    }
}
