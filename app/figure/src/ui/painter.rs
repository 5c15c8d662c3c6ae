//! The window as a canvas.

use std::sync::Arc;

use egui::epaint::{Mesh, PathStroke, TextShape};
use egui::{
    Align2, Color32, ColorImage, CornerRadius, Id, Pos2, Rect, Shape, Stroke, StrokeKind, TextureHandle,
    TextureOptions, pos2,
};

use crate::canvas::{Canvas, Cells, Pen, Type};
use crate::color::Color;

/// Paints shapes into the window.
pub(crate) struct Painter<'a> {
    ctx: &'a egui::Context,
    painter: egui::Painter,
    /// The figure's area in the window.
    rect: Rect,
    /// Where to draw outside of a clip.
    bounds: Rect,
    id: Id,
}

impl<'a> Painter<'a> {
    pub fn new(ui: &'a egui::Ui, figure: &str, rect: Rect) -> Self {
        let bounds = ui.clip_rect().intersect(rect.expand(2.0));
        Self {
            ctx: ui.ctx(),
            painter: ui.painter().with_clip_rect(bounds),
            rect,
            bounds,
            id: Id::unique(("figure", figure)),
        }
    }

    /// A border outside of a rectangle: what the pointer is on.
    pub fn outline(&mut self, rect: Rect, radius: f32, color: Color) {
        let radius = CornerRadius::same(radius.round() as u8 + 1);
        self.painter.rect_stroke(rect.expand(1.0), radius, Stroke::new(1.5, Color32::from(color)), StrokeKind::Middle);
    }
}

fn stroke(pen: Pen) -> Stroke {
    Stroke::new(pen.width, Color32::from(pen.color))
}

impl Canvas for Painter<'_> {
    fn fill(&mut self, rect: Rect, radius: f32, color: Color) {
        self.painter.rect_filled(rect, CornerRadius::same(radius.round() as u8), Color32::from(color));
    }

    fn border(&mut self, rect: Rect, radius: f32, pen: Pen) {
        self.painter.rect_stroke(rect, CornerRadius::same(radius.round() as u8), stroke(pen), StrokeKind::Inside);
    }

    fn line(&mut self, points: &[Pos2], pen: Pen) {
        match (pen.dash, points) {
            (Some((dash, gap)), _) => {
                self.painter.extend(Shape::dashed_line(points, stroke(pen), dash, gap));
            }
            (None, [from, to]) => {
                self.painter.line_segment([*from, *to], stroke(pen));
            }
            (None, _) => {
                self.painter.add(Shape::line(points.to_vec(), PathStroke::from(stroke(pen))));
            }
        }
    }

    fn band(&mut self, upper: &[Pos2], lower: &[Pos2], color: Color) {
        let color = Color32::from(color);
        let count = upper.len().min(lower.len());
        let mut mesh = Mesh::default();
        mesh.reserve_vertices(2 * count);
        mesh.reserve_triangles(2 * count);
        for (above, below) in upper.iter().zip(lower) {
            mesh.colored_vertex(*above, color);
            mesh.colored_vertex(*below, color);
        }
        for index in 1..count as u32 {
            let (a, b) = (2 * index - 2, 2 * index);
            mesh.add_triangle(a, a + 1, b);
            mesh.add_triangle(a + 1, b, b + 1);
        }
        self.painter.add(Shape::Mesh(Arc::new(mesh)));
    }

    fn polygon(&mut self, points: &[Pos2], color: Color) {
        self.painter.add(Shape::convex_polygon(points.to_vec(), Color32::from(color), Stroke::NONE));
    }

    fn dot(&mut self, center: Pos2, radius: f32, color: Color, outline: Option<Pen>) {
        self.painter.circle(center, radius, Color32::from(color), outline.map_or(Stroke::NONE, stroke));
    }

    fn text(&mut self, at: Pos2, anchor: Align2, text: &str, style: Type) {
        if !text.is_empty() {
            self.painter.text(at, anchor, text, style.weight.id(style.size), Color32::from(style.color));
        }
    }

    fn text_upwards(&mut self, center: Pos2, text: &str, style: Type) {
        let color = Color32::from(style.color);
        let galley = self.painter.layout_no_wrap(text.to_owned(), style.weight.id(style.size), color);
        let size = galley.size();
        // The pivot is the text's upper left corner, which a quarter turn leaves at the lower left.
        let corner = pos2(center.x - size.y / 2.0, center.y + size.x / 2.0);
        self.painter.add(TextShape::new(corner, galley, color).with_angle(-std::f32::consts::FRAC_PI_2));
    }

    /// One texture, made anew only when the colours change.
    fn cells(&mut self, rect: Rect, cells: &Cells<'_>) {
        let id = self.id.with(cells.slot);
        let size = [cells.cols, cells.rows];
        let kept = self.ctx.data(|data| data.get_temp::<(u64, TextureHandle)>(id));
        let texture = match kept {
            Some((hash, texture)) if hash == cells.hash && texture.size() == size => texture,
            kept => {
                let pixels = (0..cells.rows)
                    .flat_map(|row| (0..cells.cols).map(move |col| (row, col)))
                    .map(|(row, col)| Color32::from((cells.color)(row, col)))
                    .collect();
                let image = ColorImage::new(size, pixels);
                let texture = if let Some((_, mut texture)) = kept {
                    texture.set(image, TextureOptions::NEAREST);
                    texture
                } else {
                    self.ctx.load_texture(cells.slot, image, TextureOptions::NEAREST)
                };
                self.ctx.data_mut(|data| data.insert_temp(id, (cells.hash, texture.clone())));
                texture
            }
        };
        let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        self.painter.image(texture.id(), rect, all, Color32::WHITE);
    }

    fn clip(&mut self, rect: Rect) {
        self.painter.set_clip_rect(self.bounds.intersect(rect.intersect(self.rect)));
    }

    fn unclip(&mut self) {
        self.painter.set_clip_rect(self.bounds);
    }
}
