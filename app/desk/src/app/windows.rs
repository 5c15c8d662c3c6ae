//! The dialogs of the window: which one is open, and what its answer does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Context, Ui};
use mnemoscope_figure::{Figure, Theme};
use mnemoscope_lab::{Experiment, Focus, Snapshot, export, file};

use super::{DeskApp, read_file};
use crate::data_dialog::{Choice, DataDialog};
use crate::dialogs::{Answer, PathDialog, Purpose, Verdict, Wish, beside, file_stem, unsaved_ui};
use crate::document::Document;
use crate::tiles::Action;
use crate::{gallery, objective_table, welcome};

/// What goes on once unsaved work is saved or let go.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// An empty experiment.
    New,
    /// The dialog that opens a file.
    AskFile,
    /// A file.
    File(PathBuf),
    /// A preset, and whether it is set in motion.
    Preset(&'static str, bool),
    /// An arm of the open study, or its base.
    Arm(Option<usize>),
    /// The window closes.
    Close,
}

/// The dialog that is open.
pub enum Dialog {
    /// A file to open.
    Open(PathDialog),
    /// Where to save, and what goes on then.
    Save(PathDialog, Option<Next>),
    /// Where to write a figure.
    Figure(PathDialog, Arc<Figure>, (f32, f32)),
    /// Where to write a table.
    Table(PathDialog, String),
    /// The folder of an export.
    Folder(PathDialog, Arc<Snapshot>),
    /// The data.
    Data(Box<DataDialog>),
    /// Unsaved work stands in the way.
    Unsaved(Next),
    /// The presets on their shelves.
    Presets,
    /// The table of methods.
    Methods,
    /// The table of shortcuts.
    Shortcuts,
}

impl DeskApp {
    /// Goes on with `next`, or asks first where that would discard unsaved work.
    pub(super) fn go_on(&mut self, ctx: &Context, next: Next) {
        if self.document.dirty() {
            self.dialog = Some(Dialog::Unsaved(next));
        } else {
            self.proceed(ctx, next);
        }
    }

