//! The sequence as a strip: a cell per token, above it how much of it is read, below it what was answered there.

use egui::{Align2, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};
use mnemoscope_figure::theme::text_on;
use mnemoscope_figure::{Theme, medium};

use crate::tokens;

/// Height of the strip, in points: bars, cells, answers.
pub(super) const HEIGHT: f32 = BAR + CELL + ANSWER + 8.0;
const BAR: f32 = 22.0;
const CELL: f32 = 22.0;
const ANSWER: f32 = 16.0;
/// Narrowest cell.
const NARROW: f32 = 24.0;

/// A token, and what the model made of it.
pub(super) struct Step<'a> {
    pub name: &'a str,
    /// Whether the next token was asked for here.
    pub asked: bool,
    /// What was answered where it was asked, and whether that is right.
    pub answer: Option<(&'a str, bool)>,
    /// How much of it is read at the chosen position: a share, or a weight of either sign.
    pub weight: f32,
}

/// What a pointer did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Picked {
    pub chosen: Option<usize>,
    pub hovered: Option<usize>,
}

/// Draws the strip into `rect`. `chosen` is the position that is looked at, `marked` those that other views point at.
pub(super) fn ui(
    ui: &mut Ui,
    theme: &Theme,
    rect: Rect,
    steps: &[Step<'_>],
    chosen: usize,
    marked: [Option<usize>; 2],
) -> Picked {
    let mut picked = Picked::default();
    let font = FontId::proportional(11.0);
    let text =
        |ui: &Ui, text: &str| ui.painter().layout_no_wrap(text.to_owned(), font.clone(), theme.text.into()).size().x;
    let widths: Vec<f32> = steps
        .iter()
        .map(|step| (text(ui, step.name).max(step.answer.map_or(0.0, |(given, _)| text(ui, given))) + 8.0).max(NARROW))
        .collect();
    let most = steps.iter().map(|step| step.weight.abs()).fold(1e-6, f32::max);
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ScrollArea::horizontal().id_salt("tokens").auto_shrink(false).show(ui, |ui| {
            let all: f32 = widths.iter().map(|width| width + 1.0).sum();
            let (row, _) = ui.allocate_exact_size(vec2(all, HEIGHT), Sense::hover());
            let mut left = row.left();
            for (place, (step, width)) in steps.iter().zip(&widths).enumerate() {
                let whole = Rect::from_min_size(pos2(left, row.top()), vec2(*width, HEIGHT));
                left = whole.right() + 1.0;
                let response = ui.interact(whole, ui.scope_id().with(("token", place)), Sense::click());
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::RadioButton, true, place == chosen, spoken(place, step))
                });
                if response.clicked() {
                    picked.chosen = Some(place);
                }
                if response.hovered() {
                    picked.hovered = Some(place);
                }
                if response.has_focus() {
                    let turn = |key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
                    if turn(egui::Key::Enter) || turn(egui::Key::Space) {
                        picked.chosen = Some(place);
                    }
                }
                let cell = Rect::from_min_size(pos2(whole.left(), row.top() + BAR + 2.0), vec2(*width, CELL));
                let painter = ui.painter();
                let height = (BAR - 2.0) * step.weight.abs() / most;
                let color = if step.weight < 0.0 { theme.negative } else { theme.positive };
                let bar = Rect::from_min_max(
                    pos2(cell.left() + 3.0, cell.top() - 1.0 - height),
                    pos2(cell.right() - 3.0, cell.top() - 1.0),
                );
                painter.rect_filled(bar, 1.0, color);
                let ground = tokens::color(theme, step.name);
                painter.rect_filled(cell, 3.0, ground);
                painter.text(cell.center(), Align2::CENTER_CENTER, step.name, font.clone(), text_on(ground).into());
                let frame = if place == chosen {
                    Some((2.0, theme.accent))
                } else if marked.contains(&Some(place)) || response.hovered() || response.has_focus() {
                    Some((1.5, theme.text))
                } else {
                    step.asked.then_some((1.0, theme.text_dim))
                };
                if let Some((thick, color)) = frame {
                    painter.rect_stroke(cell, 3.0, Stroke::new(thick, color), StrokeKind::Inside);
                }
                if let Some((given, right)) = step.answer {
                    let color = if right { theme.good } else { theme.error };
                    let at = pos2(cell.center().x, cell.bottom() + ANSWER / 2.0 + 1.0);
                    painter.text(at, Align2::CENTER_CENTER, given, medium(11.0), color.into());
                }
            }
        });
    });
    picked
}

/// "position 3: k2, asked; answered v1, which is wrong".
fn spoken(place: usize, step: &Step<'_>) -> String {
    let asked = if step.asked { ", asked" } else { "" };
    let answer = step.answer.map_or(String::new(), |(given, right)| {
        format!("; answered {given}, which is {}", if right { "right" } else { "wrong" })
    });
    format!("position {}: {}{asked}{answer}", place + 1, step.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_spoken_with_its_answer() {
        let plain = Step { name: "v4", asked: false, answer: None, weight: 0.0 };
        assert_eq!(spoken(0, &plain), "position 1: v4");
        let wrong = Step { name: "k2", asked: true, answer: Some(("v1", false)), weight: 0.0 };
        assert_eq!(spoken(2, &wrong), "position 3: k2, asked; answered v1, which is wrong");
    }
}
