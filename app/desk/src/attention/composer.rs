//! The memory composer, at the left: how the memory is written, kept and read.

use egui::{RichText, Ui};
use mnemoscope_figure::{Theme, semibold};
use mnemoscope_lab::Experiment;

use super::settings::Settings;

/// The card, and what was refused last.
#[derive(Default)]
pub(super) struct MemoryComposer {
    settings: Settings,
}

impl MemoryComposer {
    pub(super) fn ui(&mut self, ui: &mut Ui, theme: &Theme, experiment: &mut Experiment) {
        mnemoscope_figure::card(theme).inner_margin(egui::Margin::symmetric(12, 9)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.label(RichText::new("Memory").font(semibold(13.0)).color(theme.text));
            let rule = experiment.attention.text("rule").to_owned();
            let shown = |knob: &mnemoscope_core::Knob| is_memory(knob.name) && belongs(knob.name, &rule);
            let check = |next: &_| mnemoscope_memory::check(next).map_err(|error| error.to_string());
            self.settings.ui(ui, theme, "Memory", &mut experiment.attention, shown, check);
        });
    }
}

/// Whether a knob decides the memory, and not what is written into it.
pub(super) fn is_memory(knob: &str) -> bool {
    matches!(knob, "rule" | "beta" | "inverse_temperature" | "decay")
}

/// Whether a knob does anything under a rule.
fn belongs(knob: &str, rule: &str) -> bool {
    match knob {
        "beta" => rule == "delta",
        "inverse_temperature" => rule == "softmax",
        _ => true,
    }
}
