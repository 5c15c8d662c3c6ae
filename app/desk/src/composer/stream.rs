//! The stream's card: the data, the tasks as coloured chips, the scenario and its knobs.

use egui::{RichText, Sense, Stroke, StrokeKind, Ui, vec2};
use mnemoscope_figure::{Theme, medium};
use mnemoscope_lab::{Experiment, Layout};

use super::{Compose, section};
use crate::number;
use crate::order::Order;
use crate::shortcuts::UiCommand;

/// Most tasks that get a chip each.
const MOST_CHIPS: usize = 12;

/// Draws the card.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>, experiment: &mut Experiment) {
    let theme = cx.theme;
    let layout = cx.snapshot.map(|snapshot| snapshot.layout.clone());
    let mut look = false;
    let card = cx.section("stream", "Stream", summary(experiment), &["stream", "order", "data", "blocks"]);
    card.ui(
        ui,
        theme,
        |_| {},
        |ui| {
            if let Some(layout) = &layout {
                chips(ui, theme, layout);
                let samples = number::grouped(layout.train_samples as f64);
                let text = format!("{} · {samples} training samples", layout.dataset.name);
                ui.label(RichText::new(text).size(11.0).color(theme.text_dim));
            }
            ui.horizontal(|ui| {
                let button = 92.0;
                ui.allocate_ui(vec2(ui.available_width() - button - 6.0, 20.0), |ui| {
                    section::kind_ui(ui, "data set", &mut experiment.data);
                });
                let response = ui.add_sized(vec2(button, 22.0), egui::Button::new("Look at data"));
                look = response.on_hover_text(UiCommand::ShowData.tooltip(ui.ctx())).clicked();
            });
            section::component_ui(ui, theme, "data", &mut experiment.data);
            let before = experiment.stream.name();
            section::kind_ui(ui, "scenario", &mut experiment.stream);
            if experiment.stream.name() != before {
                // Blocks that were edited for another scenario name groups that this one may not have.
                experiment.blocks = None;
            }
            if experiment.blocks.is_some() {
                ui.horizontal_wrapped(|ui| {
                    let text = "The timeline was edited: its blocks decide over tasks and lengths.";
                    ui.label(RichText::new(text).size(11.5).color(theme.warning));
                    let undo = ui.small_button("Use the stream's own");
                    if undo.on_hover_text("Forget the edits of the timeline").clicked() {
                        experiment.blocks = None;
                    }
                });
            }
            section::component_ui(ui, theme, "stream", &mut experiment.stream);
            order_ui(ui, theme, experiment);
        },
    );
    if look {
        cx.orders.push(Order::Do(UiCommand::ShowData));
    }
}

/// When each task is trained: the order and its knobs.
fn order_ui(ui: &mut Ui, theme: &Theme, experiment: &mut Experiment) {
    ui.add_space(2.0);
    ui.label(RichText::new("Order").size(11.5).color(theme.text_dim));
    let before = experiment.order.name();
    section::kind_ui(ui, "order", &mut experiment.order);
    if experiment.order.name() != before {
        experiment.blocks = None;
    }
    section::component_ui(ui, theme, "order", &mut experiment.order);
}

fn summary(experiment: &Experiment) -> String {
    let blocks = experiment.task_blocks().len();
    let kind = experiment.stream.kind().label.to_lowercase();
    format!("{kind}, {blocks} {}", if blocks == 1 { "block" } else { "blocks" })
}

/// One chip per group in its task colour, with what it is about.
fn chips(ui: &mut Ui, theme: &Theme, layout: &Layout) {
    let groups = layout.groups();
    if groups == 0 || groups > MOST_CHIPS {
        return;
    }
    let gap = 5.0;
    let width = ((ui.available_width() - gap * (groups - 1) as f32) / groups as f32).min(54.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for group in 0..groups {
            let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
            let color = theme.task(group);
            ui.painter().rect(rect, 5.0, theme.sunken, Stroke::new(1.2, color), StrokeKind::Inside);
            let name = layout.group_names.first().and_then(|names| names.get(group)).map_or("", String::as_str);
            let text = chip_text(name, group);
            let size = if text.chars().count() > 3 { 11.0 } else { 15.0 };
            let painter = ui.painter().with_clip_rect(rect.shrink(2.0));
            painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, medium(size), theme.text.into());
            let full = layout.group_name(0, group);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, full.clone()));
            response.on_hover_text(full);
        }
    });
}

/// "digits 0, 1" -> "0 1"; "90 degrees" -> "90°"; else the task's number.
fn chip_text(name: &str, group: usize) -> String {
    let numbers: Vec<&str> = name
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter(|part| part.chars().any(|c| c.is_ascii_digit()))
        .collect();
    let angle = name.contains("degree") || name.contains('°');
    match numbers.len() {
        1 if angle => format!("{}°", numbers[0]),
        1..=3 => numbers.join(" "),
        _ => (group + 1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_short() {
        assert_eq!(chip_text("digits 0, 1", 0), "0 1");
        assert_eq!(chip_text("rotated by 80 degrees", 1), "80°");
        assert_eq!(chip_text("rotated 80°", 1), "80°");
        assert_eq!(chip_text("moons", 2), "3");
        assert_eq!(chip_text("digits 0, 1, 2, 3, 4", 0), "1");
    }
}
