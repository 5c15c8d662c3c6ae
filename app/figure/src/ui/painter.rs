//! The window as a canvas.

use std::sync::Arc;

use egui::epaint::{CircleShape, Mesh, PathStroke, RectShape, Tessellator, TextShape};
use egui::{
    Align2, Color32, ColorImage, CornerRadius, Id, Pos2, Rect, Shape, Stroke, StrokeKind, TextureHandle,
    TextureOptions, pos2,
};

use crate::canvas::{Canvas, Cells, Pen, Type};
use crate::color::Color;
use crate::draw;
use crate::heat::{Heat, Window};
use crate::theme::Theme;
use crate::ui::card::HeatCard;

/// Paints shapes into the window.
pub(crate) struct Painter<'a> {
    ctx: &'a egui::Context,
    window: egui::Painter,
    /// The figure's area in the window.
    rect: Rect,
    /// Where to draw outside of a clip.
    bounds: Rect,
    id: Id,
    /// Shapes go here instead of into the window while something to keep is drawn.
    recording: Option<Vec<Shape>>,
}

impl<'a> Painter<'a> {
    pub fn new(ui: &'a egui::Ui, figure: &str, rect: Rect) -> Self {
        let bounds = ui.clip_rect().intersect(rect.expand(2.0));
        Self {
            ctx: ui.ctx(),
            window: ui.painter().with_clip_rect(bounds),
            rect,
            bounds,
            id: Id::unique(("figure", figure)),
            recording: None,
        }
    }

    fn add(&mut self, shape: impl Into<Shape>) {
        match &mut self.recording {
            Some(shapes) => shapes.push(shape.into()),
            None => {
                self.window.add(shape);
            }
        }
    }

    /// A border outside of a rectangle: what the pointer is on.
    pub fn outline(&mut self, rect: Rect, radius: f32, color: Color) {
        let radius = CornerRadius::same(radius.round() as u8 + 1);
        self.window.rect_stroke(rect.expand(1.0), radius, Stroke::new(1.5, Color32::from(color)), StrokeKind::Middle);
    }
}

fn stroke(pen: Pen) -> Stroke {
    Stroke::new(pen.width, Color32::from(pen.color))
}

impl Canvas for Painter<'_> {
    fn fill(&mut self, rect: Rect, radius: f32, color: Color) {
        self.add(RectShape::filled(rect, CornerRadius::same(radius.round() as u8), Color32::from(color)));
    }

    fn border(&mut self, rect: Rect, radius: f32, pen: Pen) {
        let radius = CornerRadius::same(radius.round() as u8);
        self.add(RectShape::stroke(rect, radius, stroke(pen), StrokeKind::Inside));
    }

    fn line(&mut self, points: &[Pos2], pen: Pen) {
        match (pen.dash, points) {
            (Some((dash, gap)), _) => {
                self.add(Shape::Vec(Shape::dashed_line(points, stroke(pen), dash, gap)));
            }
            (None, [from, to]) => {
                self.add(Shape::line_segment([*from, *to], stroke(pen)));
            }
            (None, _) => {
                self.add(Shape::line(points.to_vec(), PathStroke::from(stroke(pen))));
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
        self.add(Shape::Mesh(Arc::new(mesh)));
    }

    fn polygon(&mut self, points: &[Pos2], color: Color) {
        self.add(Shape::convex_polygon(points.to_vec(), Color32::from(color), Stroke::NONE));
    }

    fn dot(&mut self, center: Pos2, radius: f32, color: Color, outline: Option<Pen>) {
        let stroke = outline.map_or(Stroke::NONE, stroke);
        self.add(CircleShape { center, radius, fill: Color32::from(color), stroke });
    }

    fn text(&mut self, at: Pos2, anchor: Align2, text: &str, style: Type) {
        if !text.is_empty() {
            self.window.text(at, anchor, text, style.weight.id(style.size), Color32::from(style.color));
        }
    }

    fn text_upwards(&mut self, center: Pos2, text: &str, style: Type) {
        let color = Color32::from(style.color);
        let galley = self.window.layout_no_wrap(text.to_owned(), style.weight.id(style.size), color);
        let size = galley.size();
        // The pivot is the text's upper left corner, which a quarter turn leaves at the lower left.
        let corner = pos2(center.x - size.y / 2.0, center.y + size.x / 2.0);
        self.window.add(TextShape::new(corner, galley, color).with_angle(-std::f32::consts::FRAC_PI_2));
    }

    /// One texture, made anew only when the colours change.
    fn cells(&mut self, rect: Rect, cells: &Cells<'_>) {
        let id = self.id.with(cells.slot);
        // A texture has a largest side; beyond it every second (third, ...) cell stands for its neighbours.
        let side = self.ctx.input(|input| input.max_texture_side).max(1);
        let (down, across) = (cells.rows.div_ceil(side).max(1), cells.cols.div_ceil(side).max(1));
        let size = [cells.cols.div_ceil(across), cells.rows.div_ceil(down)];
        let kept = self.ctx.data(|data| data.get_temp::<(u64, TextureHandle)>(id));
        let texture = match kept {
            Some((hash, texture)) if hash == cells.hash && texture.size() == size => texture,
            kept => {
                let pixels = (0..cells.rows)
                    .step_by(down)
                    .flat_map(|row| (0..cells.cols).step_by(across).map(move |col| (row, col)))
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
        self.window.image(texture.id(), rect, all, Color32::WHITE);
    }

    /// By the graphics card where it can, else as a picture.
    fn heat(&mut self, grid: Rect, heat: &Heat, window: Window, theme: &Theme) {
        let key = (self.id, self.ctx.cumulative_pass_nr());
        let callback = HeatCard::of(self.ctx).and_then(|card| card.callback(key, grid, heat, window, theme));
        match callback {
            Some(callback) => {
                self.window.with_clip_rect(self.bounds.intersect(grid)).add(callback);
            }
            None => draw::heat::cells(self, grid, heat, window, theme),
        }
    }

    /// One mesh, made anew only when the hash changes: cutting lines into triangles is most of a frame's work.
    fn kept(&mut self, slot: &'static str, hash: u64, draw: &dyn Fn(&mut dyn Canvas)) {
        let id = self.id.with(slot);
        let scale = self.ctx.pixels_per_point();
        let key = hash ^ u64::from(scale.to_bits());
        let known = self.ctx.data(|data| data.get_temp::<(u64, Arc<Mesh>)>(id)).filter(|(known, _)| *known == key);
        let mesh = known.map(|(_, mesh)| mesh).unwrap_or_else(|| {
            self.recording = Some(Vec::new());
            draw(self);
            let options = self.ctx.tessellation_options(|options| *options);
            let mut tessellator = Tessellator::new(scale, options, [1, 1], Vec::new());
            let mut mesh = Mesh::default();
            for shape in self.recording.take().unwrap_or_default() {
                tessellator.tessellate_shape(shape, &mut mesh);
            }
            let mesh = Arc::new(mesh);
            self.ctx.data_mut(|data| data.insert_temp(id, (key, Arc::clone(&mesh))));
            mesh
        });
        self.window.add(Shape::Mesh(mesh));
    }

    fn clip(&mut self, rect: Rect) {
        self.window.set_clip_rect(self.bounds.intersect(rect.intersect(self.rect)));
    }

    fn unclip(&mut self) {
        self.window.set_clip_rect(self.bounds);
    }
}
