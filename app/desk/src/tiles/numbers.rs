//! A row of numbers below a plot, each under its name.

use std::sync::Arc;

use egui::{Color32, Galley, Rect, RichText, Sense, Ui, pos2, vec2};
use mnemoscope_figure::{Theme, semibold};

use super::header;

/// Height of the row, in points.
pub(crate) const HEIGHT: f32 = 36.0;
/// Least room between two numbers, and most.
const SPARE: (f32, f32) = (14.0, 40.0);

/// One number.
pub(crate) struct Number<'a> {
    pub name: &'a str,
    pub value: &'a str,
    /// How it is computed, for the tooltip.
    pub formula: &'a str,
}

/// Draws as many of the numbers as fit into `rect`, the first ones first.
pub(crate) fn ui(ui: &mut Ui, theme: &Theme, rect: Rect, numbers: &[Number<'_>]) {
    let columns: Vec<(Arc<Galley>, Arc<Galley>)> = numbers
        .iter()
        .map(|number| {
            let name = header::line(ui, number.name, egui::FontId::proportional(11.0), theme.text_dim.into(), 150.0);
            (name, header::line(ui, number.value, semibold(13.0), theme.text.into(), 150.0))
        })
        .collect();
    let width = |column: &(Arc<Galley>, Arc<Galley>)| column.0.size().x.max(column.1.size().x);
    let (shown, spare) = fit(columns.iter().map(width), rect.width());
    let mut left = rect.left();
    for (column, number) in columns.into_iter().zip(numbers).take(shown) {
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(width(&column), HEIGHT));
        left = place.right() + spare;
        ui.painter().galley(place.min + vec2(0.0, 2.0), column.0, Color32::PLACEHOLDER);
        ui.painter().galley(place.min + vec2(0.0, 17.0), column.1, Color32::PLACEHOLDER);
        let response = ui.interact(place, ui.scope_id().with(number.name), Sense::hover());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{} {}", number.name, number.value))
        });
        response.on_hover_ui(|ui| {
            ui.label(format!("{} = {}", number.name, number.value));
            ui.label(RichText::new(number.formula).small().color(theme.text_dim));
        });
    }
}

/// How many columns fit side by side, and the points between them.
fn fit(widths: impl Iterator<Item = f32>, room: f32) -> (usize, f32) {
    let (least, most) = SPARE;
    let (mut shown, mut used) = (0, 0.0);
    for width in widths {
        let with = used + width;
        if shown > 0 && with + least * shown as f32 > room {
            break;
        }
        (shown, used) = (shown + 1, with);
    }
    let spare = if shown > 1 { ((room - used) / (shown - 1) as f32).clamp(least, most) } else { least };
    (shown, spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_left_out_from_the_end() {
        assert_eq!(fit([50.0, 50.0].into_iter(), 200.0), (2, 40.0));
        assert_eq!(fit([50.0, 50.0, 90.0].into_iter(), 200.0), (2, 40.0));
        assert_eq!(fit([50.0, 50.0, 72.0].into_iter(), 200.0), (3, 14.0));
        assert_eq!(fit([500.0].into_iter(), 200.0), (1, 14.0));
        assert_eq!(fit(std::iter::empty(), 200.0).0, 0);
    }
}
