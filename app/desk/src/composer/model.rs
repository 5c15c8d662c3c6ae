//! The model's card.

use egui::{RichText, Ui};
use mnemoscope_lab::{Experiment, Pretrained};

use super::{Compose, section};
use crate::number;

/// Draws the card.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>, experiment: &mut Experiment) {
    let theme = cx.theme;
    let weights = cx.snapshot.map(|snapshot| {
        let (weights, replicas) = (snapshot.layout.parameters, snapshot.layout.population.replicas());
        format!("{} weights × {replicas} {}", number::grouped(weights as f64), plural(replicas, "replica"))
    });
    let trunk = cx.snapshot.and_then(|snapshot| snapshot.layout.pretrained.as_ref()).map(Pretrained::text);
    let card = cx.section("model", "Model", experiment.model.kind().label.to_owned(), &["model", "pretraining"]);
    card.ui(
        ui,
        theme,
        |_| {},
        |ui| {
            section::kind_ui(ui, "model", &mut experiment.model);
            section::component_ui(ui, theme, "model", &mut experiment.model);
            section::kind_ui(ui, "pre-training", &mut experiment.pretraining);
            section::component_ui(ui, theme, "pre-training", &mut experiment.pretraining);
            for line in weights.into_iter().chain(trunk) {
                ui.label(RichText::new(line).size(11.0).color(theme.text_dim));
            }
        },
    );
}

/// "replica" or "replicas".
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
