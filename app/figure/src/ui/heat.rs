//! A heat map in the window: zoom, pan, a cell to point at, and rows and columns that other views mark.

use egui::{Event, EventFilter, Id, Key, Modifiers, Pos2, Rect, Sense, Vec2, WidgetInfo, accesskit::Role};

use super::card::HeatCard;
use super::{Painter, Response, tooltip};
use crate::canvas::{Canvas as _, Pen};
use crate::draw::heat::Layout;
use crate::figure::Figure;
use crate::heat::{Heat, Highlight, Values, Window};
use crate::number;
use crate::theme::Theme;

/// How far one point of scrolling zooms.
const ZOOM: f64 = 0.005;
/// How far a press of "+" zooms.
const STEP: f64 = 1.5;

/// What is kept of a heat map between frames.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    /// Rows and columns, to begin anew with another table.
    size: (usize, usize),
    window: Window,
    /// The cell that the keyboard is at.
    cursor: (usize, usize),
}

/// Show the heat map and everything a pointer, a keyboard or a screen reader can do with it.
pub(crate) fn show(
    figure: &Figure,
    heat: &Heat,
    ui: &mut egui::Ui,
    theme: &Theme,
    size: Vec2,
    marked: Highlight,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let memory = Id::unique(("heat map", figure.id.as_str()));
    let layout = Layout::new(heat, rect);
    let table = (heat.rows(), heat.cols());
    let fresh = State { size: table, window: Window::whole(table.0, table.1), cursor: (0, 0) };
    let kept = ui.data(|data| data.get_temp::<State>(memory)).filter(|state| state.size == table);
    let mut state = kept.unwrap_or(fresh);
    let mut shown = Response { response, hovered: None, clicked: None, x_range: None, y_range: None };
    if shown.response.clicked() {
        shown.response.request_focus();
    }

    let pointer = shown.response.hover_pos();
    by_pointer(ui, &shown.response, &layout, table, &mut state.window, pointer);
    shown.hovered = pointer.and_then(|at| layout.at(heat, state.window, at));
    shown.clicked = shown.hovered.filter(|_| shown.response.clicked());
    if let Some(cell) = shown.clicked {
        state.cursor = cell;
    }
    let focused = shown.response.has_focus();
    if focused && table.0 > 0 && table.1 > 0 {
        let id = shown.response.id;
        // Arrows move the cell here, not the focus.
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        if by_key(ui, &layout, &mut state) {
            shown.clicked = Some(state.cursor);
        }
    }
    if kept != Some(state) {
        ui.data_mut(|data| data.insert_temp(memory, state));
    }

    let at = shown.hovered.or_else(|| focused.then_some(state.cursor));
    let told = at.map(|(row, col)| format!("{}: {}", heat.cell_name(row, col), value(heat, row, col)));
    if ui.is_rect_visible(rect) {
        fetch(ui, heat, at.is_some() || state.window.pitch(layout.grid).min_elem() > 18.0);
        let mut canvas = Painter::new(ui, &figure.id, rect);
        if rect.width() >= crate::draw::LEAST && rect.height() >= crate::draw::LEAST {
            layout.draw(&mut canvas, heat, state.window, theme);
            mark(&mut canvas, heat, &layout, state.window, marked, theme);
            if let Some((row, col)) = at {
                let place = state.window.place([row, row + 1], [col, col + 1], layout.grid);
                canvas.outline(place.intersect(layout.grid), 0.0, theme.text);
            }
        }
        if let Some((row, col)) = shown.hovered {
            tooltip::cell(&shown.response, theme, &heat.cell_name(row, col), &value(heat, row, col));
        }
    }
    shown.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Figure, true, figure.summary());
        info.current_text_value.clone_from(&told);
        info
    });
    shown
}

/// The cell's value with its unit, as exact as it can be told.
fn value(heat: &Heat, row: usize, col: usize) -> String {
    let unit = if heat.unit.is_empty() { String::new() } else { format!(" {}", heat.unit) };
    heat.value(row, col).map_or_else(|| "not known".to_owned(), |value| format!("{}{unit}", number::precise(value)))
}

