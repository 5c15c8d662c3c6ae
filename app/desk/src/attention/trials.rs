//! The trials of a conditioning experiment as a strip: dragged to reorder, clicked to edit.

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Button, Color32, FontId, Key, Modifiers, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder,
};
use egui::{pos2, vec2};
use mnemoscope_core::{Knob, Scale};
use mnemoscope_figure::{Theme, semibold};
use mnemoscope_memory::{Conditioning, Cues, Trial};

use super::card;
use crate::composer::knob;
use crate::slider;

/// Height of the card.
pub(super) const HEIGHT: f32 = 122.0;
/// Height of one trial in the strip.
const CHIP: f32 = 34.0;

static US: Knob = Knob::real("us", "stimulus", "λ", 0.0, 1.0, 1.0, Scale::Linear)
    .meaning("strength of the unconditioned stimulus that follows; 0 for none");
static TIMES: Knob = Knob::whole("times", "times", "×", 1, 200, 1, Scale::Log).meaning("times in a row");

/// The strip, and which trial is edited.
#[derive(Default)]
pub(super) struct TrialStrip {
    selected: usize,
    /// The trial that is dragged.
    dragged: Option<usize>,
    /// Why the last edit did not happen.
    refused: Option<String>,
}

impl TrialStrip {
    /// Forgets what was selected: other trials stand here now.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Draws the card into `rect` and edits the trials. `at` single trials were shown to the memory so far.
    pub(super) fn ui(&mut self, ui: &mut Ui, theme: &Theme, rect: Rect, conditioning: &mut Conditioning, at: usize) {
        card::ground(ui, theme, rect);
        let inner = rect.shrink2(vec2(12.0, 9.0));
        let mut next = conditioning.clone();
        ui.scope_builder(UiBuilder::new().max_rect(inner).id_salt("trials"), |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.horizontal(|ui| {
                ui.label(RichText::new("Trials").font(semibold(13.0)).color(theme.text));
                let hint = match &self.refused {
                    Some(why) => RichText::new(why).color(theme.error),
                    None => RichText::new("drag to reorder, click to edit, Delete removes").color(theme.text_dim),
                };
                ui.add(egui::Label::new(hint.size(11.0)).truncate());
            });
            ScrollArea::horizontal().auto_shrink([false, true]).show(ui, |ui| self.strip_ui(ui, theme, &mut next, at));
            self.editor_ui(ui, theme, &mut next);
        });
        if next != *conditioning {
            match next.check() {
                Ok(()) => {
                    *conditioning = next;
                    self.refused = None;
                }
                Err(error) => self.refused = Some(error.to_string()),
            }
        }
    }

    fn strip_ui(&mut self, ui: &mut Ui, theme: &Theme, conditioning: &mut Conditioning, at: usize) {
        let mut places = Vec::new();
        let (mut removed, mut dropped, mut before) = (None, None, 0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            for (index, trial) in conditioning.trials.iter().enumerate() {
                let galley = ui.painter().layout_job(text(theme, trial));
                let (rect, response) =
                    ui.allocate_exact_size(vec2(galley.size().x + 20.0, CHIP), Sense::click_and_drag());
                places.push(rect);
                let reached = at > before;
                before += trial.times as usize;
                let selected = index == self.selected;
                response.widget_info(|| {
                    let name = format!("Trial {}: {trial}", index + 1);
                    egui::WidgetInfo::selected(egui::Role::Button, true, selected, name)
                });
                let moved = self.dragged == Some(index);
                let fill = if response.hovered() || selected { theme.hovered } else { theme.raised };
                let edge = if selected || response.has_focus() { theme.accent } else { theme.outline };
                let fill = Color32::from(fill).gamma_multiply(if moved { 0.5 } else { 1.0 });
                ui.painter().rect(rect, 6.0, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
                ui.painter().galley(rect.center() - galley.size() / 2.0, galley, Color32::PLACEHOLDER);
                if reached {
                    // How far the memory has come.
                    let part = ((at - (before - trial.times as usize)) as f32 / trial.times.max(1) as f32).min(1.0);
                    let line = Rect::from_min_size(
                        pos2(rect.left() + 5.0, rect.bottom() - 3.5),
                        vec2((rect.width() - 10.0) * part, 2.0),
                    );
                    ui.painter().rect_filled(line, 1.0, theme.accent);
                }
                if response.clicked() || response.drag_started() {
                    self.selected = index;
                }
                if response.drag_started() {
                    self.dragged = Some(index);
                }
                if response.drag_stopped() {
                    dropped = self.dragged.take();
                }
                if response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Delete)) {
                    removed = Some(index);
                }
                response.on_hover_text(meaning(trial));
            }
        });
        let to = ui.ctx().pointer_interact_pos().map(|pointer| gap(&places, pointer.x));
        if let (Some(_), Some(to), Some(last)) = (self.dragged, to, places.last()) {
            let x = places.get(to).map_or(last.right() + 2.5, |place| place.left() - 2.5);
            ui.painter().vline(x, last.y_range(), Stroke::new(2.0, theme.accent));
        }
        if let (Some(from), Some(to)) = (dropped, to) {
            self.move_to(conditioning, from, to);
        }
        if let Some(index) = removed {
            self.remove(conditioning, index);
        }
    }

    /// Puts the trial at `from` before the one that stands at `to`, counted before it is taken out.
    fn move_to(&mut self, conditioning: &mut Conditioning, from: usize, to: usize) {
        let to = if to > from { to - 1 } else { to };
        conditioning.move_trial(from, to);
        self.selected = to.min(conditioning.trials.len().saturating_sub(1));
    }

    fn remove(&mut self, conditioning: &mut Conditioning, index: usize) {
        conditioning.trials.remove(index);
        self.selected = self.selected.min(conditioning.trials.len().saturating_sub(1));
    }

    /// The selected trial: its cues, what follows, how often; and what can be done with it.
    fn editor_ui(&mut self, ui: &mut Ui, theme: &Theme, conditioning: &mut Conditioning) {
        self.selected = self.selected.min(conditioning.trials.len().saturating_sub(1));
        let (selected, count) = (self.selected, conditioning.trials.len());
        let cues = conditioning.settings.whole("cues");
        let Some(trial) = conditioning.trials.get_mut(selected) else { return };
        let mut wish = None;
        ui.horizontal(|ui| {
            let spacing = ui.spacing_mut();
            spacing.item_spacing.x = 4.0;
            spacing.button_padding = vec2(7.0, 2.0);
            spacing.interact_size.y = 20.0;
            let dim = |text: &str| RichText::new(text).size(11.5).color(theme.text_dim);
            ui.label(dim("cues"));
            cues_ui(ui, theme, "Cue", cues, &mut trial.cues);
            ui.add_space(8.0);
            ui.label(dim("followed by"));
            ui.add_enabled_ui(trial.then.is_empty() && !trial.cues.is_empty(), |ui| {
                let mut us = f64::from(trial.us);
                let slider = slider::ui(ui, theme, "Stimulus", &US, &mut us, 70.0).on_hover_text(US.meaning);
                slider.on_disabled_hover_text("Cues follow instead, or nothing is shown.");
                knob::number_box(ui, "Stimulus", &US, &mut us);
                if us != f64::from(trial.us) {
                    trial.us = us as f32;
                }
            });
            ui.label(dim("or cues"));
            cues_ui(ui, theme, "Followed by cue", cues, &mut trial.then);
            ui.add_space(8.0);
            ui.label(dim("×"));
            let mut times = f64::from(trial.times);
            knob::number_box(ui, "Times in a row", &TIMES, &mut times).on_hover_text(TIMES.meaning);
            trial.times = times as u32;
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for (text, name, to, enabled) in [
                    ("Delete", "Delete the trial", Wish::Delete, count > 1),
                    (">", "Move the trial later", Wish::Move(selected + 2), selected + 1 < count),
                    ("<", "Move the trial earlier", Wish::Move(selected.saturating_sub(1)), selected > 0),
                    ("Insert", "Insert a copy after it", Wish::Insert, true),
                ] {
                    let button = ui.add_enabled(enabled, Button::new(RichText::new(text).size(12.0)));
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
                    if button.on_hover_text(name).clicked() {
                        wish = Some(to);
                    }
                }
            });
        });
        match wish {
            Some(Wish::Delete) => self.remove(conditioning, selected),
            Some(Wish::Move(to)) => self.move_to(conditioning, selected, to),
            Some(Wish::Insert) => {
                conditioning.trials.insert(selected + 1, conditioning.trials[selected].clone());
                self.selected = selected + 1;
            }
            None => {}
        }
    }
}

