//! The optimiser's card, with the schedule of its rate.

use egui::Ui;
use mnemoscope_lab::Experiment;

use super::{Compose, section};

/// Draws the card.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>, experiment: &mut Experiment) {
    let theme = cx.theme;
    let (optimiser, schedule) = (experiment.optimiser.kind().label, experiment.schedule.kind().label.to_lowercase());
    let card =
        cx.section("optimiser", "Optimiser", format!("{optimiser}, {schedule} rate"), &["optimiser", "schedule"]);
    card.ui(
        ui,
        theme,
        |_| {},
        |ui| {
            section::kind_ui(ui, "optimiser", &mut experiment.optimiser);
            section::component_ui(ui, theme, "optimiser", &mut experiment.optimiser);
            section::kind_ui(ui, "schedule of the learning rate", &mut experiment.schedule);
            section::component_ui(ui, theme, "schedule", &mut experiment.schedule);
        },
    );
}
