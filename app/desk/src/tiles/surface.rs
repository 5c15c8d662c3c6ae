//! Answers over the plane.

use std::sync::Arc;

use egui::Ui;
use mnemoscope_figure::{Body, Figure};
use mnemoscope_lab::figures;

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};

#[derive(Default)]
pub(super) struct SurfacePanel {
    cache: Cache,
}

impl Panel for SurfacePanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::surface),
            None => waiting(Tile::Surface, "For 2-D points: what the network answers at every point of the plane."),
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        self.cache.draw(ui, cx.theme, figure);
    }
}
