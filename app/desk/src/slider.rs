//! A slider over a knob's range: thin rail, filled up to a small handle, linear or logarithmic.
//!
//! egui's own slider paints handle and rail in one colour and maps a range from 0 in its own way; this one has a 0 at the
//! left end of a log rail, and rounds to the simplest number under the pointer.

use egui::accesskit::{Action, ActionData};
use egui::emath::smart_aim::best_in_range_f64;
use egui::{Key, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use mnemoscope_core::{Knob, Scale};
use mnemoscope_figure::Theme;

use crate::composer::knob::range;

/// Part of a log rail that stands for 0 where the range begins there.
const ZERO: f64 = 0.04;
/// Radius of the handle, in points.
const HANDLE: f32 = 5.5;
/// Height of the widget, in points.
const HEIGHT: f32 = 18.0;

/// How values lie on the rail.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rail {
    min: f64,
    max: f64,
    /// Where the range begins at 0 and is logarithmic: the smallest value above 0 that the rail tells from 0.
    smallest: f64,
    log: bool,
    whole: bool,
}

impl Rail {
    fn of(knob: &Knob) -> Self {
        let (min, max, default, scale, whole) = range(knob);
        // Three decades below the default are as good as 0.
        let smallest = match (whole, default > 0.0) {
            (true, _) => 1.0,
            (false, true) => default * 1e-3,
            (false, false) => max * 1e-5,
        };
        Self { min, max, smallest: smallest.max(min), log: scale == Scale::Log, whole }
    }

    /// Place of a value, 0 at the left end to 1 at the right.
    fn place(&self, value: f64) -> f64 {
        let value = value.clamp(self.min, self.max);
        if self.max <= self.min {
            return 0.0;
        }
        if !self.log {
            return (value - self.min) / (self.max - self.min);
        }
        let from_zero = self.min <= 0.0;
        if from_zero && value < self.smallest {
            return ZERO * value.max(0.0) / self.smallest;
        }
        let low = if from_zero { self.smallest } else { self.min };
        let part = (value / low).ln() / (self.max / low).ln();
        if from_zero { ZERO + (1.0 - ZERO) * part } else { part }
    }

    /// The value at a place.
    fn value(&self, place: f64) -> f64 {
        let place = place.clamp(0.0, 1.0);
        if !self.log {
            return self.min + (self.max - self.min) * place;
        }
        let from_zero = self.min <= 0.0;
        if from_zero && place < ZERO {
            return 0.0;
        }
        let low = if from_zero { self.smallest } else { self.min };
        let part = if from_zero { (place - ZERO) / (1.0 - ZERO) } else { place };
        low * (self.max / low).powf(part)
    }

    /// The simplest value between two places.
    fn simplest(&self, from: f64, to: f64) -> f64 {
        // The ends themselves must be within reach.
        if from <= 0.0 {
            return self.min;
        }
        if to >= 1.0 {
            return self.max;
        }
        let value = best_in_range_f64(self.value(from), self.value(to));
        let value = if self.whole { value.round() } else { value };
        value.clamp(self.min, self.max)
    }

    /// The value after a press of an arrow key: a hundredth of the rail, for whole numbers at least one.
    fn stepped(&self, value: f64, steps: f64) -> f64 {
        let next = self.value(self.place(value) + steps * 0.01);
        let next = if self.whole {
            let next = next.round();
            if next == value { value + steps.signum() } else { next }
        } else {
            let half = (self.value(self.place(value) + steps * 0.005) - next).abs() * 0.5;
            best_in_range_f64(next - half, next + half)
        };
        next.clamp(self.min, self.max)
    }
}

/// Draws the slider `width` points wide and answers with the response; `value` holds what a person chose.
pub fn ui(ui: &mut Ui, theme: &Theme, name: &str, knob: &Knob, value: &mut f64, width: f32) -> Response {
    let rail = Rail::of(knob);
    let (rect, mut response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click_and_drag());
    let inner = rect.shrink2(vec2(HANDLE, 0.0));
    let before = *value;
    if let Some(pointer) = response.interact_pointer_pos()
        && response.is_pointer_button_down_on()
    {
        let place = |x: f32| f64::from((x - inner.left()) / inner.width().max(1.0));
        *value = rail.simplest(place(pointer.x - 0.5), place(pointer.x + 0.5));
    }
    if response.has_focus() {
        // Left and right turn the knob, so they must not move the focus.
        let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed =
            ui.input(|input| input.num_presses(Key::ArrowRight) as f64 - input.num_presses(Key::ArrowLeft) as f64);
        if pressed != 0.0 {
            *value = rail.stepped(*value, pressed);
        }
    }
    if let Some(asked) = asked(ui, &response, &rail, *value) {
        *value = asked;
    }
    if *value != before {
        response.mark_changed();
    }
    paint(ui, theme, &response, inner, rail.place(*value) as f32);
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), *value, name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(rail.min);
        node.set_max_numeric_value(rail.max);
        node.add_action(Action::SetValue);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
    response
}

