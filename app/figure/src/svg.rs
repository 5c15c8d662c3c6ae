//! The figure as an SVG text, written by hand: the same figure gives the same bytes on every machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use egui::{Align2, Pos2, Rect, pos2, vec2};

use crate::canvas::{Canvas, Cells, Pen, Type};
use crate::color::Color;
use crate::draw;
use crate::figure::Figure;
use crate::font::Weight;
use crate::heat::{Heat, Window};
use crate::theme::Theme;

/// Room around the picture, in points.
const MARGIN: f32 = 16.0;
/// Between header and body.
const GAP: f32 = 8.0;

impl Figure {
    /// The figure as a self-contained SVG of `size` points, with title, caption, badge and legend. The same figure
    /// always gives the same text. Text is kept as text in the font Inter.
    pub fn svg(&self, theme: &Theme, size: (f32, f32)) -> String {
        let whole = Rect::from_min_size(Pos2::ZERO, vec2(size.0.max(1.0), size.1.max(1.0)));
        let mut canvas = Svg { out: String::new(), prefix: identifier(&self.id), clips: 0 };
        canvas.fill(whole, 0.0, theme.card);
        let inside = whole.shrink(MARGIN);
        let header = Rect::from_min_max(inside.min, pos2(inside.right(), inside.top() + draw::HEADER));
        draw::header(&mut canvas, self, theme, header);
        let body = Rect::from_min_max(pos2(inside.left(), header.bottom() + GAP), inside.max);
        draw::body(&mut canvas, self, theme, body, None);
        let (width, height) = (short(whole.width()), short(whole.height()));
        let (title, caption) = (escape(&self.title), escape(&self.caption));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Inter, sans-serif\">\n\
             <title>{title}</title>\n<desc>{caption}</desc>\n{}</svg>\n",
            canvas.out
        )
    }
}

/// Writes elements one per line.
struct Svg {
    out: String,
    /// Keeps clip paths of several figures on one page apart.
    prefix: String,
    clips: usize,
}

impl Svg {
    fn element(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{text}");
    }
}

impl Canvas for Svg {
    fn fill(&mut self, rect: Rect, radius: f32, color: Color) {
        let round = if radius > 0.0 { format!(" rx=\"{}\"", short(radius)) } else { String::new() };
        self.element(format_args!("<rect {}{round} {}/>", place(rect), paint("fill", color)));
    }

    fn border(&mut self, rect: Rect, radius: f32, pen: Pen) {
        let round = if radius > 0.0 { format!(" rx=\"{}\"", short(radius)) } else { String::new() };
        let rect = rect.shrink(pen.width / 2.0);
        self.element(format_args!("<rect {}{round} fill=\"none\" {}/>", place(rect), stroke(pen)));
    }

    fn line(&mut self, points: &[Pos2], pen: Pen) {
        if let [from, to] = points {
            let (x1, y1, x2, y2) = (short(from.x), short(from.y), short(to.x), short(to.y));
            self.element(format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" {}/>", stroke(pen)));
        } else {
            let points = list(points.iter());
            let pen = stroke(pen);
            self.element(format_args!("<polyline points=\"{points}\" fill=\"none\" stroke-linejoin=\"round\" {pen}/>"));
        }
    }

    fn band(&mut self, upper: &[Pos2], lower: &[Pos2], color: Color) {
        let points = list(upper.iter().chain(lower.iter().rev()));
        self.element(format_args!("<polygon points=\"{points}\" {}/>", paint("fill", color)));
    }

    fn polygon(&mut self, points: &[Pos2], color: Color) {
        self.element(format_args!("<polygon points=\"{}\" {}/>", list(points.iter()), paint("fill", color)));
    }

    fn dot(&mut self, center: Pos2, radius: f32, color: Color, outline: Option<Pen>) {
        let outline = outline.map_or_else(String::new, |pen| format!(" {}", stroke(pen)));
        let (x, y, r) = (short(center.x), short(center.y), short(radius));
        self.element(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {}{outline}/>", paint("fill", color)));
    }

    fn text(&mut self, at: Pos2, anchor: Align2, text: &str, style: Type) {
        let at = pos2(at.x, at.y + baseline(anchor.y(), style.size));
        self.write(at, anchor.x(), text, style, "");
    }

    fn text_upwards(&mut self, center: Pos2, text: &str, style: Type) {
        let (x, y) = (short(center.x), short(center.y));
        let turn = format!(" transform=\"rotate(-90 {x} {y})\"");
        let at = pos2(center.x, center.y + baseline(egui::Align::Center, style.size));
        self.write(at, egui::Align::Center, text, style, &turn);
    }

    /// One path per colour, each run of equal cells one rectangle: no picture to decode, sharp at every size.
    fn cells(&mut self, rect: Rect, cells: &Cells<'_>) {
        let pitch = vec2(rect.width() / cells.cols as f32, rect.height() / cells.rows as f32);
        let mut paths: BTreeMap<[u8; 4], String> = BTreeMap::new();
        for row in 0..cells.rows {
            let mut col = 0;
            while col < cells.cols {
                let color = (cells.color)(row, col);
                let run = (col..cells.cols).take_while(|next| (cells.color)(row, *next) == color).count();
                let path = paths.entry([color.r, color.g, color.b, color.a]).or_default();
                // Both ends absolute: neighbours share their rounded edge, and no hairline is left between them.
                let edge = |col: usize| short(rect.left() + pitch.x * col as f32);
                let level = |row: usize| short(rect.top() + pitch.y * row as f32);
                let (left, right) = (edge(col), edge(col + run));
                let _ = write!(path, "M{left} {}H{right}V{}H{left}z", level(row), level(row + 1));
                col += run;
            }
        }
        self.element(format_args!("<g shape-rendering=\"crispEdges\">"));
        for ([r, g, b, a], path) in paths {
            self.element(format_args!("<path d=\"{path}\" {}/>", paint("fill", Color { r, g, b, a })));
        }
        self.element(format_args!("</g>"));
    }

    fn heat(&mut self, grid: Rect, heat: &Heat, window: Window, theme: &Theme) {
        draw::heat::cells(self, grid, heat, window, theme);
    }

    fn kept(&mut self, _slot: &'static str, _hash: u64, draw: &dyn Fn(&mut dyn Canvas)) {
        draw(self);
    }

    fn clip(&mut self, rect: Rect) {
        let name = format!("{}-{}", self.prefix, self.clips);
        self.clips += 1;
        self.element(format_args!("<clipPath id=\"{name}\"><rect {}/></clipPath>", place(rect)));
        self.element(format_args!("<g clip-path=\"url(#{name})\">"));
    }

    fn unclip(&mut self) {
        self.element(format_args!("</g>"));
    }
}

