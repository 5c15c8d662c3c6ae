//! A sweep in the composer: several values of one knob, trained side by side.

use egui::{ComboBox, DragValue, RichText, TextEdit, Ui, vec2};
use mnemoscope_core::{Knob, Scale, Setting, Sweep};
use mnemoscope_figure::Theme;

use super::knob::{number_box, range};
use crate::icon::{self, Icon};
use crate::number;

/// Values of a new sweep.
const VALUES: usize = 3;

/// The sweeps that a knob's menu offers, around its present value.
pub fn offers(knob: &Knob, setting: &Setting) -> Vec<(&'static str, Sweep)> {
    let (min, max, default, scale, whole) = range(knob);
    let middle = match setting {
        Setting::Number(value) => *value,
        _ => default,
    };
    let fit = |value: f64| {
        let value = value.clamp(min, max);
        if whole { value.round() } else { value }
    };
    // Around 0 a log sweep has no middle; begin at what is a hundredth of the range or the default.
    let centre = if middle > 0.0 { middle } else { default.max(max * 1e-2) };
    let (low, high) = (fit((centre / 10.0).max(f64::MIN_POSITIVE)), fit(centre * 10.0));
    let (from, to) = if scale == Scale::Log { (fit(centre / 2.0), fit(centre * 2.0)) } else { (min, max) };
    let mut out = Vec::new();
    if whole {
        // Values between two whole numbers are none; a list holds what a person means.
        let mut values = vec![low.max(min), fit(centre), high];
        values.dedup();
        return vec![("Sweep over a list", Sweep::Each(values))];
    }
    if low > 0.0 && low < high {
        out.push(("Sweep in equal ratios", Sweep::Log(low, high, VALUES)));
    }
    if from < to {
        out.push(("Sweep in equal steps", Sweep::Linear(from, to, VALUES)));
    }
    out.push(("Sweep over a list", Sweep::Each(vec![fit(from), fit(to)])));
    out
}

/// Draws the sweep and answers with the new setting if a person changed it.
pub fn ui(ui: &mut Ui, theme: &Theme, name: &str, knob: &Knob, sweep: &Sweep) -> Option<Setting> {
    let mut new = sweep.clone();
    let mut single = false;
    ui.horizontal(|ui| {
        let kind = match sweep {
            Sweep::Log(..) => "equal ratios",
            Sweep::Linear(..) => "equal steps",
            Sweep::Each(_) => "list",
        };
        ComboBox::from_id_salt("sweep")
            .selected_text(kind)
            .width(104.0)
            .show_ui(ui, |ui| {
                for (kind, other) in kinds(sweep) {
                    if ui
                        .selectable_label(std::mem::discriminant(&other) == std::mem::discriminant(sweep), kind)
                        .clicked()
                    {
                        new = other;
                    }
                }
            })
            .response
            .accessible_name(format!("{name}, kind of sweep"));
        let close = icon::small(ui, Icon::Close, &format!("{name}, no sweep"), 20.0);
        single = close.on_hover_text("One value again").clicked();
    });
    match &mut new {
        Sweep::Log(from, to, n) | Sweep::Linear(from, to, n) => {
            ui.horizontal(|ui| {
                number_box(ui, &format!("{name}, from"), knob, from);
                ui.label(RichText::new("to").color(theme.text_dim));
                number_box(ui, &format!("{name}, to"), knob, to);
                let drag = DragValue::new(n).range(1..=16).speed(0.05).prefix("× ");
                ui.add_sized(vec2(44.0, 20.0), drag).accessible_name(format!("{name}, values"));
            });
        }
        Sweep::Each(values) => list_ui(ui, name, values),
    }
    let (text, color) = match new.values() {
        Ok(values) => {
            let list = values.iter().map(|value| number::short(*value)).collect::<Vec<_>>().join(", ");
            (format!("{list} · each with every seed"), theme.text_dim)
        }
        Err(problem) => (problem, theme.error),
    };
    ui.label(RichText::new(text).small().color(color));
    if single {
        let first = sweep.values().ok().and_then(|values| values.first().copied());
        return Some(first.map_or_else(|| knob.default(), Setting::Number));
    }
    (new != *sweep).then_some(Setting::Sweep(new))
}

/// The same values as each kind of sweep.
fn kinds(sweep: &Sweep) -> [(&'static str, Sweep); 3] {
    let values = sweep.values().unwrap_or_default();
    let (from, to) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(1.0));
    let n = values.len().max(2);
    // Equal ratios need ends above 0.
    let floor = if to > 0.0 { to * 1e-3 } else { 1e-3 };
    [
        ("equal ratios", Sweep::Log(from.max(floor), to.max(floor * 2.0), n)),
        ("equal steps", Sweep::Linear(from, to, n)),
        ("list", Sweep::Each(values)),
    ]
}

/// Numbers with commas between, taken over when the field is left.
fn list_ui(ui: &mut Ui, name: &str, values: &mut Vec<f64>) {
    let id = ui.scope_id().with("list");
    let shown = || values.iter().map(|value| number::short(*value).replace(',', "")).collect::<Vec<_>>().join(", ");
    let mut text = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_else(shown);
    let field = TextEdit::singleline(&mut text).desired_width(f32::INFINITY).hint_text("1, 10, 100");
    let response = ui.add(field).accessible_name(format!("{name}, values"));
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, text));
    } else {
        if response.lost_focus() {
            let read: Option<Vec<f64>> = text.split(',').map(|part| number::parse(part.trim())).collect();
            if let Some(read) = read.filter(|read| !read.is_empty()) {
                *values = read;
            }
        }
        ui.data_mut(|data| data.remove_temp::<String>(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_lie_in_the_range_and_have_values() {
        let knobs = [
            Knob::real("a", "a", "", 0.0, 1e10, 100.0, Scale::Log).swept(),
            Knob::real("b", "b", "", 0.0, 1.0, 0.0, Scale::Linear).swept(),
            Knob::real("c", "c", "", 0.0, 1.0, 1.0, Scale::Linear).swept(),
            Knob::whole("d", "d", "", 1, 5, 5, Scale::Linear).swept(),
        ];
        for knob in knobs {
            for (text, sweep) in offers(&knob, &knob.default()) {
                assert_eq!(knob.check(&Setting::Sweep(sweep.clone())), Ok(()), "{} {text} {sweep:?}", knob.name);
            }
        }
    }

    #[test]
    fn every_kind_keeps_the_ends() {
        for (_, sweep) in kinds(&Sweep::Linear(1.0, 100.0, 4)) {
            let values = sweep.values().unwrap();
            assert_eq!((values[0], values[3]), (1.0, 100.0));
        }
        assert!(kinds(&Sweep::Linear(0.0, 0.0, 2)).iter().all(|(_, sweep)| sweep.values().is_ok()));
    }
}