/// What assistive technology asks for.
fn asked(ui: &Ui, response: &Response, rail: &Rail, value: f64) -> Option<f64> {
    ui.input(|input| {
        let steps = input.num_accesskit_action_requests(response.id, Action::Increment) as f64
            - input.num_accesskit_action_requests(response.id, Action::Decrement) as f64;
        let set =
            input.accesskit_action_requests(response.id, Action::SetValue).filter_map(|request| match request.data {
                Some(ActionData::NumericValue(value)) => Some(value),
                _ => None,
            });
        let set = set.last().map(|wanted| {
            let wanted = if rail.whole { wanted.round() } else { wanted };
            wanted.clamp(rail.min, rail.max)
        });
        set.or_else(|| (steps != 0.0).then(|| rail.stepped(value, steps)))
    })
}

fn paint(ui: &Ui, theme: &Theme, response: &Response, inner: Rect, place: f32) {
    let painter = ui.painter();
    let (y, x) = (inner.center().y, inner.left() + inner.width() * place);
    let line = |from: f32, to: f32| Rect::from_min_max(pos2(from, y - 1.5), pos2(to, y + 1.5));
    painter.rect_filled(line(inner.left() - HANDLE, inner.right() + HANDLE), 1.5, theme.hovered);
    painter.rect_filled(line(inner.left() - HANDLE, x), 1.5, theme.accent);
    let grown = if response.hovered() || response.dragged() { 1.0 } else { 0.0 };
    let handle = if theme.dark { theme.text } else { theme.card };
    // On white a white handle needs its edge.
    let edge = Stroke::new(if theme.dark { 0.0 } else { 1.5 }, theme.accent);
    painter.circle(pos2(x, y), HANDLE + grown, handle, edge);
    if response.has_focus() {
        painter.circle_stroke(pos2(x, y), HANDLE + 3.0, Stroke::new(1.5, theme.accent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rail(min: f64, max: f64, default: f64, scale: Scale) -> Rail {
        Rail::of(&Knob::real("x", "x", "", min, max, default, scale))
    }

    #[test]
    fn places_and_values_are_inverse() {
        for rail in
            [rail(0.0, 1.0, 0.5, Scale::Linear), rail(1e-5, 10.0, 0.05, Scale::Log), rail(0.0, 1e10, 100.0, Scale::Log)]
        {
            for i in 5..=100 {
                let place = f64::from(i) / 100.0;
                assert!((rail.place(rail.value(place)) - place).abs() < 1e-9, "{rail:?} {place}");
            }
            assert_eq!(rail.value(0.0), rail.min);
            assert!((rail.value(1.0) / rail.max - 1.0).abs() < 1e-12);
            assert_eq!((rail.place(rail.min), rail.place(rail.max)), (0.0, 1.0));
        }
    }

    #[test]
    fn a_log_rail_from_zero_has_a_zero_and_equal_decades() {
        let rail = rail(0.0, 1e10, 100.0, Scale::Log);
        assert_eq!(rail.value(ZERO / 2.0), 0.0);
        let decade = rail.place(1000.0) - rail.place(100.0);
        assert!((rail.place(1e7) - rail.place(1e6) - decade).abs() < 1e-12);
    }

    #[test]
    fn the_pointer_finds_simple_numbers_and_both_ends() {
        let rail = rail(1e-5, 10.0, 0.05, Scale::Log);
        let at = rail.place(0.0503);
        assert_eq!(rail.simplest(at - 0.003, at + 0.003), 0.05);
        assert_eq!(rail.simplest(-0.1, 0.001), 1e-5);
        assert_eq!(rail.simplest(0.999, 1.2), 10.0);
    }

    #[test]
    fn keys_step_whole_numbers_by_at_least_one_and_stop_at_the_ends() {
        let rail = Rail::of(&Knob::whole("x", "x", "", 0, 32, 5, Scale::Linear));
        assert_eq!(rail.stepped(5.0, 1.0), 6.0);
        assert_eq!(rail.stepped(5.0, -1.0), 4.0);
        assert_eq!(rail.stepped(32.0, 1.0), 32.0);
        assert_eq!(rail.stepped(0.0, -1.0), 0.0);
    }
}
