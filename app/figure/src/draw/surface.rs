//! A decision surface: probability in twenty shades, the boundary at one half, the samples.

use egui::{Align2, Pos2, Rect, pos2, vec2};

use super::plane::{Plane, sound};
use super::{Entry, Swatch, flow, legend};
use crate::canvas::{Canvas, Cells, Pen, Type, corners, hash};
use crate::surface::Surface;
use crate::theme::Theme;

/// Shades from one class to the other: enough to look smooth, few enough to read as contour lines.
const SHADES: f64 = 20.0;
/// The picture is interpolated to at least this many cells a side.
const FINE: usize = 240;

/// Where everything stands.
pub(crate) struct Layout {
    pub plane: Plane,
    rect: Rect,
    ticks: f32,
    legend: Vec<Pos2>,
    legend_width: f32,
}

impl Layout {
    /// Lay out in `rect`, with one scale for both axes.
    pub fn new(surface: &Surface, rect: Rect) -> Self {
        let style = Type::new(10.5, crate::Color::TRANSPARENT);
        let ticks = if rect.width() < 160.0 || rect.height() < 120.0 { 0.0 } else { 9.5 };
        let (places, legend_height) = if rect.height() >= 90.0 {
            flow(&entries(surface, None), style, rect.width(), 1)
        } else {
            (Vec::new(), 0.0)
        };
        let (x, y) = (sound(surface.x_range), sound(surface.y_range));
        let (left, below) = if ticks > 0.0 { (26.0, ticks + 7.0) } else { (0.0, 0.0) };
        let top = if legend_height > 0.0 { legend_height + 4.0 } else { 2.0 };
        let room = Rect::from_min_max(
            pos2(rect.left() + left, rect.top() + top),
            pos2(rect.right() - 4.0, rect.bottom() - below),
        );
        let scale = (room.width() / (x.1 - x.0) as f32).min(room.height() / (y.1 - y.0) as f32).max(1e-6);
        let size = vec2(scale * (x.1 - x.0) as f32, scale * (y.1 - y.0) as f32);
        let area = Rect::from_center_size(room.center(), size);
        // The legend begins where the plane does, unless it needs more room than is there.
        let names = entries(surface, None);
        let wide = names.iter().map(|entry| 32.0 + style.width(entry.name)).sum::<f32>().min(rect.width());
        Self {
            plane: Plane::new(area, x, y, (false, false)),
            rect,
            ticks,
            legend: places,
            legend_width: wide.max(area.width()),
        }
    }

    /// Draw all of it.
    pub fn draw(&self, canvas: &mut dyn Canvas, surface: &Surface, theme: &Theme) {
        let area = self.plane.area;
        canvas.fill(area, 0.0, theme.sunken);
        let values = surface.values.iter().map(|value| u64::from(value.to_bits()));
        let seen = hash(values.chain([surface.width as u64, u64::from(theme.dark)]));
        if surface.width >= 2 && surface.height >= 2 && surface.values.len() == surface.width * surface.height {
            let fine = |count: usize| count.max(FINE.div_ceil(count) * count);
            let (rows, cols) = (fine(surface.height), fine(surface.width));
            let color = |row: usize, col: usize| {
                let (x, y) = cell_center(surface, row, col, rows, cols);
                shade(surface.at(x, y).unwrap_or(0.5), theme)
            };
            canvas.cells(area, &Cells { slot: "surface", rows, cols, hash: seen, color: &color });
        }
        canvas.clip(area);
        let place = surface
            .points
            .iter()
            .flat_map(|point| [point.x.to_bits(), point.y.to_bits(), point.class as u64, u64::from(point.faded)]);
        let hash = hash(corners(area).into_iter().chain(place).chain([seen]));
        canvas.kept("samples", hash, &|canvas| self.boundary_and_samples(canvas, surface, theme));
        canvas.unclip();
        canvas.border(area, 0.0, Pen::new(theme.outline, 1.0));
        self.labels(canvas, theme);
        let style = Type::new(10.5, theme.text_dim);
        let names = entries(surface, Some(theme));
        let corner = pos2(area.left().min(self.rect.right() - self.legend_width), self.rect.top());
        legend(canvas, &names, &self.legend, corner, style, self.legend_width);
    }

    fn boundary_and_samples(&self, canvas: &mut dyn Canvas, surface: &Surface, theme: &Theme) {
        let area = self.plane.area;
        for [from, to] in boundary(surface) {
            if let (Some(from), Some(to)) = (self.plane.position(from), self.plane.position(to)) {
                canvas.line(&[from, to], Pen::new(theme.text.fade(0.85), 1.5));
            }
        }
        let radius = (area.width().min(area.height()) * 0.011).clamp(1.5, 5.0);
        for faded in [true, false] {
            for point in surface.points.iter().filter(|point| point.faded == faded) {
                if let Some(at) = self.plane.position([point.x, point.y]) {
                    let color = theme.class(point.class);
                    let (color, edge) =
                        if faded { (color.fade(0.55), None) } else { (color, Some(Pen::new(theme.card, 1.0))) };
                    canvas.dot(at, radius, color, edge);
                }
            }
        }
    }

    fn labels(&self, canvas: &mut dyn Canvas, theme: &Theme) {
        if self.ticks == 0.0 {
            return;
        }
        let area = self.plane.area;
        let style = Type::new(self.ticks, theme.text_dim);
        for (x, label) in self.plane.x.ticks(44.0) {
            canvas.text(pos2(x, area.bottom() + 8.0), Align2::CENTER_CENTER, &label, style);
        }
        for (y, label) in self.plane.y.ticks(32.0) {
            canvas.text(pos2(area.left() - 5.0, y), Align2::RIGHT_CENTER, &label, style);
        }
    }
}

