//! A plot that has nothing to show yet says what will appear and what to press.

use egui::{Align, Layout, RichText, Ui, vec2};

use super::{Action, TileContext};
use crate::icon::{self, Icon};

/// Draws the message in the middle, and the Run button where a run would bring the plot.
pub(super) fn ui(ui: &mut Ui, cx: &mut TileContext<'_>, message: &str, run: bool) {
    let room = ui.available_size();
    ui.allocate_ui_with_layout(room, Layout::top_down(Align::Center), |ui| {
        ui.add_space((room.y / 2.0 - 40.0).max(0.0));
        ui.set_max_width(room.x);
        ui.scope(|ui| {
            ui.set_max_width(320.0_f32.min(room.x - 16.0));
            ui.label(RichText::new(message).color(cx.theme.text_dim));
        });
        if run && room.y > 90.0 {
            ui.add_space(8.0);
            if icon::button(ui, Icon::Run, "Run", None, true).on_hover_text("Start training (Space)").clicked() {
                cx.actions.push(Action::Run);
            }
        }
        ui.allocate_space(vec2(0.0, 0.0));
    });
}
