//! The short welcome over a preset that is already in motion, and the table of shortcuts.

use egui::{Align2, Area, Id, Order as Layer, RichText, Sense, Stroke, StrokeKind, Ui, vec2};
use mnemoscope_figure::{Theme, medium, semibold};
use mnemoscope_lab::{Experiment, presets};

use crate::dialogs::modal;
use crate::order::Order;
use crate::shortcuts::UiCommand;

/// The preset that is in motion at the first start.
pub const FIRST: &str = "forgetting-split-digits";

/// The presets that stand beside it, at one click.
pub const NEXT: [&str; 3] = ["replay-split-digits", "stability-gap-rotated-digits", "hebbian-capacity"];

/// Draws the card; answers whether it stays. `open` is the title of the open experiment.
pub fn ui(ui: &Ui, theme: &Theme, experiments: &[Experiment], open: &str, orders: &mut Vec<Order>) -> bool {
    let mut stays = true;
    // In the lower right corner: what moves behind it, the first curve, stays in sight.
    Area::new(Id::unique("welcome")).order(Layer::Middle).anchor(Align2::RIGHT_BOTTOM, vec2(-28.0, -28.0)).show(
        ui.ctx(),
        |ui| {
            egui::Frame::window(ui.style()).inner_margin(egui::Margin::same(20)).show(ui, |ui| {
                ui.set_width(440.0);
                ui.label(RichText::new("Watch a network forget").font(semibold(18.0)).color(theme.text));
                ui.add_space(2.0);
                let text = "A small network learns handwritten digits, two at a time. Behind this card it is training \
                            now: each colour is a task, and each time a new task begins, the old ones fall. Turn any \
                            slider at the left, even while it runs, and see what helps it remember.";
                ui.label(RichText::new(text).color(theme.text_dim));
                ui.add_space(8.0);
                ui.label(RichText::new("Go on with").font(medium(12.5)).color(theme.text));
                for name in NEXT {
                    let Some(index) = presets::all().iter().position(|preset| preset.name == name) else { continue };
                    let Some(experiment) = experiments.get(index) else { continue };
                    if card(ui, theme, experiment, experiment.title == open) {
                        orders.push(Order::TryPreset(name));
                        stays = false;
                    }
                }
                ui.add_space(6.0);
                ui.horizontal(|ui| {
                    let text = RichText::new("Keep watching").color(theme.accent_text);
                    if ui.add(egui::Button::new(text).fill(theme.accent_fill).min_size(vec2(120.0, 28.0))).clicked() {
                        stays = false;
                    }
                    if ui.add(egui::Button::new("All presets").min_size(vec2(96.0, 28.0))).clicked() {
                        orders.push(Order::Do(UiCommand::Presets));
                        stays = false;
                    }
                    let keys = UiCommand::Welcome.keys(ui.ctx());
                    ui.label(RichText::new(format!("{keys} brings this back.")).size(11.5).color(theme.text_dim));
                });
            });
        },
    );
    stays
}

/// One preset: its title and the first sentence of what to look for.
fn card(ui: &mut Ui, theme: &Theme, experiment: &Experiment, open: bool) -> bool {
    let sentence = experiment.look_for.split_inclusive(". ").next().unwrap_or_default().trim();
    let width = ui.available_width();
    let body =
        ui.painter().layout(sentence.to_owned(), egui::FontId::proportional(12.0), theme.text_dim.into(), width - 24.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, body.size().y + 36.0), Sense::click());
    let fill = if response.hovered() { theme.hovered } else { theme.raised };
    let outline = if open { theme.accent } else { theme.outline };
    ui.painter().rect(rect, 7.0, fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let at = rect.min + vec2(12.0, 9.0);
    ui.painter().text(at, Align2::LEFT_TOP, &experiment.title, medium(13.0), theme.text.into());
    ui.painter().galley(rect.min + vec2(12.0, 27.0), body, theme.text_dim.into());
    let title = &experiment.title;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Open preset: {title}")));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// The table of shortcuts; answers whether it stays.
pub fn shortcuts_ui(ui: &Ui, theme: &Theme) -> bool {
    let modal = modal(ui, "shortcuts").show(ui.ctx(), |ui| {
        ui.label(RichText::new("Keyboard shortcuts").font(semibold(15.0)));
        ui.add_space(6.0);
        egui::Grid::new("shortcuts").num_columns(2).spacing(vec2(28.0, 5.0)).show(ui, |ui| {
            for command in UiCommand::ALL {
                let keys = command.keys(ui.ctx());
                if !keys.is_empty() {
                    ui.label(command.text());
                    ui.label(RichText::new(keys).monospace().color(theme.text_dim));
                    ui.end_row();
                }
            }
        });
        ui.add_space(6.0);
        let text = "Keys without Ctrl rest while a field or a slider has the keyboard; Esc gives it back.";
        ui.label(RichText::new(text).small().color(theme.text_dim));
        ui.button("Close").clicked()
    });
    !(modal.inner || modal.should_close())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_names_presets_that_exist() {
        for name in NEXT.into_iter().chain([FIRST]) {
            assert!(presets::all().iter().any(|preset| preset.name == name), "{name}");
        }
    }
}