/// What a button asks for.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Delete,
    /// Before the trial that stands there.
    Move(usize),
    Insert,
}

/// A toggle for each cue.
fn cues_ui(ui: &mut Ui, theme: &Theme, name: &str, count: usize, cues: &mut Cues) {
    ui.spacing_mut().item_spacing.x = 2.0;
    for cue in 0..count {
        let (on, letter) = (cues.has(cue), Cues::letter(cue));
        let (rect, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::click());
        let color = Color32::from(theme.task(cue));
        let fill = if on { color } else { theme.sunken.into() };
        let edge = if response.has_focus() { theme.accent.into() } else { color };
        ui.painter().rect(rect, 5.0, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
        let ink = if on { mnemoscope_figure::theme::text_on(theme.task(cue)) } else { theme.text };
        ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, letter, semibold(11.5), ink.into());
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, format!("{name} {letter}")));
        if response.on_hover_text(format!("{name} {letter}")).clicked() {
            *cues = cues.toggled(cue);
        }
    }
    ui.spacing_mut().item_spacing.x = 4.0;
}

/// The trial as the literature writes it, every cue in its colour.
fn text(theme: &Theme, trial: &Trial) -> LayoutJob {
    let mut job = LayoutJob::default();
    for sign in trial.to_string().chars() {
        let cue = ('A'..='H').position(|letter| letter == sign);
        let (font, color) = match cue {
            Some(cue) => (semibold(13.0), theme.task(cue)),
            None => (FontId::proportional(12.0), theme.text_dim),
        };
        job.append(&sign.to_string(), 0.0, TextFormat::simple(font, color.into()));
    }
    job
}

