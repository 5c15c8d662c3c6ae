//! Small signs, painted: fonts draw them at a different height on every machine.

use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A triangle.
    Run,
    /// Two bars.
    Pause,
    /// A bar and a triangle.
    Step,
    /// An open circle with an arrow.
    Reset,
    /// A pin.
    Pin,
    /// A disc, half light and half dark.
    Theme,
    /// A cross.
    Close,
    /// Three dots.
    More,
    /// A plus.
    Plus,
}

impl Icon {
    /// Paints the sign into a square around `centre` with sides of `size` points.
    pub fn paint(self, painter: &Painter, centre: Pos2, size: f32, color: Color32) {
        let at = |x: f32, y: f32| pos2(centre.x + x * size / 2.0, centre.y + y * size / 2.0);
        let stroke = Stroke::new((size / 9.0).max(1.2), color);
        let line = |points: &[(f32, f32)]| {
            painter.add(Shape::line(points.iter().map(|(x, y)| at(*x, *y)).collect(), stroke));
        };
        let solid = |points: &[(f32, f32)]| {
            let points = points.iter().map(|(x, y)| at(*x, *y)).collect();
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        };
        let bar = |from: (f32, f32), to: (f32, f32)| {
            painter.rect_filled(Rect::from_two_pos(at(from.0, from.1), at(to.0, to.1)), 1.0, color);
        };
        match self {
            Self::Run => solid(&[(-0.6, -0.85), (0.85, 0.0), (-0.6, 0.85)]),
            Self::Pause => {
                bar((-0.65, -0.8), (-0.18, 0.8));
                bar((0.18, -0.8), (0.65, 0.8));
            }
            Self::Step => {
                bar((-0.8, -0.8), (-0.5, 0.8));
                solid(&[(-0.2, -0.8), (0.9, 0.0), (-0.2, 0.8)]);
            }
            Self::Reset => {
                let points = (0..=18).map(|i| {
                    let angle = -0.6 + 5.0 * i as f32 / 18.0;
                    at(0.75 * angle.cos(), 0.75 * angle.sin())
                });
                painter.add(Shape::line(points.collect(), stroke));
                solid(&[(0.25, -0.55), (0.95, -0.75), (0.85, -0.05)]);
            }
            Self::Pin => {
                solid(&[(-0.45, -0.9), (0.45, -0.9), (0.3, -0.1), (-0.3, -0.1)]);
                line(&[(-0.65, 0.0), (0.65, 0.0)]);
                line(&[(0.0, 0.0), (0.0, 0.9)]);
            }
            Self::Theme => {
                painter.circle_stroke(centre, size * 0.45, stroke);
                let half = (0..=12).map(|i| {
                    let angle = -std::f32::consts::FRAC_PI_2 + std::f32::consts::PI * i as f32 / 12.0;
                    at(0.9 * angle.cos(), 0.9 * angle.sin())
                });
                painter.add(Shape::convex_polygon(half.collect(), color, Stroke::NONE));
            }
            Self::Close => {
                line(&[(-0.6, -0.6), (0.6, 0.6)]);
                line(&[(-0.6, 0.6), (0.6, -0.6)]);
            }
            Self::More => {
                for x in [-0.7, 0.0, 0.7] {
                    painter.circle_filled(at(x, 0.0), size * 0.1, color);
                }
            }
            Self::Plus => {
                line(&[(-0.75, 0.0), (0.75, 0.0)]);
                line(&[(0.0, -0.75), (0.0, 0.75)]);
            }
        }
    }
}

/// A button with a sign and a word. `main` is the one button of the window that stands out.
pub fn button(ui: &mut Ui, icon: Icon, text: &str, main: Option<(Color32, Color32)>, enabled: bool) -> Response {
    let font = egui::TextStyle::Button.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER);
    let width = 12.0 + 12.0 + 7.0 + galley.size().x + 12.0;
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), sense);
    let response = finish(ui, rect, response, enabled, main);
    let color = tint(ui, &response, main, enabled);
    icon.paint(ui.painter(), pos2(rect.left() + 18.0, rect.center().y), 11.0, color);
    let place = pos2(rect.left() + 31.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley_with_override_text_color(place, galley, color);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, text));
    response
}

/// A small square button that is only a sign; `name` is its accessible name and begins its tooltip.
pub fn small(ui: &mut Ui, icon: Icon, name: &str, side: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    if response.hovered() || response.has_focus() {
        let visuals = ui.style().interact(&response);
        ui.painter().rect_filled(rect, 5.0, visuals.bg_fill);
    }
    let color = if response.hovered() { ui.visuals().text_color() } else { ui.visuals().weak_text_color() };
    icon.paint(ui.painter(), rect.center(), side * 0.45, color);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, ui.is_enabled(), name));
    response
}

fn finish(ui: &Ui, rect: Rect, response: Response, enabled: bool, main: Option<(Color32, Color32)>) -> Response {
    let visuals = ui.style().interact(&response);
    let fill = match main {
        Some((fill, _)) if enabled => fill,
        _ => visuals.bg_fill,
    };
    let fill = if enabled { fill } else { fill.gamma_multiply(0.5) };
    ui.painter().rect(rect, 6.0, fill, visuals.bg_stroke, egui::StrokeKind::Inside);
    if enabled && main.is_some() && response.hovered() {
        ui.painter().rect_filled(rect, 6.0, ui.visuals().text_color().gamma_multiply(0.08));
    }
    response
}

fn tint(ui: &Ui, response: &Response, main: Option<(Color32, Color32)>, enabled: bool) -> Color32 {
    match main {
        _ if !enabled => ui.visuals().weak_text_color().gamma_multiply(0.7),
        Some((_, text)) => text,
        None => ui.style().interact(response).text_color(),
    }
}
