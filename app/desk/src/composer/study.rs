//! What an experiment claims, what the last check found, and the arms that the claims compare.

use egui::{CollapsingHeader, RichText, Ui};
use mnemoscope_figure::{Color, Theme};
use mnemoscope_lab::Experiment;
use mnemoscope_lab::claim::Claim;
use mnemoscope_lab::claim::ledger::Entry;

use super::Compose;
use crate::order::Order;

/// An experiment with arms or claims, as it was opened.
#[derive(Debug, Clone)]
pub struct OpenStudy {
    /// The preset's name, if it is one.
    pub preset: Option<&'static str>,
    /// The experiment that the arms vary.
    pub base: Experiment,
    /// The arm in the composer; none for the base.
    pub arm: Option<usize>,
}

impl OpenStudy {
    /// The study of an experiment that has something to compare or to claim.
    pub fn of(experiment: &Experiment, preset: Option<&'static str>) -> Option<Self> {
        let something = !experiment.arms.is_empty() || !experiment.claims.is_empty();
        something.then(|| Self { preset, base: experiment.clone(), arm: None })
    }
}

/// Draws the arms as a row of buttons and the claims below them.
pub fn ui(ui: &mut Ui, cx: &mut Compose<'_>) {
    let Some(study) = cx.study else { return };
    let theme = cx.theme;
    if !study.base.arms.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
            ui.label(RichText::new("Arms").size(12.0).color(theme.text_dim));
            let names = study.base.arms.iter().map(|arm| arm.name.as_str()).enumerate();
            for (arm, name) in std::iter::once((None, "base")).chain(names.map(|(at, name)| (Some(at), name))) {
                let text = RichText::new(name).size(12.0);
                let button = ui.selectable_label(study.arm == arm, text).accessible_name(format!("Arm: {name}"));
                if button.on_hover_text("Open this variation of the experiment").clicked() && study.arm != arm {
                    cx.orders.push(Order::OpenArm(arm));
                }
            }
        });
    }
    if !study.base.claims.is_empty() {
        claims_ui(ui, theme, study);
    }
}

fn claims_ui(ui: &mut Ui, theme: &Theme, study: &OpenStudy) {
    let found: Vec<(&Claim, Option<&Entry>)> = study
        .base
        .claims
        .iter()
        .map(|claim| (claim, study.preset.and_then(|preset| Entry::last(preset, claim))))
        .collect();
    let held = found.iter().filter(|(_, entry)| entry.is_some_and(|entry| entry.verdict == "holds")).count();
    let title = format!("Claims: {held} of {} held when last checked", found.len());
    CollapsingHeader::new(RichText::new(title).size(12.0).color(theme.text_dim)).id_salt("claims").show(ui, |ui| {
        for (claim, entry) in &found {
            let (word, colour) = verdict(theme, *entry);
            ui.label(RichText::new(word).size(11.0).color(colour));
            let text = ui.label(RichText::new(&claim.says).size(12.0).color(theme.text));
            text.on_hover_text(details(claim, *entry));
            ui.add_space(3.0);
        }
        if let Some(preset) = study.preset {
            let text = format!("mnemoscope check {preset}");
            ui.label(RichText::new(text).monospace().size(11.0).color(theme.text_faint));
        }
    });
}

/// The verdict in words, with what was found, and its colour.
fn verdict(theme: &Theme, entry: Option<&Entry>) -> (String, Color) {
    match entry {
        None => ("not checked yet".to_owned(), theme.text_faint),
        Some(entry) => {
            let colour = match entry.verdict.as_str() {
                "holds" => theme.good,
                "does not hold" => theme.error,
                _ => theme.warning,
            };
            (format!("{}: {}", entry.verdict, entry.effect), colour)
        }
    }
}

fn details(claim: &Claim, entry: Option<&Entry>) -> String {
    let mut lines = vec![
        format!("{}: {} {}", claim.measure, claim.test.effect(), claim.wanted()),
        format!("Source: {}", claim.source),
    ];
    if let Some(entry) = entry {
        lines.push(format!("Found {} with {} seeds ({})", entry.effect, entry.seeds, entry.checked));
        if !entry.because.is_empty() {
            lines.push(format!("Likely reason: {}", entry.because));
        }
    }
    lines.join("\n")
}
