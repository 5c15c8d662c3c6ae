//! Dialogs that ask for a path, and the question before unsaved work is discarded.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use egui::{Id, Key, Modal, RichText, TextEdit, Ui, vec2};
use mnemoscope_figure::{Theme, semibold};

/// What a path is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A file that is there.
    Open,
    /// A file that may be there; it is replaced.
    Save,
    /// A folder, made where it does not exist.
    Folder,
}

/// How a system dialog is set up.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Title of the dialog.
    pub title: &'static str,
    /// File, or folder.
    pub purpose: Purpose,
    /// Ending of the files that are shown, such as "ron"; empty shows all.
    pub extension: &'static str,
}

/// A path field with a button that opens the system's dialog. The field always works; the dialog needs a portal, and a
/// portal that fails looks like a cancel.
#[derive(Debug)]
pub struct PathField {
    wish: Wish,
    /// As typed or chosen.
    pub text: String,
    pending: Option<Receiver<Option<PathBuf>>>,
    /// The system's dialog came back without a path.
    cancelled: bool,
    /// The field takes the keyboard in its next frame.
    focus: bool,
}

impl PathField {
    /// A field that begins with `text`.
    pub fn new(wish: Wish, text: String) -> Self {
        Self { wish, text, pending: None, cancelled: false, focus: false }
    }

    /// Draws the field; answers whether Enter was pressed in it.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, name: &str) -> bool {
        self.poll();
        let mut entered = false;
        ui.horizontal(|ui| {
            let width = ui.available_width() - 86.0;
            let field = TextEdit::singleline(&mut self.text).desired_width(width).hint_text("/path/to/file");
            let response = ui.add(field).accessible_name(name);
            if std::mem::take(&mut self.focus) {
                response.request_focus();
            }
            entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let browse = ui.add_enabled(self.pending.is_none(), egui::Button::new("Browse…"));
            if browse.on_hover_text("Choose with the system's dialog").clicked() {
                self.browse(ui.ctx());
            }
        });
        if self.pending.is_some() {
            ui.label(RichText::new("The system's dialog is open.").small().color(theme.text_dim));
        } else if self.cancelled {
            let text = "No path came back. If no dialog appeared, type the path above.";
            ui.label(RichText::new(text).small().color(theme.text_dim));
        }
        entered
    }

    /// The path as it stands.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.text.trim())
    }

    fn poll(&mut self) {
        let Some(pending) = &self.pending else { return };
        match pending.try_recv() {
            Ok(Some(path)) => {
                self.text = path.display().to_string();
                self.cancelled = false;
            }
            Ok(None) | Err(TryRecvError::Disconnected) => self.cancelled = true,
            Err(TryRecvError::Empty) => return,
        }
        self.pending = None;
    }

    /// Opens the system's dialog on a thread of its own: it may take minutes, and on some systems never answers.
    fn browse(&mut self, ctx: &egui::Context) {
        let (sender, receiver) = sync_channel(1);
        let (wish, ctx, start) = (self.wish.clone(), ctx.clone(), self.path());
        let work = move || {
            let mut dialog = rfd::AsyncFileDialog::new().set_title(wish.title);
            if !wish.extension.is_empty() {
                dialog = dialog.add_filter(wish.extension, &[wish.extension]);
            }
            if let Some(folder) = start.parent().filter(|folder| folder.is_dir()) {
                dialog = dialog.set_directory(folder);
            }
            if wish.purpose == Purpose::Save
                && let Some(name) = start.file_name()
            {
                dialog = dialog.set_file_name(name.to_string_lossy());
            }
            let handle = match wish.purpose {
                Purpose::Open => pollster::block_on(dialog.pick_file()),
                Purpose::Save => pollster::block_on(dialog.save_file()),
                Purpose::Folder => pollster::block_on(dialog.pick_folder()),
            };
            // The dialog may be gone by now; then nobody waits for the path.
            sender.send(handle.map(|handle| handle.path().to_owned())).ok();
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("file dialog".to_owned()).spawn(work) {
            Ok(_) => self.pending = Some(receiver),
            Err(error) => {
                log::warn!("the file dialog could not be opened: {error}");
                self.cancelled = true;
            }
        }
    }
}

