//! The open experiment: its file, its edits, and whether they are saved.

use std::path::{Path, PathBuf};

use mnemoscope_lab::{Experiment, file};

use crate::history::History;

/// The experiment that the composer edits.
#[derive(Debug)]
pub struct Document {
    /// As edited now.
    pub experiment: Experiment,
    /// As it stands in its file, or as it was opened.
    saved: Experiment,
    /// Where it is saved; a preset has no path.
    path: Option<PathBuf>,
    history: History<Experiment>,
}

impl Document {
    /// An experiment that was just opened. Where its file was run is forgotten: an edit would make that untrue.
    pub fn new(experiment: Experiment, path: Option<PathBuf>) -> Self {
        let experiment = Experiment { provenance: None, ..experiment };
        Self { saved: experiment.clone(), history: History::new(experiment.clone()), experiment, path }
    }

    /// An experiment as it was edited in an earlier session, with what its file held.
    pub fn restored(experiment: Experiment, saved: Experiment, path: Option<PathBuf>) -> Self {
        Self { history: History::new(experiment.clone()), experiment, saved, path }
    }

    /// Where it is saved.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What its file holds.
    pub fn saved(&self) -> &Experiment {
        &self.saved
    }

    /// Whether there are edits that no file holds. Which lab and which bench are in front is none.
    pub fn dirty(&self) -> bool {
        !same_work(&self.experiment, &self.saved)
    }

    /// Writes it to `path`, which becomes its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<(), file::FileError> {
        file::write(&self.experiment, path)?;
        self.saved = self.experiment.clone();
        self.path = Some(path.to_owned());
        Ok(())
    }

    /// Notes what was edited in this frame; see [`History::note`].
    pub fn note(&mut self, gesture: bool) {
        if self.history.settled() != &self.experiment && same_work(self.history.settled(), &self.experiment) {
            self.history.replace(self.experiment.clone());
        }
        self.history.note(&self.experiment, gesture);
    }

    /// Takes the last edit back; `false` where there is none.
    pub fn undo(&mut self) -> bool {
        let earlier = self.history.undo(&self.experiment);
        self.take(earlier)
    }

    /// Makes the edit again that was taken back; `false` where there is none.
    pub fn redo(&mut self) -> bool {
        let later = self.history.redo(&self.experiment);
        self.take(later)
    }

    fn take(&mut self, state: Option<Experiment>) -> bool {
        let found = state.is_some();
        if let Some(state) = state {
            self.experiment = state;
        }
        found
    }

    /// Whether there is an edit to take back.
    pub fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Whether there is an edit to make again.
    pub fn can_redo(&self) -> bool {
        self.history.can_redo()
    }
}

/// Whether two experiments differ at most in the lab and the bench that they open on.
fn same_work(one: &Experiment, other: &Experiment) -> bool {
    let looked_at = |experiment: &Experiment| (experiment.focus, experiment.bench);
    let (focus, bench) = looked_at(one);
    one == other || (looked_at(one) != looked_at(other) && *one == Experiment { focus, bench, ..other.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_lab::Focus;

    #[test]
    fn the_other_lab_is_no_edit() {
        let mut document = Document::new(Experiment::default(), None);
        document.experiment.focus = Focus::Attention;
        document.note(false);
        assert!(!document.dirty() && !document.can_undo());
        document.experiment.seed = 7;
        document.note(false);
        assert!(document.dirty());
        document.experiment.focus = Focus::Weights;
        document.note(false);
        assert!(document.undo() && !document.can_undo());
        assert_eq!((document.experiment.seed, document.experiment.focus), (0, Focus::Attention), "where it was made");
    }

    #[test]
    fn save_and_open_give_an_equal_experiment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.ron");
        let mut document = Document::new(Experiment::default(), None);
        document.experiment.seed = 7;
        assert!(document.dirty());
        document.save(&path).unwrap();
        assert!(!document.dirty());
        assert_eq!(file::read(&path).unwrap(), document.experiment);
        assert_eq!(document.path(), Some(path.as_path()));
        document.note(false);
        assert!(document.undo() && document.dirty() && document.experiment.seed == 0);
        assert!(document.redo() && !document.dirty());
    }
}
