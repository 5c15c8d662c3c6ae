//! The unified objective: every method as a choice of stored target, divergence on outputs, divergence on weights and
//! memory (Wang et al. 2024, "A Unified and General Framework for Continual Learning").

use egui::{Button, Grid, Label, RichText, ScrollArea, Ui, vec2};
use mnemoscope_core::Component;
use mnemoscope_figure::{Theme, medium, semibold};
use mnemoscope_lab::Experiment;
use mnemoscope_learner::{Borders, Methods, Profile};

use crate::composer::refused_if_added;
use crate::dialogs::modal;

/// Names and widths of the columns, in points.
const COLUMNS: [(&str, f32); 6] = [
    ("Method", 150.0),
    ("Stored target z′", 160.0),
    ("On outputs D_φ", 190.0),
    ("On weights D_ψ", 190.0),
    ("Kept", 150.0),
    ("Acts otherwise", 190.0),
];

/// Draws the table over the window; answers whether it stays.
pub fn ui(ui: &Ui, theme: &Theme, experiment: &mut Experiment) -> bool {
    let room = ui.ctx().content_rect().size() - vec2(80.0, 90.0);
    let modal = modal(ui, "objective table").show(ui.ctx(), |ui| {
        ui.set_max_width(room.x.min(1240.0));
        ui.label(RichText::new("The unified objective").font(semibold(15.0)));
        ui.add_space(2.0);
        ui.label(RichText::new("L = CE(x, y) + a D_φ(h(x′), z′) + b D_ψ(θ, θ_old)").monospace().color(theme.text));
        let text = "Most methods against forgetting are a choice of what is stored, how outputs are held to it, and how \
                    weights are held to what they were. Others act on the batch, the gradient or the prediction.";
        ui.label(RichText::new(text).size(12.0).color(theme.text_dim));
        ui.add_space(8.0);
        ScrollArea::both().max_height(room.y - 150.0).auto_shrink([false, true]).show(ui, |ui| rows(ui, theme, experiment));
        ui.add_space(8.0);
        ui.button("Close").clicked()
    });
    !(modal.inner || modal.should_close())
}

fn rows(ui: &mut Ui, theme: &Theme, experiment: &mut Experiment) {
    Grid::new("unified objective").num_columns(COLUMNS.len() + 1).striped(true).spacing(vec2(14.0, 7.0)).show(
        ui,
        |ui| {
            for (name, width) in COLUMNS {
                cell(ui, width, RichText::new(name).font(medium(12.0)).color(theme.text_dim));
            }
            ui.label("");
            ui.end_row();
            for profile in Methods::profiles() {
                row(ui, theme, experiment, profile);
            }
        },
    );
}

fn row(ui: &mut Ui, theme: &Theme, experiment: &mut Experiment, profile: &'static Profile) {
    let kind = &profile.kind;
    let used = experiment.methods.iter().position(|method| method.name() == kind.name);
    let colour = if used.is_some() { theme.accent } else { theme.text };
    let name = cell(ui, COLUMNS[0].1, RichText::new(kind.label).font(medium(12.5)).color(colour));
    name.on_hover_text(about(profile));
    let place = profile.place;
    let parts = [place.target, place.outputs, place.weights, place.memory, place.acts];
    for (text, (_, width)) in parts.into_iter().zip(&COLUMNS[1..]) {
        let (text, colour) = if text.is_empty() { ("–", theme.text_faint) } else { (text, theme.text) };
        cell(ui, *width, RichText::new(text).size(12.0).color(colour));
    }
    if let Some(index) = used {
        let button = ui.button("Remove").accessible_name(format!("Remove {}", kind.label));
        if button.on_hover_text("Take it out of this experiment").clicked() {
            experiment.methods.remove(index);
        }
    } else {
        let refused = refused_if_added(experiment, kind);
        let button = ui.add_enabled(refused.is_none(), Button::new("Add"));
        let button = button.accessible_name(format!("Add {}", kind.label));
        let button = match refused {
            Some(reason) => button.on_disabled_hover_text(reason),
            None => button.on_hover_text("Add it to this experiment"),
        };
        if button.clicked() {
            experiment.methods.push(Component::of(kind));
        }
    }
    ui.end_row();
}

/// Meaning, source and needs.
fn about(profile: &Profile) -> String {
    let mut lines = vec![profile.kind.meaning.to_owned(), profile.kind.source.to_owned()];
    match profile.needs.borders {
        Borders::Unused => {}
        Borders::Needed => lines.push("Needs task borders.".to_owned()),
        Borders::NeededWhen(knob, value) => lines.push(format!("Needs task borders when {knob} is {value}.")),
    }
    if profile.needs.frozen_features {
        lines.push("Needs a frozen trunk.".to_owned());
    }
    if let Some(reason) = profile.needs.alone {
        lines.push(format!("Stands alone: {reason}."));
    }
    lines.join("\n")
}

fn cell(ui: &mut Ui, width: f32, text: RichText) -> egui::Response {
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.add(Label::new(text).wrap())
    })
    .inner
}
