//! A tile's figure: described anew only when the run or the view has changed, and exported as it was last seen.

use std::sync::Arc;

use egui::Ui;
use mnemoscope_figure::{Figure, Response, Theme};
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::View;

/// A range of an axis that a person has zoomed to.
type Range = Option<(f64, f64)>;

/// The last figure of one tile, what it was made from, and how it was seen.
#[derive(Default)]
pub(super) struct Cache {
    made: Option<(Arc<Snapshot>, View, Arc<Figure>)>,
    size: (f32, f32),
    range: (Range, Range),
    /// Counts zooms that were reset: a new identity forgets the old zoom.
    zoom: u32,
}

impl Cache {
    /// The figure of this snapshot and view, made by `make` if either is new.
    pub(super) fn figure(
        &mut self,
        snapshot: &Arc<Snapshot>,
        view: &View,
        make: fn(&Snapshot, &View) -> Figure,
    ) -> Arc<Figure> {
        if let Some((made_from, made_for, figure)) = &self.made
            && Arc::ptr_eq(made_from, snapshot)
            && made_for == view
        {
            return figure.clone();
        }
        let mut figure = make(snapshot, view);
        if self.zoom > 0 {
            figure.id = format!("{}-{}", figure.id, self.zoom);
        }
        let figure = Arc::new(figure);
        self.made = Some((snapshot.clone(), view.clone(), figure.clone()));
        figure
    }

    /// Draws the figure into all the room that `ui` has left.
    pub(super) fn draw(&mut self, ui: &mut Ui, theme: &Theme, figure: &Figure) -> Response {
        self.size = ui.available_size().into();
        let response = figure.ui(ui, theme);
        self.range = (response.x_range, response.y_range);
        response
    }

    /// The figure as it was last seen, zoom included, and its size in points: what an export writes.
    pub(super) fn seen(&self, figure: &Arc<Figure>) -> (Arc<Figure>, (f32, f32)) {
        let figure = match self.range {
            (None, None) => figure.clone(),
            (x, y) => Arc::new(Figure::clone(figure).zoomed(x, y)),
        };
        (figure, self.size)
    }

    /// The visible steps; none while all are.
    pub(super) fn steps(&self) -> Range {
        self.range.0
    }

    /// Forgets how a person has zoomed.
    pub(super) fn reset_zoom(&mut self) {
        self.zoom += 1;
        self.range = (None, None);
        self.made = None;
    }
}
