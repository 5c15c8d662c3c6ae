//! Layout and drawing of a figure, the same for the window and for files.

pub(crate) mod chart;
pub(crate) mod heat;
mod lines;
pub(crate) mod matrix;
pub(crate) mod plane;
pub(crate) mod surface;

use egui::{Align2, Pos2, Rect, pos2};

use crate::canvas::{Canvas, Pen, Type};
use crate::figure::{Body, Figure};
use crate::heat::Window;
use crate::theme::Theme;

/// Below this many points on a side, a body is not drawn.
pub(crate) const LEAST: f32 = 24.0;
/// Height of the header line.
pub(crate) const HEADER: f32 = 22.0;

/// Draw the body into `rect`; `view` is a chart's zoomed window, if any.
pub(crate) fn body(canvas: &mut dyn Canvas, figure: &Figure, theme: &Theme, rect: Rect, view: Option<chart::View>) {
    if rect.width() < LEAST || rect.height() < LEAST {
        return;
    }
    match &figure.body {
        Body::Chart(body) => chart::Layout::new(body, rect, view).draw(canvas, body, theme),
        Body::Heat(body) => {
            let all = Window::whole(body.rows(), body.cols());
            heat::Layout::new(body, rect).draw(canvas, body, all, theme);
        }
        Body::Matrix(body) => matrix::Layout::new(body, rect).draw(canvas, body, theme),
        Body::Surface(body) => surface::Layout::new(body, rect).draw(canvas, body, theme),
        Body::Empty { message } => empty(canvas, message, theme, rect),
    }
}

/// Title, badge and caption on one line; the caption is cut first, then left out.
pub(crate) fn header(canvas: &mut dyn Canvas, figure: &Figure, theme: &Theme, rect: Rect) {
    let title = Type::new(14.0, theme.text).semibold();
    let small = Type::new(11.0, theme.text_dim);
    let badge = Type::new(10.0, theme.text_dim).medium();
    let middle = rect.center().y;
    let mut x = rect.left();
    let shown = title.fit(&figure.title, rect.width());
    canvas.text(pos2(x, middle), Align2::LEFT_CENTER, &shown, title);
    x += title.width(&shown) + 10.0;
    if let Some(text) = &figure.badge {
        let width = badge.width(text) + 14.0;
        if x + width <= rect.right() {
            let pill = Rect::from_min_size(pos2(x, middle - 8.0), egui::vec2(width, 16.0));
            canvas.border(pill, 8.0, Pen::new(theme.outline, 1.0));
            canvas.text(pill.center(), Align2::CENTER_CENTER, text, badge);
            x += width + 10.0;
        }
    }
    let caption = small.fit(&figure.caption, rect.right() - x);
    // Baselines of title and caption agree.
    canvas.text(pos2(x, middle + 0.36 * (title.size - small.size)), Align2::LEFT_CENTER, &caption, small);
}

/// A quiet sentence in the middle, on as many lines as it needs.
fn empty(canvas: &mut dyn Canvas, message: &str, theme: &Theme, rect: Rect) {
    let style = Type::new(12.0, theme.text_dim);
    let lines = wrap(message, style, (rect.width() - 24.0).min(420.0));
    let step = style.size * 1.5;
    let first = rect.center().y - step * (lines.len() as f32 - 1.0) / 2.0;
    for (index, line) in lines.iter().enumerate() {
        let at = pos2(rect.center().x, first + step * index as f32);
        canvas.text(at, Align2::CENTER_CENTER, line, style);
    }
}

/// Break at spaces so that each line is at most `room` wide where words allow it.
pub(crate) fn wrap(text: &str, style: Type, room: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if style.width(line) + style.width(" ") + style.width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// One entry of a legend: a swatch and a name.
pub(crate) struct Entry<'a> {
    pub name: &'a str,
    pub swatch: Swatch,
}

/// What stands before a legend's name.
pub(crate) enum Swatch {
    Line(Pen),
    Dot(crate::color::Color),
}

/// Height of a legend row.
const ROW: f32 = 16.0;

/// Kept free at the end of the last row for the number of entries that found no place.
const MORE: f32 = 26.0;

/// Places of legend entries in rows of `width` points; entries beyond `rows` rows are left out. Returns the offset of
/// each shown entry from the legend's corner, and the height used.
pub(crate) fn flow(entries: &[Entry<'_>], style: Type, width: f32, rows: usize) -> (Vec<Pos2>, f32) {
    let (mut at, mut places) = (pos2(0.0, 0.0), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let wide = 18.0 + style.width(entry.name).min(width - 18.0) + 14.0;
        let last_row = at.y >= ROW * (rows as f32 - 1.0);
        let room = if last_row && index + 1 < entries.len() { width - MORE } else { width };
        if at.x > 0.0 && at.x + wide - 14.0 > room {
            if last_row {
                break;
            }
            at = pos2(0.0, at.y + ROW);
        }
        places.push(at);
        at.x += wide;
    }
    let height = places.last().map_or(0.0, |last| last.y + ROW);
    (places, height)
}

/// Draw legend entries at their places.
pub(crate) fn legend(
    canvas: &mut dyn Canvas,
    entries: &[Entry<'_>],
    places: &[Pos2],
    corner: Pos2,
    style: Type,
    width: f32,
) {
    for (entry, place) in entries.iter().zip(places) {
        let at = corner + place.to_vec2() + egui::vec2(0.0, ROW / 2.0);
        match entry.swatch {
            Swatch::Line(pen) => canvas.line(&[at, pos2(at.x + 13.0, at.y)], pen),
            Swatch::Dot(color) => canvas.dot(pos2(at.x + 6.0, at.y), 3.5, color, None),
        }
        let name = style.fit(entry.name, width - place.x - 18.0);
        canvas.text(pos2(at.x + 18.0, at.y), Align2::LEFT_CENTER, &name, style);
    }
    if let Some(last) = places.last().filter(|_| places.len() < entries.len()) {
        let more = format!("+{}", entries.len() - places.len());
        let at = corner + egui::vec2(width, last.y + ROW / 2.0);
        canvas.text(at, Align2::RIGHT_CENTER, &more, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Color;

    #[test]
    fn wrapping_keeps_every_word_and_the_room() {
        let style = Type::new(12.0, Color::rgb(0));
        let text = "Pick a point set to see how the network divides the plane.";
        let lines = wrap(text, style, 120.0);
        assert!(lines.len() > 2);
        assert_eq!(lines.join(" "), text);
        assert!(lines.iter().all(|line| style.width(line) <= 120.0));
    }

    #[test]
    fn legend_flows_into_rows_and_stops() {
        let style = Type::new(11.0, Color::rgb(0));
        let names: Vec<String> = (1..=12).map(|task| format!("task {task}")).collect();
        let entries: Vec<Entry<'_>> =
            names.iter().map(|name| Entry { name, swatch: Swatch::Dot(Color::rgb(0)) }).collect();
        let (places, height) = flow(&entries, style, 240.0, 2);
        assert_eq!(height, 2.0 * ROW);
        assert!(places.len() < 12 && places.len() > 4);
        assert!(places.iter().all(|place| place.x < 240.0));
    }
}
