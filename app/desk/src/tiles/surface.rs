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
    size: (f32, f32),
}

impl Panel for SurfacePanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::surface),
            None => waiting(Tile::Surface, "For 2-D points: what the network answers at every point of the plane."),
        }
    }

    fn size(&self) -> (f32, f32) {
        self.size
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        self.size = ui.available_size().into();
        figure.ui(ui, cx.theme);
    }
}
