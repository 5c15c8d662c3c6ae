//! What the window shows when a run could not be set up or cannot go on: the reason, and the way back.

use egui::{RichText, Stroke, Ui, vec2};
use mnemoscope_figure::{Theme, semibold};
use mnemoscope_lab::Failure;

use crate::number;
use crate::order::Order;
use crate::shortcuts::UiCommand;

/// Draws the panel.
pub fn ui(ui: &mut Ui, theme: &Theme, failure: &Failure, orders: &mut Vec<Order>) {
    mnemoscope_figure::card(theme).stroke(Stroke::new(1.0, theme.error)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new("The run stopped").font(semibold(14.0)).color(theme.error));
        ui.label(RichText::new(&failure.message).color(theme.text));
        ui.horizontal(|ui| {
            if let Some(step) = failure.checkpoint {
                let text = format!("Go on from step {}", number::grouped(step as f64));
                let button = egui::Button::new(RichText::new(text).color(theme.accent_text)).fill(theme.accent_fill);
                let tip = "Restore the last checkpoint that is in memory";
                if ui.add(button.min_size(vec2(0.0, 26.0))).on_hover_text(tip).clicked() {
                    orders.push(Order::Restore);
                }
            }
            if ui.button("Reset").on_hover_text(UiCommand::Reset.tooltip(ui.ctx())).clicked() {
                orders.push(Order::Do(UiCommand::Reset));
            }
            if ui.button("Copy the message").clicked() {
                orders.push(Order::Copy(failure.message.clone()));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;

    #[test]
    fn the_last_checkpoint_is_offered_and_the_message_can_be_copied() {
        let failure = Failure { message: "training stopped by a fault".to_owned(), checkpoint: Some(1400) };
        let mut harness = Harness::builder()
            .with_context_setup(|ctx| mnemoscope_figure::apply(ctx, mnemoscope_figure::Preference::Dark, 1.0))
            .build_ui_state(
                |ui, orders: &mut Vec<Order>| super::ui(ui, Theme::of(ui.ctx()), &failure, orders),
                Vec::new(),
            );
        harness.get_by_label("training stopped by a fault");
        harness.get_by_label("Go on from step 1,400").click();
        harness.run();
        harness.get_by_label("Copy the message").click();
        harness.run();
        let wanted = [Order::Restore, Order::Copy("training stopped by a fault".to_owned())];
        assert_eq!(harness.state()[..], wanted);
    }
}