    fn proceed(&mut self, ctx: &Context, next: Next) {
        match next {
            Next::New => {
                self.document = Document::new(Experiment::default(), None);
                self.opened(false);
            }
            Next::AskFile => {
                let wish = Wish { title: "Open an experiment", purpose: Purpose::Open, extension: "ron" };
                let start = beside(self.document.path(), "");
                self.dialog = Some(Dialog::Open(PathDialog::new(wish, "Open", start)));
            }
            Next::File(path) => match read_file(&path) {
                Ok(document) => {
                    self.document = document;
                    self.opened(false);
                }
                Err(error) => self.toasts.bad(error),
            },
            Next::Preset(name, run) => {
                if let Some(experiment) = super::read_preset(name) {
                    self.document = Document::new(experiment, None);
                    self.opened(run);
                }
            }
            Next::Arm(arm) => self.open_arm(arm),
            Next::Close => {
                self.may_close = true;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    /// Puts an arm of the open study into the composer, or its base.
    fn open_arm(&mut self, arm: Option<usize>) {
        let Some(mut study) = self.study.take() else { return };
        let base = study.base.clone();
        let opened = match arm.and_then(|index| base.arms.get(index)) {
            None => Ok(base),
            Some(arm) => arm.of(&base).map(|variation| Experiment {
                title: format!("{}: {}", base.title, arm.name),
                arms: Vec::new(),
                claims: Vec::new(),
                ..variation
            }),
        };
        match opened {
            Ok(experiment) => {
                self.document = Document::new(experiment, None);
                self.opened(false);
                study.arm = arm;
            }
            Err(error) => self.toasts.bad(error.to_string()),
        }
        self.study = Some(study);
    }

    /// The system or a menu wants the window closed.
    pub(super) fn close_requested(&mut self, ctx: &Context) {
        if self.document.dirty() && !self.may_close {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            if self.dialog.is_none() {
                self.dialog = Some(Dialog::Unsaved(Next::Close));
            }
        }
    }

    /// Saves to the document's own path, or asks for one; then goes on with `next`.
    pub(super) fn save_document(&mut self, ctx: &Context, elsewhere: bool, next: Option<Next>) {
        if let Some(path) = self.document.path().map(Path::to_owned).filter(|_| !elsewhere) {
            if self.save_to(&path)
                && let Some(next) = next
            {
                self.proceed(ctx, next);
            }
            return;
        }
        let wish = Wish { title: "Save the experiment", purpose: Purpose::Save, extension: "ron" };
        let name = format!("{}.ron", file_stem(&self.document.experiment.title));
        let start = match self.document.path() {
            Some(path) => path.display().to_string(),
            None => beside(None, &name),
        };
        self.dialog = Some(Dialog::Save(PathDialog::new(wish, "Save", start), next));
    }

    fn save_to(&mut self, path: &Path) -> bool {
        match self.document.save(path) {
            Ok(()) => {
                self.toasts.good(format!("Saved {}", path.display()));
                true
            }
            Err(error) => {
                self.toasts.bad(error.to_string());
                false
            }
        }
    }

    /// Asks where to write what the run measured.
    pub(super) fn ask_export_folder(&mut self) {
        let Some(snapshot) = self.runner.snapshot().cloned() else {
            self.toasts.bad("There is no run to export yet: press Run first.");
            return;
        };
        let wish = Wish { title: "Export the run into a folder", purpose: Purpose::Folder, extension: "" };
        let start = beside(self.document.path(), &file_stem(&self.document.experiment.title));
        self.dialog = Some(Dialog::Folder(PathDialog::new(wish, "Export", start), snapshot));
    }

    /// What a tile asks for.
    pub(super) fn act(&mut self, action: Action) {
        let save = |extension| Wish { title: "Export the plot", purpose: Purpose::Save, extension };
        match action {
            Action::Export { figure, size, format, suggestion } => {
                let start = beside(self.document.path(), &suggestion);
                let dialog = PathDialog::new(save(format.extension()), "Export", start);
                self.dialog = Some(Dialog::Figure(dialog, figure, size));
            }
            Action::ExportTable { csv, suggestion } => {
                let start = beside(self.document.path(), &suggestion);
                self.dialog = Some(Dialog::Table(PathDialog::new(save("csv"), "Export", start), csv));
            }
            Action::Run => self.run(),
            Action::Pin => self.pin(true),
            Action::Unpin => self.pin(false),
            Action::OpenAttention => self.document.experiment.focus = Focus::Attention,
        }
    }

    /// Draws the open dialog and acts on its answer.
    pub(super) fn dialog_ui(&mut self, ui: &Ui, theme: &'static Theme) {
        let Some(mut dialog) = self.dialog.take() else { return };
        let ctx = ui.ctx();
        let stays = match &mut dialog {
            Dialog::Open(asked) => match asked.ui(ui, theme) {
                Answer::Open => true,
                Answer::Cancel => false,
                Answer::Path(path) => match read_file(&path) {
                    Ok(document) => {
                        self.document = document;
                        self.opened(false);
                        false
                    }
                    Err(error) => refuse(asked, error),
                },
            },
            Dialog::Save(asked, next) => match asked.ui(ui, theme) {
                Answer::Open => true,
                Answer::Cancel => false,
                Answer::Path(path) => match self.document.save(&path) {
                    Ok(()) => {
                        self.toasts.good(format!("Saved {}", path.display()));
                        if let Some(next) = next.take() {
                            self.proceed(ctx, next);
                        }
                        false
                    }
                    Err(error) => refuse(asked, error.to_string()),
                },
            },
            Dialog::Figure(asked, figure, size) => match asked.ui(ui, theme) {
                Answer::Open => true,
                Answer::Cancel => false,
                Answer::Path(path) => match figure.save(&path, theme, *size) {
                    Ok(()) => self.wrote(&path),
                    Err(error) => refuse(asked, error.to_string()),
                },
            },
            Dialog::Table(asked, csv) => match asked.ui(ui, theme) {
                Answer::Open => true,
                Answer::Cancel => false,
                Answer::Path(path) => match file::write_bytes(&path, csv.as_bytes()) {
                    Ok(()) => self.wrote(&path),
                    Err(error) => refuse(asked, error.to_string()),
                },
            },
            Dialog::Folder(asked, snapshot) => match asked.ui(ui, theme) {
                Answer::Open => true,
                Answer::Cancel => false,
                Answer::Path(path) => match export::write(snapshot, &path) {
                    Ok(_) => self.wrote(&path),
                    Err(error) => refuse(asked, error.to_string()),
                },
            },
            Dialog::Data(data) => match data.ui(ui, theme) {
                Choice::Open => true,
                Choice::Cancel => false,
                Choice::Use(source) => {
                    self.document.experiment.data = source;
                    false
                }
            },
            Dialog::Unsaved(next) => {
                let discard = if *next == Next::Close { "Close without saving" } else { "Discard them" };
                match unsaved_ui(ui, theme, &self.document.experiment.title, discard) {
                    Verdict::Open => true,
                    Verdict::Cancel => false,
                    Verdict::Save => {
                        self.save_document(ctx, false, Some(next.clone()));
                        false
                    }
                    Verdict::Discard => {
                        self.proceed(ctx, next.clone());
                        false
                    }
                }
            }
            Dialog::Presets => gallery::ui(ui, theme, &self.presets, &mut self.orders),
            Dialog::Methods => objective_table::ui(ui, theme, &mut self.document.experiment),
            Dialog::Shortcuts => welcome::shortcuts_ui(ui, theme),
        };
        // An answer may have opened the next dialog.
        if stays && self.dialog.is_none() {
            self.dialog = Some(dialog);
        }
    }

    /// Says that a file was written; the dialog goes.
    fn wrote(&mut self, path: &Path) -> bool {
        self.toasts.good(format!("Wrote {}", path.display()));
        false
    }
}

/// The dialog stays and tells why.
fn refuse(dialog: &mut PathDialog, error: String) -> bool {
    dialog.error = Some(error);
    true
}
