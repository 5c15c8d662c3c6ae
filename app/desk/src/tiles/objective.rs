//! The loss and its terms over steps.

use std::sync::Arc;

use egui::Ui;
use mnemoscope_figure::{Body, Figure};
use mnemoscope_lab::figures::{self, View};

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};

#[derive(Default)]
pub(super) struct ObjectivePanel {
    cache: Cache,
}

impl Panel for ObjectivePanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => {
                let view = View { range: self.cache.steps(), ..cx.view.clone() };
                self.cache.figure(snapshot, &view, figures::objective)
            }
            None => waiting(Tile::Objective, "The loss and every term of the objective, as they are descended."),
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        ui.checkbox(&mut cx.view.log_loss, "Logarithmic axis");
        ui.separator();
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        self.cache.draw(ui, cx.theme, figure);
    }

    fn reset_zoom(&mut self, _cx: &mut TileContext<'_>) {
        self.cache.reset_zoom();
    }

    fn zooms(&self) -> bool {
        true
    }
}
