//! Accuracy of every task over steps.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, Ui};
use mnemoscope_figure::{Body, Figure, Theme};
use mnemoscope_lab::figures;

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};

#[derive(Default)]
pub(super) struct AccuracyPanel {
    cache: Cache,
}

impl Panel for AccuracyPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::accuracy),
            None => waiting(Tile::Accuracy, "Watch every task being learned, and forgotten. Press Run."),
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        ui.checkbox(&mut cx.view.untrained, "Tasks not trained yet")
            .on_hover_text("Also show each task's accuracy before its first training: what carries over forwards.");
        ui.separator();
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, cx.snapshot.is_none());
            return;
        }
        if let Some(note) = cx.snapshot.as_ref().map(|run| &run.experiment.note).filter(|note| !note.is_empty()) {
            note_ui(ui, cx.theme, note);
        }
        cx.view.range = self.cache.draw(ui, cx.theme, figure).x_range;
    }

    fn reset_zoom(&mut self, cx: &mut TileContext<'_>) {
        cx.view.range = None;
        self.cache.reset_zoom();
    }

    fn zooms(&self) -> bool {
        true
    }
}

/// A word on what looks like a bug and is not: at most two lines, one in a low tile, all of it under the pointer.
fn note_ui(ui: &mut Ui, theme: &Theme, note: &str) {
    let format = TextFormat::simple(FontId::proportional(11.5), theme.warning.mix(theme.text_dim, 0.45).into());
    let mut job = LayoutJob::single_section(note.to_owned(), format);
    job.wrap.max_rows = if ui.available_height() < 220.0 { 1 } else { 2 };
    ui.label(job).on_hover_text(note);
}