/// A dialog over the window, with room around its words.
pub fn modal(ui: &Ui, name: &str) -> Modal {
    Modal::new(Id::unique(name)).frame(egui::Frame::window(ui.style()).inner_margin(egui::Margin::same(18)))
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// Away with it.
    Cancel,
    /// This path.
    Path(PathBuf),
}

/// A dialog that asks for one path.
#[derive(Debug)]
pub struct PathDialog {
    field: PathField,
    button: &'static str,
    /// What went wrong with the path before.
    pub error: Option<String>,
}

impl PathDialog {
    /// A dialog with `text` in its field; `button` is the word on the button that accepts.
    pub fn new(wish: Wish, button: &'static str, text: String) -> Self {
        let field = PathField { focus: true, ..PathField::new(wish, text) };
        Self { field, button, error: None }
    }

    /// Draws the dialog.
    pub fn ui(&mut self, ui: &Ui, theme: &Theme) -> Answer {
        let mut answer = Answer::Open;
        let modal = modal(ui, "path dialog").show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.label(RichText::new(self.field.wish.title).font(semibold(15.0)));
            ui.add_space(4.0);
            let entered = self.field.ui(ui, theme, "Path");
            let path = self.field.path();
            if self.field.wish.purpose == Purpose::Save && path.exists() {
                ui.label(RichText::new("This file exists and will be replaced.").small().color(theme.warning));
            }
            if let Some(error) = &self.error {
                ui.label(RichText::new(error).font(egui::FontId::monospace(12.0)).color(theme.error));
            }
            ui.add_space(6.0);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let text = RichText::new(self.button).color(theme.accent_text);
                let accept = egui::Button::new(text).fill(theme.accent_fill).min_size(vec2(80.0, 28.0));
                let accepted = ui.add_enabled(!self.field.text.trim().is_empty(), accept).clicked();
                if (accepted || entered) && !self.field.text.trim().is_empty() {
                    answer = Answer::Path(path);
                }
                if ui.button("Cancel").clicked() {
                    answer = Answer::Cancel;
                }
            });
        });
        if modal.should_close() {
            answer = Answer::Cancel;
        }
        answer
    }
}

/// What to do with unsaved work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Open,
    /// Save it, then go on.
    Save,
    /// Let it go.
    Discard,
    /// Do not go on.
    Cancel,
}

/// Asks before unsaved work is discarded.
pub fn unsaved_ui(ui: &Ui, theme: &Theme, title: &str, discard: &str) -> Verdict {
    let mut verdict = Verdict::Open;
    let modal = modal(ui, "unsaved").show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.label(RichText::new("Unsaved changes").font(semibold(15.0)));
        ui.label(format!("“{title}” has changes that no file holds."));
        ui.add_space(8.0);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let text = RichText::new("Save…").color(theme.accent_text);
            if ui.add(egui::Button::new(text).fill(theme.accent_fill)).clicked() {
                verdict = Verdict::Save;
            }
            if ui.button(discard).clicked() {
                verdict = Verdict::Discard;
            }
            if ui.button("Cancel").clicked() {
                verdict = Verdict::Cancel;
            }
        });
    });
    if modal.should_close() {
        verdict = Verdict::Cancel;
    }
    verdict
}

/// A file name from a title: "Forgetting on split digits" -> "forgetting-on-split-digits".
pub fn file_stem(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let stem = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    if stem.is_empty() { "experiment".to_owned() } else { stem }
}

/// Where a person most likely wants files: beside the open one, else in the home folder, else here.
pub fn beside(open: Option<&Path>, name: &str) -> String {
    let folder = open.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    let home = || std::env::home_dir().filter(|home| home.is_dir());
    folder.or_else(home).unwrap_or_default().join(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_stem("Forgetting: split digits (5 × 2)"), "forgetting-split-digits-5-2");
        assert_eq!(file_stem(" … "), "experiment");
        assert_eq!(beside(Some(Path::new("/a/b.ron")), "c.svg"), "/a/c.svg");
    }
}
