//! One widget for every declared value: slider and number box, choice, switch, list or text, from the declaration alone.

use egui::{Align, ComboBox, DragValue, Layout, Response, RichText, TextEdit, Ui, UiBuilder, vec2};
use mnemoscope_core::{Domain, Knob, Scale, Setting};
use mnemoscope_figure::{Theme, serif};

use super::sweep;
use crate::icon::{self, Icon};
use crate::{number, slider};

/// Width of the number box.
const BOX: f32 = 68.0;

/// Draws the knob and answers with its new value if a person changed it. `section` sets the accessible name apart from
/// knobs of the same label elsewhere: "EWC: strength".
pub fn ui(ui: &mut Ui, theme: &Theme, section: &str, knob: &Knob, setting: &Setting) -> Option<Setting> {
    let name = format!("{section}: {}", label(knob));
    ui.push_id(knob.name, |ui| {
        let spacing = ui.spacing_mut();
        spacing.button_padding.y = 2.0;
        spacing.interact_size.y = 20.0;
        spacing.item_spacing.y = 3.0;
        value_ui(ui, theme, &name, knob, setting)
    })
    .inner
}

fn value_ui(ui: &mut Ui, theme: &Theme, name: &str, knob: &Knob, setting: &Setting) -> Option<Setting> {
    match (knob.domain, setting) {
        (Domain::Real { .. } | Domain::Whole { .. }, Setting::Number(value)) => {
            number_ui(ui, theme, name, knob, *value)
        }
        (Domain::Real { .. } | Domain::Whole { .. }, Setting::Sweep(swept)) => {
            let mut changed = label_row(ui, theme, name, knob, setting);
            changed = sweep::ui(ui, theme, name, knob, swept).or(changed);
            changed
        }
        (Domain::Choice { options, .. }, Setting::Text(chosen)) => {
            let current = options.iter().find(|option| option.name == chosen);
            let mut picked = None;
            one_row(ui, theme, knob, |ui| {
                ComboBox::from_id_salt("choice")
                    .width(ui.available_width())
                    .truncate()
                    .selected_text(current.map_or(chosen.as_str(), |option| option.label))
                    .show_ui(ui, |ui| {
                        for option in options {
                            let row = ui.selectable_label(option.name == chosen, option.label);
                            if row.on_hover_text(option.meaning).clicked() {
                                picked = Some(Setting::Text(option.name.to_owned()));
                            }
                        }
                    })
                    .response
                    .accessible_name(name)
                    .on_hover_ui(|ui| {
                        tooltip(ui, theme, knob);
                        if let Some(option) = current {
                            ui.label(RichText::new(format!("{}: {}", option.label, option.meaning)).small());
                        }
                    });
            });
            picked
        }
        (Domain::Switch { .. }, Setting::Switch(on)) => {
            let mut value = *on;
            let response = ui.checkbox(&mut value, label(knob)).accessible_name(name);
            response.on_hover_ui(|ui| tooltip(ui, theme, knob)).changed().then_some(Setting::Switch(value))
        }
        (Domain::List { min, max, longest, .. }, Setting::List(list)) => {
            list_ui(ui, theme, name, knob, list, (min, max), longest)
        }
        (Domain::Text { .. }, Setting::Text(text)) => {
            let mut value = text.clone();
            let mut changed = false;
            one_row(ui, theme, knob, |ui| {
                let field = TextEdit::singleline(&mut value).desired_width(f32::INFINITY).hint_text("none");
                let response = ui.add(field).accessible_name(name);
                changed = response.on_hover_ui(|ui| tooltip(ui, theme, knob)).changed();
            });
            changed.then_some(Setting::Text(value))
        }
        // A setting was checked against its knob, so the shapes agree.
        _ => None,
    }
}

/// The label as the composer shows it: lower case but for signs such as "F" or "EWC".
pub fn label(knob: &Knob) -> String {
    let mut letters = knob.label.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(knob.label.chars().skip(1)).collect()
        }
        _ => knob.label.to_owned(),
    }
}

fn number_ui(ui: &mut Ui, theme: &Theme, name: &str, knob: &Knob, value: f64) -> Option<Setting> {
    let mut changed = label_row(ui, theme, name, knob, &Setting::Number(value));
    let mut new = value;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - BOX - ui.spacing().item_spacing.x).max(40.0);
        let slider = slider::ui(ui, theme, name, knob, &mut new, width);
        let box_ = number_box(ui, name, knob, &mut new);
        for response in [slider, box_] {
            response.on_hover_ui(|ui| tooltip(ui, theme, knob));
        }
    });
    if new != value {
        changed = Some(Setting::Number(new));
    }
    changed
}

/// A number box of the usual width, right of a slider or alone.
pub fn number_box(ui: &mut Ui, name: &str, knob: &Knob, value: &mut f64) -> Response {
    let (min, max, _, scale, whole) = range(knob);
    // One point of dragging is a hundredth of the value on a log scale, a three-hundredth of the range else.
    let speed = match (scale, whole) {
        (Scale::Log, false) => (value.abs() * 0.01).max(1e-9),
        (Scale::Log, true) => (value.abs() * 0.01).max(0.2),
        (Scale::Linear, _) => (max - min) / 300.0,
    };
    let drag = DragValue::new(value)
        .range(min..=max)
        .speed(speed)
        .max_decimals(if whole { 0 } else { 9 })
        .update_while_editing(false)
        .custom_formatter(|value, _| number::short(value))
        .custom_parser(move |text| number::parse(text).map(|v| if whole { v.round() } else { v }));
    ui.add_sized(vec2(BOX, 20.0), drag).accessible_name(name)
}

