//! Figures are described anew only when the run or the view has changed.

use std::sync::Arc;

use mnemoscope_figure::Figure;
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::View;

/// The last figure of one tile and what it was made from.
#[derive(Default)]
pub(super) struct Cache {
    made: Option<(Arc<Snapshot>, View, Arc<Figure>)>,
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

    /// Forgets how a person has zoomed.
    pub(super) fn reset_zoom(&mut self) {
        self.zoom += 1;
        self.made = None;
    }
}
