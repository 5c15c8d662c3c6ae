//! The plots in the middle of the window: dockable tiles, each with a header and one figure.

use std::sync::Arc;

use mnemoscope_core::Component;
use mnemoscope_figure::{Figure, theme::Theme};
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::View;
use mnemoscope_memory::AssociationKinds;
use mnemoscope_stream::Dataset;
use serde::{Deserialize, Serialize};

/// One plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tile {
    /// Accuracy of every task over steps.
    Accuracy,
    /// Accuracy of every task after every block.
    Matrix,
    /// A task switch from near.
    Gap,
    /// The loss and its terms over steps.
    Objective,
    /// Which classes are taken for which.
    Confusion,
    /// Answers over the plane.
    Surface,
    /// An associative memory.
    Attention,
    /// Every metric with its formula.
    Metrics,
}

impl Tile {
    /// Every tile, in the order of the menu.
    pub const ALL: [Self; 8] = [
        Self::Accuracy,
        Self::Matrix,
        Self::Gap,
        Self::Objective,
        Self::Confusion,
        Self::Surface,
        Self::Attention,
        Self::Metrics,
    ];

    /// As shown in the header, the tab and the menu.
    pub fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "Accuracy per task",
            Self::Matrix => "Accuracy matrix",
            Self::Gap => "Stability gap",
            Self::Objective => "Loss and objective",
            Self::Confusion => "Confusion matrix",
            Self::Surface => "Decision surface",
            Self::Attention => "Attention as memory",
            Self::Metrics => "Metrics",
        }
    }
}

/// What the tiles read and write while they are drawn.
pub struct TileContext<'a> {
    /// The latest picture of the run.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Colours.
    pub theme: &'a Theme,
    /// What the plots show; the pinned run stands here too.
    pub view: &'a mut View,
    /// The associative memory of the experiment. Edited in place: undo sees it as an edit of the experiment.
    pub association: &'a mut Component<AssociationKinds>,
    /// The data set of the run, for pictures of wrong samples.
    pub dataset: Option<Arc<Dataset>>,
    /// What the tiles ask of the window.
    pub actions: &'a mut Vec<Action>,
}

/// What a tile asks of the window.
#[derive(Debug, Clone)]
pub enum Action {
    /// Ask for a path and save the figure there.
    Export {
        /// What is shown.
        figure: Arc<Figure>,
        /// Points, as shown.
        size: (f32, f32),
        /// "svg", "png" or "csv".
        extension: &'static str,
        /// A file name to begin with, such as "accuracy-per-task.svg".
        suggestion: String,
    },
    /// Start the run: the button of an empty tile.
    Run,
    /// Keep this finished run for comparison.
    Pin,
    /// Let go of the pinned run.
    Unpin,
}
