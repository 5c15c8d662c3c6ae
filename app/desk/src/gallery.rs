//! The presets on their shelves: every experiment that comes with the program, at one click.

use egui::{Align2, FontId, Id, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, vec2};
use mnemoscope_figure::{Theme, medium, semibold};
use mnemoscope_lab::{Experiment, presets};

use crate::dialogs::modal;
use crate::order::Order;

/// Points between two cards.
const GAP: f32 = 10.0;

/// Draws the gallery over the window; answers whether it stays. `experiments` are the presets in their order.
pub fn ui(ui: &Ui, theme: &Theme, experiments: &[Experiment], orders: &mut Vec<Order>) -> bool {
    let room = ui.ctx().content_rect().size() - vec2(100.0, 90.0);
    let width = room.x.min(1080.0);
    let wanted = Id::unique("gallery search");
    let modal = modal(ui, "gallery").show(ui.ctx(), |ui| {
        ui.set_width(width);
        let mut search: String = ui.data(|data| data.get_temp(wanted)).unwrap_or_default();
        ui.horizontal(|ui| {
            ui.label(RichText::new("Presets").font(semibold(15.0)));
            ui.add_space(12.0);
            let field = TextEdit::singleline(&mut search).hint_text("Search, such as \"replay\"").desired_width(260.0);
            let field = ui.add(field).accessible_name("Search the presets");
            if !ui.memory(|memory| memory.focused().is_some()) {
                field.request_focus();
            }
        });
        ui.data_mut(|data| data.insert_temp(wanted, search.clone()));
        ui.add_space(8.0);
        let mut stays = true;
        ScrollArea::vertical().max_height(room.y - 110.0).auto_shrink([false, false]).show(ui, |ui| {
            stays = shelves_ui(ui, theme, experiments, &search.to_lowercase(), orders);
        });
        ui.add_space(6.0);
        !stays || ui.button("Close").clicked()
    });
    let stays = !(modal.inner || modal.should_close());
    if !stays {
        ui.data_mut(|data| data.remove::<String>(wanted));
    }
    stays
}

fn shelves_ui(ui: &mut Ui, theme: &Theme, all: &[Experiment], search: &str, orders: &mut Vec<Order>) -> bool {
    let mut stays = true;
    let mut found = false;
    let mut index = 0;
    for (shelf, presets) in presets::shelves() {
        let entries: Vec<(&'static str, &Experiment)> = presets
            .iter()
            .enumerate()
            .filter_map(|(at, preset)| Some((preset.name, all.get(index + at)?)))
            .filter(|(name, experiment)| matches(name, experiment, search))
            .collect();
        index += presets.len();
        if entries.is_empty() {
            continue;
        }
        found = true;
        ui.label(RichText::new(shelf).font(medium(13.0)).color(theme.text_dim));
        ui.add_space(2.0);
        let columns = if ui.available_width() > 720.0 { 3 } else { 2 };
        let width = (ui.available_width() - 6.0 - GAP * (columns - 1) as f32) / columns as f32;
        for row in entries.chunks(columns) {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = GAP;
                for (name, experiment) in row {
                    if card(ui, theme, width, experiment) {
                        orders.push(Order::OpenPreset(name));
                        stays = false;
                    }
                }
            });
            ui.add_space(GAP - ui.spacing().item_spacing.y);
        }
        ui.add_space(8.0);
    }
    if !found {
        ui.label(RichText::new(format!("No preset speaks of \"{search}\".")).color(theme.text_dim));
    }
    stays
}

fn matches(name: &str, experiment: &Experiment, search: &str) -> bool {
    let methods = experiment.methods.iter().map(|method| method.kind().label.to_lowercase());
    let texts = [name.to_owned(), experiment.title.to_lowercase(), experiment.look_for.to_lowercase()];
    texts.into_iter().chain(methods).any(|text| text.contains(search))
}

/// One preset: title, the first sentence of what to look for, and what it takes.
fn card(ui: &mut Ui, theme: &Theme, width: f32, experiment: &Experiment) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 92.0), Sense::click());
    let hovered = response.hovered() || response.has_focus();
    let (fill, outline) = if hovered { (theme.hovered, theme.accent) } else { (theme.raised, theme.outline) };
    ui.painter().rect(rect, 7.0, fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let inner = rect.shrink2(vec2(12.0, 9.0));
    let painter = ui.painter().with_clip_rect(inner.intersect(ui.clip_rect()));
    let line = |text: &str, font: FontId, colour: mnemoscope_figure::Color, rows: usize| {
        let mut job = egui::text::LayoutJob::simple(text.to_owned(), font, colour.into(), inner.width());
        job.wrap.max_rows = rows;
        ui.painter().layout_job(job)
    };
    let title = line(&experiment.title, medium(13.0), theme.text, 1);
    let sentence = experiment.look_for.split_inclusive(". ").next().unwrap_or_default().trim();
    let body = line(sentence, FontId::proportional(11.5), theme.text_dim, 3);
    painter.galley(inner.min, title, theme.text.into());
    painter.galley(inner.min + vec2(0.0, 18.0), body, theme.text_dim.into());
    painter.text(
        inner.right_bottom(),
        Align2::RIGHT_BOTTOM,
        cost(experiment),
        FontId::proportional(10.5),
        theme.text_faint.into(),
    );
    let title = &experiment.title;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Open preset: {title}")));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(&experiment.look_for).clicked()
}

/// "6 arms, 3 claims, about 20 s".
fn cost(experiment: &Experiment) -> String {
    let count = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {one}s")),
    };
    let seconds =
        (experiment.expected_seconds > 0.0).then(|| format!("about {:.0} s", experiment.expected_seconds.max(1.0)));
    let parts = [count(experiment.arms.len(), "arm"), count(experiment.claims.len(), "claim"), seconds];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
