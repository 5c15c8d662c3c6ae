//! Exact values beside the pointer.

use egui::{Color32, Grid, RichText, Sense, TextWrapMode, Tooltip, vec2};

use crate::color::Color;
use crate::font::medium;
use crate::theme::Theme;

/// Most rows of a tooltip; the rest is counted.
const ROWS: usize = 14;

/// One line of a chart's tooltip.
pub(crate) struct Row {
    pub color: Color,
    pub name: String,
    pub value: String,
}

/// A heading, then one row per series: swatch, name, value.
pub(crate) fn rows(response: &egui::Response, theme: &Theme, heading: &str, rows: &[Row]) {
    Tooltip::for_widget(response).at_pointer().gap(14.0).show(|ui| {
        ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
        ui.label(RichText::new(heading).font(medium(11.5)).color(Color32::from(theme.text_dim)));
        Grid::new("values").num_columns(3).min_col_width(0.0).spacing(vec2(8.0, 3.0)).min_row_height(14.0).show(
            ui,
            |ui| {
                for row in rows.iter().take(ROWS) {
                    let (place, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                    ui.painter().circle_filled(place.center(), 4.0, Color32::from(row.color));
                    ui.label(RichText::new(&row.name).size(12.0));
                    // From the left: aligned to the right, a value wider than the one before would cover its name.
                    ui.label(RichText::new(&row.value).font(medium(12.0)));
                    ui.end_row();
                }
            },
        );
        if rows.len() > ROWS {
            let more = format!("and {} more", rows.len() - ROWS);
            ui.label(RichText::new(more).size(11.0).color(Color32::from(theme.text_dim)));
        }
    });
}

/// A heading and one value.
pub(crate) fn cell(response: &egui::Response, theme: &Theme, heading: &str, value: &str) {
    Tooltip::for_widget(response).at_pointer().gap(14.0).show(|ui| {
        ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
        ui.label(RichText::new(heading).size(11.5).color(Color32::from(theme.text_dim)));
        ui.label(RichText::new(value).font(medium(13.0)));
    });
}