/// Scrolling and pinching zoom about the pointer, dragging moves, a double click shows everything.
fn by_pointer(
    ui: &egui::Ui,
    response: &egui::Response,
    layout: &Layout,
    table: (usize, usize),
    window: &mut Window,
    pointer: Option<Pos2>,
) {
    if response.double_clicked() {
        *window = Window::whole(table.0, table.1);
    }
    if response.dragged() {
        *window = window.drag(response.drag_delta(), layout.grid, table);
    }
    let Some(at) = pointer.filter(|at| layout.grid.contains(*at)) else { return };
    let (scrolled, pinched) = ui.input(|input| (input.smooth_scroll_delta.y, input.zoom_delta()));
    let factor = (f64::from(scrolled) * ZOOM).exp() * f64::from(pinched);
    let zoomed = window.zoom(factor, at, layout.grid, table);
    if factor != 1.0 && zoomed != *window {
        *window = zoomed;
        // A page around the map stays where it is.
        ui.input_mut(|input| input.smooth_scroll_delta = Vec2::ZERO);
    }
}

/// Arrows move the cell, plus and minus zoom about it, Escape and Home show everything; `true` when Enter was pressed.
fn by_key(ui: &egui::Ui, layout: &Layout, state: &mut State) -> bool {
    let (rows, cols) = state.size;
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let before = *state;
    let (row, col) = &mut state.cursor;
    (*row, *col) = ((*row).min(rows - 1), (*col).min(cols - 1));
    if pressed(Key::ArrowUp) {
        *row = row.saturating_sub(1);
    }
    if pressed(Key::ArrowDown) {
        *row = (*row + 1).min(rows - 1);
    }
    if pressed(Key::ArrowLeft) {
        *col = col.saturating_sub(1);
    }
    if pressed(Key::ArrowRight) {
        *col = (*col + 1).min(cols - 1);
    }
    let (row, col) = state.cursor;
    if state.cursor != before.cursor {
        state.window = state.window.reveal(row, col, state.size);
    }
    // By what is typed: where "+" stands on a keyboard differs.
    let typed = |sign: &str| {
        ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Text(text) if text == sign)))
    };
    let at = state.window.place([row, row + 1], [col, col + 1], layout.grid).center();
    if typed("+") || typed("=") {
        state.window = state.window.zoom(STEP, at, layout.grid, state.size);
    }
    if typed("-") {
        state.window = state.window.zoom(1.0 / STEP, at, layout.grid, state.size);
    }
    if pressed(Key::Home) {
        state.window = Window::whole(rows, cols);
    }
    pressed(Key::Enter)
}

/// Numbers that a graphics card has are asked for when someone wants to read them, when nothing else says what range they
/// have, or when another card draws them.
fn fetch(ui: &egui::Ui, heat: &Heat, wanted: bool) {
    let Values::Card(view) = heat.values() else { return };
    let card = HeatCard::of(ui.ctx());
    let foreign = card.is_none_or(|card| view.card() != Some(card.id()));
    if !(wanted || foreign || heat.range.is_none()) {
        return;
    }
    // A card that fails shows nothing; the log says why once, by the driver's own words.
    if let Ok(false) = view.look() {
        ui.request_repaint();
    }
}

/// The row and the column that another view points at, between thin lines.
fn mark(canvas: &mut Painter<'_>, heat: &Heat, layout: &Layout, window: Window, marked: Highlight, theme: &Theme) {
    if marked == Highlight::default() {
        return;
    }
    let pen = Pen::new(theme.text.fade(0.75), 1.0);
    canvas.clip(layout.grid.expand(1.0));
    if let Some(row) = marked.row.filter(|row| *row < heat.rows()) {
        frame(canvas, window.place([row, row + 1], [0, heat.cols()], layout.grid), pen);
    }
    if let Some(col) = marked.col.filter(|col| *col < heat.cols()) {
        frame(canvas, window.place([0, heat.rows()], [col, col + 1], layout.grid), pen);
    }
    canvas.unclip();
}

fn frame(canvas: &mut Painter<'_>, place: Rect, pen: Pen) {
    canvas.border(place.expand(0.5), 0.0, pen);
}
