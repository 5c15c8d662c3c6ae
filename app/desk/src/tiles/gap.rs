//! A task switch from near, with its numbers.

use std::sync::Arc;

use egui::{RichText, Sense, Ui, pos2, vec2};
use mnemoscope_figure::{Body, Figure, semibold};
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::{self, GapNumber, View};

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty, header};

/// Height of the row of numbers.
const NUMBERS: f32 = 38.0;

#[derive(Default)]
pub(super) struct GapPanel {
    cache: Cache,
    size: (f32, f32),
    numbers: Option<(Arc<Snapshot>, View, Vec<GapNumber>)>,
}

impl Panel for GapPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::gap),
            None => waiting(
                Tile::Gap,
                "At a task switch known tasks fall, often far, before they come back. See it from near.",
            ),
        }
    }

    fn size(&self) -> (f32, f32) {
        self.size
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        let choices = cx.snapshot.as_deref().map(figures::gap_choices).unwrap_or_default();
        if choices.is_empty() {
            return;
        }
        if ui.radio(cx.view.gap.is_none(), "Follow the latest switch").clicked() {
            cx.view.gap = None;
        }
        ui.menu_button("Switch and task", |ui| {
            egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for (block, group) in choices {
                    let text = format!("block {}, task {}", block + 1, group + 1);
                    if ui.radio(cx.view.gap == Some((block, group)), text).clicked() {
                        cx.view.gap = Some((block, group));
                    }
                }
            });
        });
        ui.separator();
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        let Some(snapshot) = cx.snapshot.clone() else { return };
        picker(ui, cx, &snapshot);
        let room = ui.available_size();
        let plot = vec2(room.x, (room.y - NUMBERS - 4.0).max(40.0));
        self.size = plot.into();
        ui.allocate_ui(plot, |ui| figure.ui(ui, cx.theme));
        if room.y > NUMBERS + 60.0 {
            self.numbers(ui, cx, &snapshot);
        }
    }

    fn reset_zoom(&mut self, _cx: &mut TileContext<'_>) {
        self.cache.reset_zoom();
    }

    fn zooms(&self) -> bool {
        true
    }
}

/// Two small boxes: which switch, which task.
fn picker(ui: &mut Ui, cx: &mut TileContext<'_>, snapshot: &Snapshot) {
    let Some(shown) = figures::shown_gap(snapshot, cx.view).map(|gap| (gap.block, gap.group)) else { return };
    let choices = figures::gap_choices(snapshot);
    let blocks = &snapshot.layout.blocks;
    let switch = |block: usize| format!("switch {} → {}", blocks[block - 1].group + 1, blocks[block].group + 1);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().button_padding = vec2(7.0, 2.0);
        ui.style_mut().override_font_id = Some(egui::FontId::proportional(11.5));
        let choose = egui::ComboBox::from_id_salt("switch").selected_text(switch(shown.0)).width(92.0);
        let choose = choose.show_ui(ui, |ui| {
            let mut switches: Vec<usize> = choices.iter().map(|choice| choice.0).collect();
            switches.dedup();
            for block in switches {
                if ui.selectable_label(block == shown.0, switch(block)).clicked() {
                    // The same task if it is known at that switch, else the newest known one.
                    let known = choices.iter().filter(|choice| choice.0 == block);
                    let same = known.clone().find(|choice| choice.1 == shown.1);
                    cx.view.gap = same.or_else(|| known.clone().next_back()).copied();
                }
            }
        });
        choose.response.accessible_name("Task switch");
        let choose = egui::ComboBox::from_id_salt("task").selected_text(format!("task {}", shown.1 + 1)).width(64.0);
        let choose = choose.show_ui(ui, |ui| {
            for choice in choices.iter().filter(|choice| choice.0 == shown.0) {
                if ui.selectable_label(*choice == shown, format!("task {}", choice.1 + 1)).clicked() {
                    cx.view.gap = Some(*choice);
                }
            }
        });
        choose.response.accessible_name("Known task");
        if cx.view.gap.is_some() && ui.small_button("latest").on_hover_text("Follow the latest switch").clicked() {
            cx.view.gap = None;
        }
    });
}

impl GapPanel {
    fn numbers(&mut self, ui: &mut Ui, cx: &TileContext<'_>, snapshot: &Arc<Snapshot>) {
        let stale = !matches!(&self.numbers, Some((of, view, _)) if Arc::ptr_eq(of, snapshot) && view == cx.view);
        if stale {
            self.numbers = Some((snapshot.clone(), cx.view.clone(), figures::gap_numbers(snapshot, cx.view)));
        }
        let Some((.., numbers)) = &self.numbers else { return };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), NUMBERS), Sense::hover());
        let columns: Vec<Column> = numbers.iter().map(|number| Column::of(ui, cx, number)).collect();
        let (shown, spare) = fit(columns.iter().map(|column| column.width), rect.width());
        let mut left = rect.left();
        for (column, number) in columns.into_iter().zip(numbers).take(shown) {
            let place = egui::Rect::from_min_size(pos2(left, rect.top()), vec2(column.width, NUMBERS));
            left = place.right() + spare;
            ui.painter().galley(place.min + vec2(0.0, 2.0), column.name, egui::Color32::PLACEHOLDER);
            ui.painter().galley(place.min + vec2(0.0, 18.0), column.value, egui::Color32::PLACEHOLDER);
            let response = ui.interact(place, ui.scope_id().with(number.name), Sense::hover());
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{} {}", number.name, number.value))
            });
            response.on_hover_ui(|ui| {
                ui.label(format!("{} = {}", number.name, number.value));
                ui.label(RichText::new(number.formula).small().weak());
            });
        }
    }
}

/// A number under its name.
struct Column {
    name: Arc<egui::Galley>,
    value: Arc<egui::Galley>,
    width: f32,
}

impl Column {
    fn of(ui: &Ui, cx: &TileContext<'_>, number: &GapNumber) -> Self {
        let most = 150.0;
        let name = header::line(ui, number.name, egui::FontId::proportional(11.0), cx.theme.text_dim.into(), most);
        let value = header::line(ui, &number.value, semibold(13.0), cx.theme.text.into(), most);
        let width = name.size().x.max(value.size().x);
        Self { name, value, width }
    }
}

/// How many columns fit side by side with at least 14 points between them, and the points between those.
fn fit(widths: impl Iterator<Item = f32>, room: f32) -> (usize, f32) {
    let least = 14.0;
    let (mut shown, mut used) = (0, 0.0);
    for width in widths {
        let with = used + width;
        if shown > 0 && with + least * shown as f32 > room {
            break;
        }
        (shown, used) = (shown + 1, with);
    }
    let spare = if shown > 1 { ((room - used) / (shown - 1) as f32).clamp(least, 40.0) } else { least };
    (shown, spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_left_out_from_the_end() {
        assert_eq!(fit([50.0, 50.0].into_iter(), 200.0), (2, 40.0));
        assert_eq!(fit([50.0, 50.0, 90.0].into_iter(), 200.0), (2, 40.0));
        assert_eq!(fit([50.0, 50.0, 72.0].into_iter(), 200.0), (3, 14.0));
        assert_eq!(fit([500.0].into_iter(), 200.0), (1, 14.0));
        assert_eq!(fit(std::iter::empty(), 200.0).0, 0);
    }
}
