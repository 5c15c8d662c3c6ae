//! The card of the replicas, with the seed of all that belongs to no single one.

use egui::{RichText, Ui};
use mnemoscope_core::{Knob, Scale, Setting};
use mnemoscope_lab::{Experiment, Population};

use super::model::plural;
use super::{Compose, knob, section};

/// The experiment's own seed, declared here as its file field is no component.
const SEED: Knob = Knob::whole("seed", "experiment seed", "", 0, 1_000_000, 0, Scale::Log)
    .meaning("seed of everything that belongs to no single replica and not to the stream");

/// Draws the card.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>, experiment: &mut Experiment) {
    let theme = cx.theme;
    let population = Population::of(experiment);
    let summary = population.as_ref().map_or_else(
        |_| String::new(),
        |population| format!("{} {}", population.replicas(), plural(population.replicas(), "replica")),
    );
    let card = cx.section("replicas", "Replicas", summary, &["population"]);
    card.ui(
        ui,
        theme,
        |_| {},
        |ui| {
            section::component_ui(ui, theme, "replicas", &mut experiment.population);
            if let Some(Setting::Number(seed)) =
                knob::ui(ui, theme, "replicas", &SEED, &Setting::Number(experiment.seed as f64))
            {
                experiment.seed = seed as u64;
            }
            for axis in population.map(|population| population.axes).unwrap_or_default() {
                let text = format!("sweep of {}: {} values", axis.symbol, axis.values.len());
                ui.label(RichText::new(text).size(11.5).color(theme.text_dim)).on_hover_text(axis.path);
            }
        },
    );
}
