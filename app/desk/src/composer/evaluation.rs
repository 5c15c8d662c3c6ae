//! The card of continual evaluation.

use egui::Ui;
use mnemoscope_lab::Experiment;

use super::{Compose, section};
use crate::number;

/// Draws the card.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>, experiment: &mut Experiment) {
    let theme = cx.theme;
    let every = experiment.evaluation.real("every");
    let dense = experiment.evaluation.real("dense");
    let summary = if every == 1.0 {
        "every step".to_owned()
    } else {
        format!("every {} steps, dense for {}", number::short(every), number::short(dense))
    };
    let card = cx.section("evaluation", "Evaluation", summary, &["evaluation"]);
    card.ui(ui, theme, |_| {}, |ui| section::component_ui(ui, theme, "evaluation", &mut experiment.evaluation));
}
