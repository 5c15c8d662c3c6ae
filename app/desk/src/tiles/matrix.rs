//! Accuracy of every task after every block.

use std::sync::Arc;

use egui::Ui;
use mnemoscope_figure::{Body, Figure};
use mnemoscope_lab::{Candidates, figures};

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};

#[derive(Default)]
pub(super) struct MatrixPanel {
    cache: Cache,
}

impl Panel for MatrixPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::matrix),
            None => waiting(Tile::Matrix, "One row fills in after every task: what is known of each task by then."),
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        let now = cx.snapshot.as_ref().map(|snapshot| cx.view.candidates(snapshot));
        ui.label("Answers are looked for among");
        for candidates in Candidates::EVERY {
            if ui.radio(now == Some(candidates), candidates.label()).clicked() {
                cx.view.candidates = Some(candidates);
            }
        }
        if cx.view.pinned.is_some() {
            ui.separator();
            let mut difference = !cx.view.absolute;
            ui.checkbox(&mut difference, "Difference to the pinned run");
            cx.view.absolute = !difference;
        }
        ui.separator();
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        self.cache.draw(ui, cx.theme, figure);
    }
}
