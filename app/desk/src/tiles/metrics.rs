//! Every metric with its formula, and its difference to a pinned run.

use std::sync::Arc;

use egui::{Align2, Color32, RichText, ScrollArea, Sense, Ui, pos2, vec2};
use mnemoscope_figure::{Body, Figure, semibold};
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::{self, MetricRow, View};

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty, header};

/// Height of one metric: its name and value, and its formula below.
const ROW: f32 = 36.0;

#[derive(Default)]
pub(super) struct MetricsPanel {
    rows: Option<(Arc<Snapshot>, View, Vec<MetricRow>)>,
    caption: Option<Arc<Figure>>,
}

impl Panel for MetricsPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        let Some(snapshot) = &cx.snapshot else {
            return waiting(Tile::Metrics, "Every metric with its formula: ACC, forgetting, transfer, worst cases.");
        };
        let caption = match (figures::interval_text(snapshot, cx.view), cx.view.pinned.is_some()) {
            (text, true) => format!("{text} · difference to the pinned run, paired by seed"),
            (text, false) => text,
        };
        if self.caption.as_ref().is_none_or(|figure| figure.caption != caption) {
            // The table is no figure: it lends the header a caption, and exports as a table.
            let body = Body::Empty { message: "Metrics appear here once the run is evaluated.".to_owned() };
            self.caption =
                Some(Arc::new(Figure::new(Tile::Metrics.slug(), Tile::Metrics.title(), body).caption(caption)));
        }
        self.caption.clone().unwrap_or_else(|| waiting(Tile::Metrics, ""))
    }

    fn cache(&self) -> Option<&Cache> {
        None
    }

    fn table(&mut self, cx: &TileContext<'_>) -> Option<String> {
        cx.snapshot.as_deref().map(|snapshot| figures::metric_table(snapshot, cx.view))
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        let Some(snapshot) = cx.snapshot.clone().filter(|snapshot| !snapshot.metrics.is_empty()) else {
            if let Body::Empty { message } = &figure.body {
                empty::ui(ui, cx, message, false);
            }
            return;
        };
        let stale = !matches!(&self.rows, Some((of, view, _)) if Arc::ptr_eq(of, &snapshot) && view == cx.view);
        if stale {
            self.rows = Some((snapshot.clone(), cx.view.clone(), figures::metric_rows(&snapshot, cx.view)));
        }
        let Some((.., rows)) = &self.rows else { return };
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, rows.len(), |ui, visible| {
            for row in &rows[visible] {
                line(ui, cx, row);
            }
        });
    }
}

/// One metric: name, value and difference on a line, formula or reason below.
fn line(ui: &mut Ui, cx: &TileContext<'_>, row: &MetricRow) {
    let theme = cx.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let base = rect.top() + 3.0;
    let mut right = rect.right() - 10.0;
    if let Some(difference) = row.difference {
        let color = match row.verdict() {
            Some(true) => theme.good,
            Some(false) => theme.error,
            None => theme.text_dim,
        };
        let text = format!("{:+.3}{}", difference.mean, half(difference.half_width));
        right -= number(ui, pos2(right, base), &text, color.into(), right - rect.left()).max(96.0) + 14.0;
    }
    let (value, color) = match &row.value {
        Ok(value) => (figures::metric_text(&row.info, value), theme.text),
        Err(_) => ("–".to_owned(), theme.text_dim),
    };
    let width = number(ui, pos2(right, base), &value, color.into(), right - rect.left());
    let name = header::line(
        ui,
        &row.label,
        egui::FontId::proportional(12.5),
        theme.text.into(),
        right - width - rect.left() - 8.0,
    );
    ui.painter().galley(pos2(rect.left(), base), name, Color32::PLACEHOLDER);
    let below = row.value.as_ref().map_or_else(|reason| reason.as_str(), |_| row.info.formula);
    let below = header::line(ui, below, egui::FontId::proportional(10.5), theme.text_dim.into(), rect.width() - 10.0);
    ui.painter().galley(pos2(rect.left(), base + 16.0), below, Color32::PLACEHOLDER);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{} {value}", row.label)));
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(&row.label).strong());
        ui.label(row.info.meaning);
        ui.label(RichText::new(row.info.formula).color(theme.text_dim));
        if let Err(reason) = &row.value {
            ui.label(RichText::new(reason).color(theme.warning));
        }
        ui.label(
            RichText::new(format!("measured on {} · {}", row.part, row.info.source)).small().color(theme.text_dim),
        );
    });
}

/// Draws a number that ends at `right_top`; answers its width.
fn number(ui: &Ui, right_top: egui::Pos2, text: &str, color: Color32, room: f32) -> f32 {
    let galley = header::line(ui, text, semibold(12.5), color, room);
    let size = galley.size();
    let place = Align2::RIGHT_TOP.anchor_size(right_top, size).min;
    ui.painter().galley(place, galley, Color32::PLACEHOLDER);
    size.x
}

fn half(half_width: Option<f64>) -> String {
    half_width.map_or(String::new(), |half| format!(" ± {half:.3}"))
}
