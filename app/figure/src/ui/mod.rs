//! The figure in the window: the common drawing, and what a pointer can do with it.

mod card;
mod chart;
mod heat;
mod painter;
mod tooltip;

use egui::{Pos2, Rect, Sense, WidgetInfo, accesskit::Role, vec2};

use crate::draw;
use crate::figure::{Body, Figure};
use crate::heat::Highlight;
use crate::matrix::Matrix;
use crate::number;
use crate::surface::Surface;
use crate::theme::Theme;
pub use card::{HeatCard, HeatCost};
use painter::Painter;

/// What was drawn, and what the pointer did there.
#[derive(Debug)]
pub struct Response {
    /// The figure's area.
    pub response: egui::Response,
    /// The matrix's or heat map's cell (row, column), from 0, under the pointer.
    pub hovered: Option<(usize, usize)>,
    /// The matrix's or heat map's cell (row, column) that was clicked, or chosen by Enter, in this frame.
    pub clicked: Option<(usize, usize)>,
    /// The visible x range of a chart that a person has zoomed; `None` while it shows everything.
    pub x_range: Option<(f64, f64)>,
    /// The same for the y range.
    pub y_range: Option<(f64, f64)>,
}

impl Figure {
    /// Draw the body into all the space that `ui` has left.
    ///
    /// A chart zooms its x axis by scrolling, both axes by pinching or by a box drawn with the right button; dragging
    /// moves it, a double click shows everything again. Hovering tells exact values. Screen readers get
    /// [`Figure::summary`].
    ///
    /// A heat map zooms both sides by scrolling or pinching; dragging moves it, a double click shows everything again.
    /// While it has the keyboard's focus, arrows move from cell to cell, plus and minus zoom, Home shows everything, and
    /// Enter clicks. Screen readers get the name and the value of the cell under pointer or keyboard.
    pub fn ui(&self, ui: &mut egui::Ui, theme: &Theme) -> Response {
        self.linked_ui(ui, theme, Highlight::default())
    }

    /// As [`Figure::ui`], with the row and column of a heat map marked that another view points at. What this one points
    /// at is in the answer: [`Response::hovered`].
    pub fn linked_ui(&self, ui: &mut egui::Ui, theme: &Theme, marked: Highlight) -> Response {
        let size = ui.available_size().max(vec2(1.0, 1.0));
        let shown = match &self.body {
            Body::Chart(body) => chart::show(self, body, ui, theme, size),
            // It tells screen readers more.
            Body::Heat(body) => return heat::show(self, body, ui, theme, size, marked),
            Body::Matrix(_) | Body::Surface(_) | Body::Empty { .. } => self.plain_ui(ui, theme, size),
        };
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, self.summary()));
        shown
    }

    /// Bodies that do not zoom.
    fn plain_ui(&self, ui: &mut egui::Ui, theme: &Theme, size: egui::Vec2) -> Response {
        let sense = if matches!(self.body, Body::Matrix(_)) { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size, sense);
        let mut shown = Response { response, hovered: None, clicked: None, x_range: None, y_range: None };
        if !ui.is_rect_visible(rect) {
            return shown;
        }
        let mut canvas = Painter::new(ui, &self.id, rect);
        draw::body(&mut canvas, self, theme, rect, None);
        if let Some(pointer) = shown.response.hover_pos() {
            match &self.body {
                Body::Matrix(matrix) => hover_matrix(&mut canvas, matrix, &mut shown, theme, rect, pointer),
                Body::Surface(surface) => hover_surface(surface, &shown, theme, rect, pointer),
                Body::Chart(_) | Body::Heat(_) | Body::Empty { .. } => {}
            }
        }
        shown
    }

    /// Draw title, badge and caption on one line; the caption gives way where there is little room.
    pub fn header_ui(&self, ui: &mut egui::Ui, theme: &Theme) -> egui::Response {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), draw::HEADER), Sense::hover());
        draw::header(&mut Painter::new(ui, &self.id, rect), self, theme, rect);
        response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, &self.title));
        if self.caption.is_empty() { response } else { response.on_hover_text(&self.caption) }
    }

    /// The figure in one sentence: title, and the last value of each line or what is known of the cells.
    pub fn summary(&self) -> String {
        let body = match &self.body {
            Body::Chart(chart) => {
                let last = |series: &crate::Series| {
                    let [x, y] = series.points.iter().rfind(|point| point[1].is_finite())?;
                    Some(format!("{} {} at {}", series.name, number::precise(*y), number::precise(*x)))
                };
                chart.series.iter().filter_map(last).collect::<Vec<_>>().join(", ")
            }
            Body::Heat(heat) => {
                let (low, high) = heat.shown_range();
                let (low, high) = (number::precise(low), number::precise(high));
                format!("heat map of {} rows and {} columns, colours from {low} to {high}", heat.rows(), heat.cols())
            }
            Body::Matrix(matrix) => {
                let known: Vec<f64> = matrix.values.iter().copied().flatten().collect();
                let last = known.last().map_or_else(String::new, |last| format!(", last {}", number::precise(*last)));
                format!("{} of {} cells known{last}", known.len(), matrix.rows * matrix.cols)
            }
            Body::Surface(surface) => format!("decision surface with {} samples", surface.points.len()),
            Body::Empty { message } => message.clone(),
        };
        if body.is_empty() { self.title.clone() } else { format!("{}: {body}", self.title) }
    }
}

/// Outline the cell under the pointer and tell its value.
fn hover_matrix(
    canvas: &mut Painter<'_>,
    matrix: &Matrix,
    shown: &mut Response,
    theme: &Theme,
    rect: Rect,
    pointer: Pos2,
) {
    let layout = draw::matrix::Layout::new(matrix, rect);
    let Some((row, col)) = layout.at(matrix, pointer) else { return };
    shown.hovered = Some((row, col));
    shown.clicked = shown.response.clicked().then_some((row, col));
    canvas.outline(layout.cell(row, col), layout.radius(), theme.text);
    let name = |labels: &[String], title: &str, index: usize| {
        let label = labels.get(index).cloned().unwrap_or_else(|| (index + 1).to_string());
        if title.is_empty() { label } else { format!("{title} {label}") }
    };
    let row_name = name(&matrix.row_labels, &matrix.row_title, row);
    let col_name = name(&matrix.col_labels, &matrix.col_title, col);
    let value = matrix.value(row, col);
    let value = value.map_or_else(
        || "not known yet".to_owned(),
        |value| number::with_half_width(value, matrix.half_width(row, col)),
    );
    tooltip::cell(&shown.response, theme, &format!("{row_name}, {col_name}"), &value);
}

/// Tell the place and the probability there.
fn hover_surface(surface: &Surface, shown: &Response, theme: &Theme, rect: Rect, pointer: Pos2) {
    let plane = draw::surface::Layout::new(surface, rect).plane;
    let (x, y) = (plane.x.value(pointer.x), plane.y.value(pointer.y));
    if let Some(probability) = surface.at(x, y) {
        let class = surface.legend.get(1).map_or("class 1", String::as_str);
        let place = format!("({x:.2}, {y:.2})").replace('-', "−");
        tooltip::cell(&shown.response, theme, &place, &format!("{class}: {}", number::precise(probability)));
    }
}
