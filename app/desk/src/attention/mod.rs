//! The attention lab: a memory that is written by a rule instead of trained, and the benches that feed it.

mod association;
mod card;
mod composer;
pub(crate) mod memory;
mod settings;
mod tabs;
mod work;
mod writes;

use egui::Ui;
use mnemoscope_figure::Theme;
use mnemoscope_lab::Experiment;

use crate::tiles::Action;
use association::AssociationView;
use composer::MemoryComposer;
pub(crate) use tabs::switch_ui;

/// Width of a bench's column of sliders.
const SLIDERS: f32 = 216.0;
/// Points between cards.
const GAP: f32 = 8.0;

/// A bench of the lab: one view behind one tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Bench {
    /// Pairs of key and value are written and asked for.
    #[default]
    Association,
}

impl Bench {
    /// Every bench, in the order of the tabs.
    pub const ALL: [Self; 1] = [Self::Association];

    /// As shown on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Association => "Association",
        }
    }

    /// One sentence, shown beside the tabs.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Association => {
                "Pairs of key and value are written one after another, and every key is asked for again"
            }
        }
    }
}

/// What a view of the lab reads and edits.
pub struct AttentionContext<'a> {
    /// Colours.
    pub theme: &'static Theme,
    /// The experiment; edited in place, so that undo sees every edit.
    pub experiment: &'a mut Experiment,
    /// What is asked of the window.
    pub actions: &'a mut Vec<Action>,
}

/// The lab: which bench is in front, and what each remembers between two frames.
#[derive(Default)]
pub struct AttentionLab {
    bench: Bench,
    composer: MemoryComposer,
    association: AssociationView,
}

impl AttentionLab {
    /// The bench in front.
    pub fn bench(&self) -> Bench {
        self.bench
    }

    /// Plays the bench, or pauses it.
    pub fn play_or_pause(&mut self) {
        match self.bench {
            Bench::Association => self.association.play_or_pause(),
        }
    }

    /// Goes one write on, or back.
    pub fn step(&mut self, forward: bool) {
        match self.bench {
            Bench::Association => self.association.step(forward),
        }
    }

    /// Draws the memory composer below what is already at the left.
    pub fn composer_ui(&mut self, ui: &mut Ui, theme: &Theme, experiment: &mut Experiment) {
        self.composer.ui(ui, theme, experiment);
    }

    /// Draws the tabs and the bench in front into all the room that `ui` has left.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        tabs::ui(ui, cx.theme, &mut self.bench);
        match self.bench {
            Bench::Association => self.association.ui(ui, cx),
        }
    }
}
