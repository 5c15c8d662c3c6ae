//! The memory composer, at the left: a known memory at one click, and the four choices that it is made of.

use egui::{ComboBox, RichText, Ui};
use mnemoscope_core::{Component, Kind, Registry};
use mnemoscope_figure::{Theme, medium, semibold, serif};
use mnemoscope_lab::{Experiment, figures, refusals};
use mnemoscope_memory::{Composition, Place, choice_formula};

use super::settings::Settings;

/// The cards, and what was refused last in each of them.
#[derive(Default)]
pub(super) struct MemoryComposer {
    settings: [Settings; 4],
}

/// As the window calls a choice.
fn title(place: Place) -> &'static str {
    match place {
        Place::Architecture => "Architecture",
        Place::Bias => "Attentional bias",
        Place::Retention => "Retention",
        Place::Rule => "Learning rule",
    }
}

/// The question that a choice answers.
fn question(place: Place) -> &'static str {
    match place {
        Place::Architecture => "what the memory is made of",
        Place::Bias => "what a write is to bring about: the inner objective",
        Place::Retention => "what stays of the memory at each write",
        Place::Rule => "how a write lowers the inner objective",
    }
}

impl MemoryComposer {
    /// Draws the composer and edits the experiment's memory.
    pub(super) fn ui(&mut self, ui: &mut Ui, theme: &Theme, experiment: &mut Experiment) {
        let mut changed = None;
        mnemoscope_figure::card(theme).inner_margin(egui::Margin::symmetric(12, 9)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.label(RichText::new("Memory").font(semibold(13.0)).color(theme.text));
            changed = named_ui(ui, theme, &experiment.memory);
            let [architecture, bias, retention, rule] = &mut self.settings;
            let parts = [
                choice_ui(ui, theme, architecture, Place::Architecture, experiment, |memory| &mut memory.architecture),
                choice_ui(ui, theme, bias, Place::Bias, experiment, |memory| &mut memory.bias),
                choice_ui(ui, theme, retention, Place::Retention, experiment, |memory| &mut memory.retention),
                choice_ui(ui, theme, rule, Place::Rule, experiment, |memory| &mut memory.rule),
            ];
            changed = changed.take().or_else(|| parts.into_iter().flatten().next());
        });
        if let Some(memory) = changed {
            experiment.memory = memory;
        }
    }
}

/// The list of known memories; says which of them the present one is.
fn named_ui(ui: &mut Ui, theme: &Theme, memory: &Composition) -> Option<Composition> {
    let now = memory.name();
    let mut picked = None;
    let combo = ComboBox::from_id_salt("known memory").width(ui.available_width()).height(420.0).truncate();
    let combo = combo.selected_text(RichText::new(figures::memory_name(memory)).font(medium(13.0))).show_ui(ui, |ui| {
        for point in Composition::named() {
            let row = ui.selectable_label(now.is_some_and(|now| now.name == point.name), point.label);
            let about = |ui: &mut Ui| {
                ui.label(point.meaning);
                ui.label(RichText::new(point.composition().equation()).font(serif(13.0)));
                ui.label(RichText::new(point.source).small().color(theme.text_dim));
            };
            if row.on_hover_ui(about).clicked() {
                picked = Some(point.composition());
            }
        }
    });
    combo.response.accessible_name("Load a known memory").on_hover_ui(|ui| match now {
        Some(point) => {
            ui.label(point.meaning);
            ui.label(RichText::new(point.source).small().color(theme.text_dim));
        }
        None => {
            ui.label("No known memory has these choices and numbers. Load one here.");
        }
    });
    picked
}