impl Svg {
    fn write(&mut self, at: Pos2, align: egui::Align, text: &str, style: Type, turn: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match align {
            egui::Align::Min => "",
            egui::Align::Center => " text-anchor=\"middle\"",
            egui::Align::Max => " text-anchor=\"end\"",
        };
        let weight = match style.weight {
            Weight::Regular => String::new(),
            weight => format!(" font-weight=\"{}\"", weight.css()),
        };
        let (x, y, size) = (short(at.x), short(at.y), short(style.size));
        let (fill, text) = (paint("fill", style.color), escape(text));
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor}{turn} {fill}>{text}</text>"
        ));
    }
}

/// From the anchored edge of a line of text down to its baseline, by Inter's ascent (0.96875) and descent (0.2412).
fn baseline(align: egui::Align, size: f32) -> f32 {
    size * match align {
        egui::Align::Min => 0.968_75,
        egui::Align::Center => 0.363_8,
        egui::Align::Max => -0.241_2,
    }
}

/// A coordinate with two decimals at most.
fn short(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn place(rect: Rect) -> String {
    let (x, y, width, height) = (short(rect.left()), short(rect.top()), short(rect.width()), short(rect.height()));
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

fn list<'a>(points: impl Iterator<Item = &'a Pos2>) -> String {
    let mut text = String::new();
    for at in points {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}{},{}", short(at.x), short(at.y));
    }
    text
}

fn paint(attribute: &str, color: Color) -> String {
    if color.a == 255 {
        format!("{attribute}=\"{}\"", color.css())
    } else {
        format!("{attribute}=\"{}\" {attribute}-opacity=\"{}\"", color.css(), short(color.opacity()))
    }
}

fn stroke(pen: Pen) -> String {
    let dash = pen
        .dash
        .map_or_else(String::new, |(dash, gap)| format!(" stroke-dasharray=\"{} {}\"", short(dash), short(gap)));
    format!("{} stroke-width=\"{}\"{dash}", paint("stroke", pen.color), short(pen.width))
}

/// Text as XML; characters that XML 1.0 cannot hold are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// Letters, digits and dashes of an id.
fn identifier(id: &str) -> String {
    let plain: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("clip-{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a < b & \"c\"\u{0}\n>"), "a &lt; b &amp; &quot;c&quot; &gt;");
        let figure = Figure::empty("x", "<script>", "λ & µ");
        let svg = figure.svg(&crate::theme::LIGHT, (300.0, 120.0));
        assert!(svg.contains("&lt;script&gt;") && svg.contains("λ &amp; µ") && !svg.contains("<script>"));
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([1.0, 0.126, -0.001, 12.30].map(short), ["1", "0.13", "0", "12.3"]);
    }

    #[test]
    fn a_run_of_equal_cells_is_one_rectangle() {
        let mut svg = Svg { out: String::new(), prefix: String::new(), clips: 0 };
        let (black, white) = (Color::rgb(0), Color::rgb(0xff_ffff));
        let color = |row: usize, col: usize| if row == 0 || col == 2 { black } else { white };
        let cells = Cells { slot: "test", rows: 2, cols: 3, hash: 0, color: &color };
        svg.cells(Rect::from_min_size(Pos2::ZERO, vec2(30.0, 20.0)), &cells);
        assert!(svg.out.contains("M0 0H30V10H0zM20 10H30V20H20z"), "{}", svg.out);
        assert!(svg.out.contains("M0 10H20V20H0z"), "{}", svg.out);
    }
}