/// The trial in words.
fn meaning(trial: &Trial) -> String {
    let what = match trial {
        Trial { cues, .. } if cues.is_empty() => "Time passes: nothing is written, and the retention acts".to_owned(),
        Trial { cues, then, .. } if !then.is_empty() => {
            format!("{cues} is shown and {then} follows: what the memory predicts of {then} stands in for the stimulus")
        }
        Trial { cues, us, .. } if *us == 0.0 => format!("{cues} is shown and nothing follows"),
        Trial { cues, us, .. } => format!("{cues} is shown and a stimulus of {us} follows"),
    };
    match trial.times {
        1 => format!("{what}."),
        times => format!("{what}, {times} times in a row."),
    }
}

/// Before which of these places something at `x` is dropped.
fn gap(places: &[Rect], x: f32) -> usize {
    places.iter().take_while(|place| place.center().x < x).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_moved_removed_and_stay_selected() {
        let mut strip = TrialStrip::default();
        let mut conditioning = Conditioning::default();
        let names = |conditioning: &Conditioning| {
            conditioning.trials.iter().map(|trial| trial.cues.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&conditioning), "A AB CD");
        strip.move_to(&mut conditioning, 0, 3);
        assert_eq!((names(&conditioning).as_str(), strip.selected), ("AB CD A", 2));
        strip.move_to(&mut conditioning, 2, 1);
        assert_eq!((names(&conditioning).as_str(), strip.selected), ("AB A CD", 1));
        strip.remove(&mut conditioning, 2);
        strip.remove(&mut conditioning, 1);
        assert_eq!((names(&conditioning).as_str(), strip.selected), ("AB", 0));
    }

    #[test]
    fn a_trial_is_dropped_between_its_neighbours() {
        let places = [0.0, 50.0, 100.0].map(|x| Rect::from_min_size(pos2(x, 0.0), vec2(40.0, 10.0)));
        assert_eq!([-5.0, 19.0, 21.0, 60.0, 75.0, 500.0].map(|x| gap(&places, x)), [0, 0, 1, 1, 2, 3]);
    }
}
