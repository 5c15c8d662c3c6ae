//! The memory composer, at the left: a known memory at one click, or four choices with their formulas and knobs.

use egui::{ComboBox, RichText, Ui};
use mnemoscope_core::{Component, Registry};
use mnemoscope_figure::{Theme, semibold, serif};
use mnemoscope_lab::{Experiment, figures};
use mnemoscope_memory::{Composition, Place, choice_formula};

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
            known_ui(ui, &mut experiment.memory);
            let key_length = experiment.attention.real("key_length");
            for place in Place::ALL {
                ui.add_space(4.0);
                kind_ui(ui, theme, &mut experiment.memory, place);
                let memory = &mut experiment.memory;
                match place {
                    Place::Architecture => self.knobs(ui, theme, memory, key_length, |all| &mut all.architecture),
                    Place::Bias => self.knobs(ui, theme, memory, key_length, |all| &mut all.bias),
                    Place::Retention => self.knobs(ui, theme, memory, key_length, |all| &mut all.retention),
                    Place::Rule => self.knobs(ui, theme, memory, key_length, |all| &mut all.rule),
                }
            }
        });
    }

    /// The knobs of one choice.
    fn knobs<R: Registry>(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        memory: &mut Composition,
        key_length: f64,
        part: fn(&mut Composition) -> &mut Component<R>,
    ) {
        let mut own = part(memory).clone();
        let check = |next: &Component<R>| {
            let mut whole = memory.clone();
            *part(&mut whole) = next.clone();
            whole.check().and_then(|()| whole.check_keys(key_length)).map_err(|error| error.to_string())
        };
        self.settings.ui(ui, theme, "Memory", &mut own, |_| true, check);
        *part(memory) = own;
    }
}

/// The known memories in a drop-down.
fn known_ui(ui: &mut Ui, memory: &mut Composition) {
    let own = memory.name();
    ComboBox::from_id_salt("known memory")
        .width(ui.available_width())
        .truncate()
        .selected_text(figures::memory_name(memory))
        .show_ui(ui, |ui| {
            for point in Composition::named() {
                let row = ui.selectable_label(own.is_some_and(|own| own.name == point.name), point.label);
                if row.on_hover_text(format!("{}\n{}", point.meaning, point.source)).clicked() {
                    *memory = point.composition();
                }
            }
        })
        .response
        .accessible_name("Known memory");
}

/// The kinds of one choice in a drop-down. Choices that do not go with the new one change with it.
fn kind_ui(ui: &mut Ui, theme: &Theme, memory: &mut Composition, place: Place) {
    let title = match place {
        Place::Architecture => "Architecture",
        Place::Bias => "Attentional bias",
        Place::Retention => "Retention",
        Place::Rule => "Learning rule",
    };
    ui.label(RichText::new(title).size(11.5).color(theme.text_dim));
    let own = memory.kind(place);
    ComboBox::from_id_salt(title)
        .width(ui.available_width())
        .truncate()
        .selected_text(own.label)
        .show_ui(ui, |ui| {
            for kind in place.kinds() {
                let row = ui.selectable_label(own.name == kind.name, kind.label);
                if row.on_hover_text(format!("{}\n{}", kind.meaning, kind.source)).clicked() {
                    *memory = memory.with_kind(place, kind).settled(place);
                }
            }
        })
        .response
        .accessible_name(title);
    ui.label(RichText::new(choice_formula(place, own.name)).font(serif(13.0)).color(theme.text));
}