/// One choice: its kinds in a list, its formula and its knobs. Answers with the memory after a change.
fn choice_ui<R: Registry>(
    ui: &mut Ui,
    theme: &Theme,
    settings: &mut Settings,
    place: Place,
    experiment: &Experiment,
    part: fn(&mut Composition) -> &mut Component<R>,
) -> Option<Composition> {
    let memory = &experiment.memory;
    ui.add_space(5.0);
    let heading = ui.label(RichText::new(title(place)).size(11.5).color(theme.text_dim));
    heading.on_hover_text(question(place));
    let picked = kinds_ui(ui, theme, place, memory);
    let formula = choice_formula(place, memory.kind(place).name);
    if !formula.is_empty() {
        ui.label(RichText::new(formula).font(serif(13.5)).color(theme.text));
    }
    let mut next = memory.clone();
    let check = |changed: &Component<R>| {
        let mut other = memory.clone();
        *part(&mut other) = changed.clone();
        refused(experiment, other).map_or(Ok(()), Err)
    };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        settings.ui(ui, theme, title(place), part(&mut next), |_| true, check);
    });
    picked.or_else(|| (next != *memory).then_some(next))
}

/// The kinds that may stand in a place. One that does not go with the other choices is grey and tells why; choosing it
/// changes as few of them as it must.
fn kinds_ui(ui: &mut Ui, theme: &Theme, place: Place, memory: &Composition) -> Option<Composition> {
    let kind = memory.kind(place);
    let mut picked = None;
    let combo = ComboBox::from_id_salt(place).width(ui.available_width()).truncate().selected_text(kind.label);
    let combo = combo.show_ui(ui, |ui| {
        for other in place.kinds() {
            let next = memory.with_kind(place, other);
            let reason = next.check().err().map(|error| plain(&error.to_string()));
            let settled = next.settled(place);
            let color = if reason.is_some() { theme.text_faint } else { theme.text };
            let row = ui.add_enabled_ui(settled.check().is_ok(), |ui| {
                ui.selectable_label(other.name == kind.name, RichText::new(other.label).color(color))
            });
            let row = row.inner.on_hover_ui(|ui| {
                about(ui, theme, other);
                if let Some(reason) = &reason {
                    ui.label(RichText::new(format!("Not with the other choices: {reason}.")).color(theme.warning));
                    ui.label(RichText::new(taken_along(place, memory, &settled)).small().color(theme.text_dim));
                }
            });
            if row.on_disabled_hover_text(reason.unwrap_or_default()).clicked() && other.name != kind.name {
                picked = Some(settled);
            }
        }
    });
    combo.response.accessible_name(title(place)).on_hover_ui(|ui| about(ui, theme, kind));
    picked
}

fn about(ui: &mut Ui, theme: &Theme, kind: &Kind) {
    ui.label(kind.meaning);
    if !kind.source.is_empty() {
        ui.label(RichText::new(kind.source).small().color(theme.text_dim));
    }
}

/// "Choosing it also changes the learning rule to local regression."
fn taken_along(place: Place, memory: &Composition, settled: &Composition) -> String {
    let others = Place::ALL.into_iter().filter(|other| *other != place);
    let changes: Vec<String> = others
        .filter(|other| memory.kind(*other).name != settled.kind(*other).name)
        .map(|other| format!("{} to {}", title(other).to_lowercase(), settled.kind(other).label))
        .collect();
    if changes.is_empty() { String::new() } else { format!("Choosing it also changes {}.", changes.join(" and ")) }
}

/// Why this experiment would be refused with another memory; nothing where it would not, or already is.
fn refused(experiment: &Experiment, memory: Composition) -> Option<String> {
    let before = refusals(experiment);
    let with = Experiment { memory, ..experiment.clone() };
    refusals(&with).into_iter().find(|refusal| !before.contains(refusal)).map(|refusal| refusal.message)
}

/// A reason without the place that it begins with: "memory.rule: ..." says where, and here that is plain to see.
fn plain(reason: &str) -> String {
    reason.split_once(": ").map_or(reason, |(_, why)| why).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_along_is_said() {
        let matrix = Composition::default();
        let list = Place::Architecture.kinds().iter().find(|kind| kind.name == "key_value_list").unwrap();
        let next = matrix.with_kind(Place::Architecture, list);
        assert!(next.check().is_err(), "an outer product has no list");
        let settled = next.settled(Place::Architecture);
        let text = taken_along(Place::Architecture, &matrix, &settled);
        assert!(text.contains("learning rule to local regression"), "{text}");
        assert_eq!(taken_along(Place::Rule, &matrix, &matrix), "");
    }
}
