//! The line above a plot: title, caption, badge and menu. It is also what a person drags.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Color32, Galley, Rect, Sense, Ui, pos2, vec2};
use mnemoscope_figure::{Body, Figure, semibold};

use super::panel::Panel;
use super::{Action, Tile, TileContext};
use crate::icon::{self, Icon};

/// Height in points.
const HEIGHT: f32 = 22.0;
/// Side of the menu's button.
const BUTTON: f32 = 22.0;

/// What was done to the header in this frame.
pub(super) struct Header {
    /// A drag of the tile began.
    pub dragged: bool,
    /// The tile is to be closed.
    pub closed: bool,
}

/// Draws the header. A tile behind a tab leaves its title to the tab.
pub(super) fn ui(
    ui: &mut Ui,
    cx: &mut TileContext<'_>,
    tile: Tile,
    figure: &Arc<Figure>,
    panel: &mut dyn Panel,
    tabbed: bool,
) -> Header {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let id = ui.scope_id().with((tile, "header"));
    let response = ui.interact(rect, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::Grab);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Heading, ui.is_enabled(), tile.title()));
    let theme = cx.theme;
    let middle = rect.center().y;
    let mut right = rect.right() - BUTTON - 4.0;
    if let Some(badge) = &figure.badge {
        let galley = line(ui, badge, egui::FontId::proportional(10.5), theme.text_dim.into(), f32::INFINITY);
        let pill = Rect::from_center_size(
            pos2(right - galley.size().x / 2.0 - 7.0, middle),
            vec2(galley.size().x + 14.0, 16.0),
        );
        // In a narrow tile the title comes first.
        if pill.left() > rect.left() + 120.0 {
            ui.painter().rect_filled(pill, 8.0, theme.raised);
            ui.painter().galley(
                Align2::CENTER_CENTER.align_size_within_rect(galley.size(), pill).min,
                galley,
                Color32::PLACEHOLDER,
            );
            right = pill.left() - 8.0;
            let pill = ui.interact(pill, id.with("badge"), Sense::hover());
            pill.on_hover_text(badge_meaning(badge));
        }
    }
    let mut left = rect.left();
    if !tabbed {
        let title = line(ui, tile.title(), semibold(13.0), theme.text.into(), right - left);
        let width = title.size().x;
        ui.painter().galley(pos2(left, middle - title.size().y / 2.0), title, Color32::PLACEHOLDER);
        left += width + 12.0;
    }
    if right - left > 40.0 && !figure.caption.is_empty() {
        let font = egui::FontId::proportional(11.0);
        let caption = line(ui, &figure.caption, font, theme.text_dim.into(), right - left);
        let cut = caption.elided;
        ui.painter().galley(pos2(left, middle - caption.size().y / 2.0 + 0.5), caption, Color32::PLACEHOLDER);
        if cut {
            response.clone().on_hover_text(&figure.caption);
        }
    }
    let corner = Rect::from_min_size(pos2(rect.right() - BUTTON + 4.0, rect.top()), vec2(BUTTON, HEIGHT));
    let mut closed = response.clicked_by(egui::PointerButton::Middle);
    // A child of its own: the button reaches a little into the card's margin and must not widen the card.
    let mut corner = ui.new_child(egui::UiBuilder::new().max_rect(corner));
    let button = icon::small(&mut corner, Icon::More, &format!("{} menu", tile.title()), BUTTON);
    egui::Popup::menu(&button).show(|ui| closed |= menu(ui, cx, tile, panel));
    Header { dragged: response.drag_started(), closed }
}

/// The menu; `true` when the tile is to be closed.
fn menu(ui: &mut Ui, cx: &mut TileContext<'_>, tile: Tile, panel: &mut dyn Panel) -> bool {
    ui.set_min_width(190.0);
    panel.menu(ui, cx);
    if panel.zooms() && ui.button("Reset zoom").clicked() {
        panel.reset_zoom(cx);
    }
    exports_ui(ui, cx.actions, &panel.exports(cx));
    if let Some(csv) = panel.table(cx)
        && ui.button("Export as CSV…").clicked()
    {
        cx.actions.push(Action::ExportTable { csv, suggestion: format!("{}.csv", tile.slug()) });
    }
    ui.separator();
    ui.button("Close tile").clicked()
}

/// Entries that export each of the figures, with its size in points; one that shows nothing yet has none.
pub(crate) fn exports_ui(ui: &mut Ui, actions: &mut Vec<Action>, exports: &[(Arc<Figure>, (f32, f32))]) {
    let exports: Vec<_> = exports.iter().filter(|(figure, _)| !matches!(figure.body, Body::Empty { .. })).collect();
    let several = exports.len() > 1;
    for (figure, size) in exports {
        let mut formats = |ui: &mut Ui| {
            for format in figure.formats().iter().copied() {
                let name = format.label();
                let text = if several { format!("{name}…") } else { format!("Export as {name}…") };
                if ui.button(text).clicked() {
                    let slug = figure.title.to_lowercase().replace(' ', "-");
                    actions.push(Action::Export {
                        figure: figure.clone(),
                        size: *size,
                        format,
                        suggestion: format!("{slug}.{}", format.extension()),
                    });
                }
            }
        };
        if several {
            ui.menu_button(format!("Export {}", figure.title.to_lowercase()), formats);
        } else {
            formats(ui);
        }
    }
}

/// One line of text, cut with an ellipsis where it is wider than `width`.
pub(crate) fn line(ui: &Ui, text: &str, font: egui::FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    ui.painter().layout_job(job)
}

fn badge_meaning(badge: &str) -> &'static str {
    match badge {
        "test" => "Measured on the test part: final figures use it, nothing is tuned on it.",
        "validation" => "Measured on the validation part, held out from training: for watching and tuning.",
        _ => "Measured on the training part.",
    }
}