/// Smallest, largest and default value, scale, and whether only whole numbers are meant.
pub fn range(knob: &Knob) -> (f64, f64, f64, Scale, bool) {
    match knob.domain {
        Domain::Real { min, max, default, scale } => (min, max, default, scale, false),
        Domain::Whole { min, max, default, scale } => (min as f64, max as f64, default as f64, scale, true),
        _ => (0.0, 1.0, 0.0, Scale::Linear, false),
    }
}

/// Label, symbol and unit in one line, with the menu that resets or sweeps.
fn label_row(ui: &mut Ui, theme: &Theme, name: &str, knob: &Knob, setting: &Setting) -> Option<Setting> {
    let mut changed = None;
    let height = 17.0;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), height), Layout::left_to_right(Align::Center), |ui| {
        let response = ui.label(RichText::new(label(knob)).size(12.0).color(theme.text));
        response.on_hover_ui(|ui| tooltip(ui, theme, knob));
        if !knob.symbol.is_empty() {
            ui.label(RichText::new(knob.symbol).font(serif(12.0)).color(theme.text_dim));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let more = icon::small(ui, Icon::More, &format!("{name}, more"), 16.0);
            egui::Popup::menu(&more).show(|ui| changed = menu(ui, knob, setting));
            if !knob.unit.is_empty() {
                ui.label(RichText::new(knob.unit).size(10.5).color(theme.text_faint));
            }
        });
    });
    changed
}

fn menu(ui: &mut Ui, knob: &Knob, setting: &Setting) -> Option<Setting> {
    let mut changed = None;
    let default = knob.default();
    if let Setting::Number(value) = default
        && ui.button(format!("Back to {}", number::short(value))).clicked()
    {
        changed = Some(default);
    }
    if knob.sweep {
        ui.separator();
        for (text, swept) in sweep::offers(knob, setting) {
            if ui.button(text).on_hover_text("Train several values side by side, each with every seed").clicked() {
                changed = Some(Setting::Sweep(swept));
            }
        }
    }
    if changed.is_some() {
        ui.close();
    }
    changed
}

/// A short value with its label in one row.
fn one_row(ui: &mut Ui, theme: &Theme, knob: &Knob, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let half = ui.available_width() * 0.42;
        let (rect, response) = ui.allocate_exact_size(vec2(half, 20.0), egui::Sense::hover());
        let mut left = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
        left.add(egui::Label::new(RichText::new(label(knob)).size(12.0).color(theme.text)).truncate());
        response.on_hover_ui(|ui| tooltip(ui, theme, knob));
        add(ui);
    });
}

fn list_ui(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    knob: &Knob,
    list: &[f64],
    (min, max): (u64, u64),
    longest: usize,
) -> Option<Setting> {
    let mut new = list.to_vec();
    let response = ui.label(RichText::new(label(knob)).size(12.0).color(theme.text));
    response.on_hover_ui(|ui| tooltip(ui, theme, knob));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (index, entry) in new.iter_mut().enumerate() {
            let speed = (*entry * 0.01).max(0.2);
            let drag = DragValue::new(entry)
                .range(min as f64..=max as f64)
                .speed(speed)
                .max_decimals(0)
                .update_while_editing(false)
                .custom_formatter(|value, _| number::short(value))
                .custom_parser(|text| number::parse(text).map(f64::round));
            ui.add_sized(vec2(46.0, 20.0), drag).accessible_name(format!("{name} {}", index + 1));
        }
        if new.len() < longest && icon::small(ui, Icon::Plus, &format!("{name}, one more"), 20.0).clicked() {
            let last = new.last().copied().unwrap_or_else(|| (min as f64).max(1.0));
            new.push(last);
        }
        if !new.is_empty() && icon::small(ui, Icon::Close, &format!("{name}, one less"), 20.0).clicked() {
            new.pop();
        }
    });
    (new != list).then_some(Setting::List(new))
}

/// Name, symbol, meaning, range, default and source of a knob.
pub fn tooltip(ui: &mut Ui, theme: &Theme, knob: &Knob) {
    ui.set_max_width(320.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new(label(knob)).strong());
        if !knob.symbol.is_empty() {
            ui.label(RichText::new(knob.symbol).font(serif(13.0)));
        }
        if !knob.unit.is_empty() {
            ui.label(RichText::new(format!("in {}", knob.unit)).color(theme.text_dim));
        }
    });
    if !knob.meaning.is_empty() {
        ui.label(knob.meaning);
    }
    let small = |text: String| RichText::new(text).small().color(theme.text_dim);
    let (min, max, default, scale, _) = range(knob);
    match knob.domain {
        Domain::Real { .. } | Domain::Whole { .. } => {
            let log = if scale == Scale::Log { ", log slider" } else { "" };
            let [min, max, default] = [min, max, default].map(number::short);
            ui.label(small(format!("{min} to {max}{log} · default {default}")));
        }
        _ => {}
    }
    if !knob.source.is_empty() {
        ui.label(small(format!("Source: {}", knob.source)));
    }
    let when = if knob.live { "Can be turned while the run is under way." } else { "Takes effect at the next reset." };
    ui.label(small(when.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lower_case_but_for_signs() {
        let knob = |text| Knob::switch("x", text, false);
        assert_eq!(label(&knob("Learning rate")), "learning rate");
        assert_eq!(label(&knob("Labels of F")), "labels of F");
        assert_eq!(label(&knob("EWC scale")), "EWC scale");
        assert_eq!(label(&knob("seeds")), "seeds");
        assert_eq!(label(&knob("F")), "F");
    }
}