/// Where the middle of cell (`row`, `col`) of a `rows` by `cols` picture lies, row 0 at the top.
fn cell_center(surface: &Surface, row: usize, col: usize, rows: usize, cols: usize) -> (f64, f64) {
    let place = |at: f64, (low, high): (f64, f64)| low + (high - low) * at;
    let x = place((col as f64 + 0.5) / cols as f64, surface.x_range);
    (x, place(1.0 - (row as f64 + 0.5) / rows as f64, surface.y_range))
}

/// The colour of a probability of class 1.
fn shade(probability: f64, theme: &Theme) -> crate::Color {
    if !probability.is_finite() {
        return theme.sunken;
    }
    // The middle of the shade's interval; 20 shades leave none that is neither class.
    let level = ((probability.clamp(0.0, 1.0) * SHADES).floor().min(SHADES - 1.0) + 0.5) / SHADES;
    let certainty = ((level - 0.5).abs() * 2.0) as f32;
    theme.card.mix(theme.class(usize::from(level > 0.5)), certainty * if theme.dark { 0.4 } else { 0.38 })
}

/// The line where the probability is one half, as segments (marching squares; in a saddle the halves that the middle of
/// the square decides).
pub(crate) fn boundary(surface: &Surface) -> Vec<[[f64; 2]; 2]> {
    let mut segments = Vec::new();
    let (width, height) = (surface.width, surface.height);
    if width < 2 || height < 2 || surface.values.len() != width * height {
        return segments;
    }
    for row in 0..height - 1 {
        for col in 0..width - 1 {
            // Around the square, from its lower left corner anticlockwise.
            let corners = [(row, col), (row, col + 1), (row + 1, col + 1), (row + 1, col)];
            let values = corners.map(|(row, col)| f64::from(surface.values[row * width + col]) - 0.5);
            if values.iter().all(|value| *value >= 0.0) || values.iter().all(|value| *value < 0.0) {
                continue;
            }
            let crossing = |edge: usize| {
                let (a, b) = (values[edge], values[(edge + 1) % 4]);
                ((a >= 0.0) != (b >= 0.0)).then(|| {
                    let (from, to) = (corners[edge], corners[(edge + 1) % 4]);
                    let (from, to) = (surface.grid_point(from.0, from.1), surface.grid_point(to.0, to.1));
                    let t = a / (a - b);
                    [from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t]
                })
            };
            let found: Vec<[f64; 2]> = (0..4).filter_map(crossing).collect();
            match found[..] {
                [a, b] => segments.push([a, b]),
                [a, b, c, d] => {
                    let joined = (values.iter().sum::<f64>() >= 0.0) == (values[0] >= 0.0);
                    segments.extend(if joined { [[a, b], [c, d]] } else { [[d, a], [b, c]] });
                }
                _ => {}
            }
        }
    }
    segments
}

/// Legend entries; without a theme only their names matter.
fn entries<'a>(surface: &'a Surface, theme: Option<&Theme>) -> Vec<Entry<'a>> {
    let color = |class| theme.map_or(crate::Color::TRANSPARENT, |theme: &Theme| theme.class(class));
    let names = surface.legend.iter().enumerate();
    names.map(|(class, name)| Entry { name, swatch: Swatch::Dot(color(class)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{DARK, LIGHT};

    fn surface(width: usize, height: usize, values: Vec<f32>) -> Surface {
        Surface { x_range: (0.0, 1.0), y_range: (0.0, 1.0), width, height, values, ..Surface::default() }
    }

    #[test]
    fn the_boundary_of_a_ramp_is_where_it_crosses_one_half() {
        let segments = boundary(&surface(2, 2, vec![0.25, 1.0, 0.25, 1.0]));
        assert_eq!(segments.len(), 1);
        for [x, _] in segments[0] {
            assert!((x - 1.0 / 3.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_saddle_has_two_segments_and_a_flat_surface_none() {
        assert_eq!(boundary(&surface(2, 2, vec![1.0, 0.0, 1.0, 0.0])).len(), 1);
        // The middle is below one half, so the two high corners stand alone: each segment ends on the edges of one.
        let saddle = boundary(&surface(2, 2, vec![0.9, 0.0, 0.0, 0.9]));
        assert_eq!(saddle.len(), 2);
        let sums = saddle.iter().map(|ends| ends.iter().flatten().sum::<f64>()).collect::<Vec<_>>();
        assert!(sums[0] < 1.0 && sums[1] > 3.0, "{saddle:?}");
        assert!(boundary(&surface(3, 3, vec![0.2; 9])).is_empty());
        assert!(boundary(&surface(3, 3, vec![0.2; 4])).is_empty());
    }

    #[test]
    fn classes_are_told_apart_and_certainty_shows() {
        for theme in [&DARK, &LIGHT] {
            assert_ne!(shade(0.1, theme), shade(0.9, theme));
            assert_ne!(shade(0.55, theme), shade(0.95, theme));
            assert_eq!(shade(0.91, theme), shade(0.94, theme));
            assert_eq!(shade(f64::NAN, theme), theme.sunken);
        }
    }

    #[test]
    fn the_plane_keeps_its_proportions_inside_the_rectangle() {
        let mut wide = surface(2, 2, vec![0.0; 4]);
        wide.x_range = (-2.0, 2.0);
        for size in [(60.0, 40.0), (300.0, 200.0), (200.0, 900.0)] {
            let rect = Rect::from_min_size(pos2(0.0, 0.0), size.into());
            let area = Layout::new(&wide, rect).plane.area;
            assert!(rect.expand(0.01).contains_rect(area));
            assert!((area.width() / area.height() - 4.0).abs() < 1e-2);
        }
    }
}
