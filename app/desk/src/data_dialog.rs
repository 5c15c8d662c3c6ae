//! The dialog that shows the data before a run: where they come from, how many samples of each class, how they look.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use egui::{Color32, ColorImage, Rect, RichText, ScrollArea, Sense, TextureHandle, TextureOptions, Ui, pos2, vec2};
use mnemoscope_core::{Component, Setting};
use mnemoscope_figure::{Theme, medium, semibold};
use mnemoscope_stream::{DataSources, Dataset, PathRole, Shape, catalogue, data_folder, path_role};

use crate::composer::knob;
use crate::dialogs::{PathField, Purpose, Wish, modal};
use crate::number;
use crate::thumbnail::thumbnail;
use crate::tokens;

/// Classes that have a row; the glyphs have more than a thousand.
const CLASSES: usize = 200;
/// Samples shown of each class.
const SAMPLES: usize = 12;
/// Points drawn of each class of a point set.
const POINTS: usize = 400;
/// Height of a row of samples.
const ROW: f32 = 34.0;

/// What a person decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Nothing yet.
    Open,
    /// Everything stays.
    Cancel,
    /// The experiment uses these data.
    Use(Component<DataSources>),
}

/// The dialog.
pub struct DataDialog {
    source: Component<DataSources>,
    /// A path field for every knob that names a file.
    files: Vec<(&'static str, PathField)>,
    loading: Option<Loading>,
    shown: Option<(Component<DataSources>, Result<Preview, String>)>,
}

/// Data that are being read, and where they will come out.
type Loading = (Component<DataSources>, Receiver<Result<Dataset, String>>);

/// Loaded data with the pictures of its samples.
struct Preview {
    data: Arc<Dataset>,
    counts: Vec<usize>,
    /// One strip of samples per class, made when it is first drawn; remade when the theme changes.
    strips: Vec<TextureHandle>,
    dark: bool,
}

impl DataDialog {
    /// A dialog that begins with the experiment's data.
    pub fn new(source: Component<DataSources>) -> Self {
        let files = files_of(&source);
        Self { source, files, loading: None, shown: None }
    }

    /// Draws the dialog.
    pub fn ui(&mut self, ui: &Ui, theme: &Theme) -> Choice {
        self.poll(ui.ctx());
        let mut choice = Choice::Open;
        let size = ui.ctx().content_rect().size();
        let modal = modal(ui, "data dialog").show(ui.ctx(), |ui| {
            ui.set_width((size.x - 80.0).min(760.0));
            ui.label(RichText::new("The data").font(semibold(15.0)));
            let before = self.source.name();
            ui.add_space(2.0);
            kind_row(ui, &mut self.source);
            if self.source.name() != before {
                self.files = files_of(&self.source);
            }
            self.knobs_ui(ui, theme);
            if self.source.name() == "library" && library_ui(ui, theme) {
                self.shown = None;
            }
            ui.separator();
            let height = (size.y - 360.0).clamp(140.0, 460.0);
            ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]).show(
                ui,
                |ui| {
                    self.preview_ui(ui, theme);
                },
            );
            ui.add_space(6.0);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let loaded = matches!(&self.shown, Some((source, Ok(_))) if *source == self.source);
                let text = RichText::new("Use these data").color(theme.accent_text);
                let accept = egui::Button::new(text).fill(theme.accent_fill).min_size(vec2(110.0, 28.0));
                if ui.add_enabled(loaded, accept).clicked() {
                    choice = Choice::Use(self.source.clone());
                }
                if ui.button("Cancel").clicked() {
                    choice = Choice::Cancel;
                }
            });
        });
        if modal.should_close() {
            choice = Choice::Cancel;
        }
        self.load(ui.ctx());
        choice
    }

    fn knobs_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let settings: Vec<_> = self.source.settings().map(|(knob, setting)| (knob, setting.clone())).collect();
        let mut changes = Vec::new();
        for (declared, setting) in settings {
            if let Some((_, field)) = self.files.iter_mut().find(|(name, _)| *name == declared.name) {
                let label = ui.label(RichText::new(knob::label(declared)).size(12.0));
                label.on_hover_ui(|ui| knob::tooltip(ui, theme, declared));
                field.ui(ui, theme, declared.label);
                changes.push((declared.name, Setting::Text(field.text.trim().to_owned())));
            } else if let Some(new) = knob::ui(ui, theme, "The data", declared, &setting) {
                changes.push((declared.name, new));
            }
        }
        for (name, setting) in changes {
            if let Err(error) = self.source.set(name, setting) {
                log::warn!("{error}");
            }
        }
    }

    fn preview_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        if self.loading.is_some() {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Reading the data…").color(theme.text_dim));
            });
            return;
        }
        match &mut self.shown {
            None => {
                let text = "Samples of every class appear here once a file is chosen.";
                ui.label(RichText::new(text).color(theme.text_dim));
            }
            Some((_, Err(error))) => {
                ui.label(RichText::new(error.as_str()).color(theme.error));
            }
            Some((_, Ok(preview))) => preview.ui(ui, theme),
        }
    }

    /// Whether there is enough to load: every file that must be given has a path.
    fn complete(&self) -> bool {
        let kind = self.source.kind();
        kind.knobs
            .iter()
            .filter(|knob| path_role(kind, knob).is_some_and(PathRole::is_required))
            .all(|knob| !self.source.text(knob.name).is_empty())
    }

    /// Reads the data on a thread of its own when the source changed and nobody is in the middle of a change.
    fn load(&mut self, ctx: &egui::Context) {
        let known = self.loading.as_ref().map(|(source, _)| source).or(self.shown.as_ref().map(|(source, _)| source));
        let busy = ctx.input(|input| input.pointer.any_down()) || ctx.egui_wants_keyboard_input();
        if known == Some(&self.source) || busy || self.loading.is_some() {
            return;
        }
        if !self.complete() {
            self.shown = None;
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let (source, ctx) = (self.source.clone(), ctx.clone());
        let work = move || {
            let result = Dataset::load(&source).map_err(|error| error.to_string());
            // The dialog may be closed by now.
            sender.send(result).ok();
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("data preview".to_owned()).spawn(work) {
            Ok(_) => self.loading = Some((self.source.clone(), receiver)),
            Err(error) => self.shown = Some((self.source.clone(), Err(format!("the data could not be read: {error}")))),
        }
    }

    fn poll(&mut self, ctx: &egui::Context) {
        let Some((source, receiver)) = &self.loading else { return };
        let result = match receiver.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Err("reading the data stopped without an answer; try again".to_owned()),
        };
        let preview = result.map(|data| Preview {
            counts: data.class_counts(),
            data: Arc::new(data),
            strips: Vec::new(),
            dark: Theme::of(ctx).dark,
        });
        self.shown = Some((source.clone(), preview));
        self.loading = None;
    }
}

impl Preview {
    fn ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let data = &self.data;
        let form = match data.shape {
            Shape::Image { height, width, channels: 1 } => format!("{height} × {width} pixels"),
            Shape::Image { height, width, channels } => format!("{height} × {width} pixels of {channels} channels"),
            Shape::Points => "points of the plane".to_owned(),
            Shape::Table(columns) => format!("{columns} columns"),
            Shape::Tokens { length, vocabulary } => format!("{length} tokens of {vocabulary}"),
        };
        let samples = number::grouped(data.len() as f64);
        let text = format!("{}: {samples} samples, {} classes, {form}", data.name, data.classes);
        ui.label(RichText::new(text).font(medium(13.0)));
        match data.shape {
            Shape::Image { height, width, .. } => {
                if self.strips.is_empty() || self.dark != theme.dark {
                    self.strips = strips(ui, theme, data, height, width);
                    self.dark = theme.dark;
                }
                for class in 0..data.classes.min(CLASSES) {
                    class_row(ui, theme, &data.class_names[class], self.counts[class], &self.counts, |ui| {
                        if let Some(strip) = self.strips.get(class) {
                            let size = strip.size_vec2() * (ROW / strip.size_vec2().y);
                            ui.image((strip.id(), size));
                        }
                    });
                }
            }
            Shape::Points => {
                points_ui(ui, theme, data);
                for class in 0..data.classes.min(CLASSES) {
                    class_row(ui, theme, &data.class_names[class], self.counts[class], &self.counts, |_| {});
                }
            }
            Shape::Tokens { .. } => {
                ScrollArea::horizontal().show(ui, |ui| {
                    for sample in 0..data.len().min(SAMPLES) {
                        tokens::strip(ui, theme, data, sample);
                    }
                });
            }
            Shape::Table(_) => {
                for class in 0..data.classes.min(CLASSES) {
                    class_row(ui, theme, &data.class_names[class], self.counts[class], &self.counts, |_| {});
                }
            }
        }
        let has_rows = !matches!(data.shape, Shape::Tokens { .. });
        if has_rows && data.classes > CLASSES {
            let text = format!("and {} classes more", data.classes - CLASSES);
            ui.label(RichText::new(text).size(12.0).color(theme.text_dim));
        }
    }
}

/// What can be fetched, what of it is there, and the command that fetches the rest; answers whether to look again.
fn library_ui(ui: &mut Ui, theme: &Theme) -> bool {
    let Some(folder) = data_folder() else {
        let text = "There is no home folder to keep data in. Set MNEMOSCOPE_DATA to a folder and start again.";
        ui.label(RichText::new(text).size(12.0).color(theme.text_dim));
        return false;
    };
    let line = |ui: &mut Ui, text: &str, color| {
        ui.label(RichText::new(text).size(12.0).color(color));
    };
    egui::Grid::new("library").num_columns(3).spacing(vec2(14.0, 2.0)).show(ui, |ui| {
        for set in catalogue() {
            let present = set.is_present(&folder);
            line(ui, &set.title, if present { theme.text } else { theme.text_dim });
            line(ui, if present { "present" } else { "absent" }, theme.text_dim);
            if present {
                line(ui, &set.about, theme.text_dim);
            } else {
                let command = format!("mnemoscope data get {}", set.name);
                ui.label(RichText::new(command).monospace().size(12.0).color(theme.text));
            }
            ui.end_row();
        }
    });
    line(ui, &format!("Kept in {}.", folder.display()), theme.text_dim);
    ui.small_button("Look again").on_hover_text("After a data set was fetched in a terminal").clicked()
}

/// Name, count and a bar in proportion to the largest class.
fn class_row(ui: &mut Ui, theme: &Theme, name: &str, count: usize, counts: &[usize], more: impl FnOnce(&mut Ui)) {
    let largest = counts.iter().copied().max().unwrap_or(1).max(1);
    ui.horizontal(|ui| {
        let cell = |ui: &mut Ui, width: f32, text: &str, color| {
            let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
            let painter = ui.painter().with_clip_rect(rect);
            painter.text(rect.left_center(), egui::Align2::LEFT_CENTER, text, egui::FontId::proportional(12.5), color);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
        };
        cell(ui, 70.0, name, theme.text.into());
        cell(ui, 54.0, &number::grouped(count as f64), theme.text_dim.into());
        let (rect, _) = ui.allocate_exact_size(vec2(80.0, 6.0), Sense::hover());
        ui.painter().rect_filled(rect, 3.0, theme.raised);
        let full = Rect::from_min_size(rect.min, vec2(80.0 * count as f32 / largest as f32, 6.0));
        ui.painter().rect_filled(full, 3.0, theme.accent);
        ui.add_space(6.0);
        more(ui);
    });
}

/// One texture per class: its first samples side by side.
fn strips(ui: &Ui, theme: &Theme, data: &Dataset, height: usize, width: usize) -> Vec<TextureHandle> {
    (0..data.classes.min(CLASSES))
        .map(|class| {
            let samples = data.samples_of(class as u16, SAMPLES);
            let stride = width + 1;
            let wide = (samples.len() * stride).max(1);
            let mut image = ColorImage::filled([wide, height], Color32::TRANSPARENT);
            for (place, sample) in samples.into_iter().enumerate() {
                let picture = thumbnail(data, sample, theme).unwrap_or_default();
                for (index, pixel) in picture.pixels.into_iter().enumerate() {
                    let (y, x) = (index / width, index % width);
                    image.pixels[y * wide + place * stride + x] = pixel;
                }
            }
            ui.ctx().load_texture(format!("class {class}"), image, TextureOptions::NEAREST)
        })
        .collect()
}

fn points_ui(ui: &mut Ui, theme: &Theme, data: &Dataset) {
    let side = ui.available_width().min(260.0);
    let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    ui.painter().rect_filled(rect, 6.0, theme.sunken);
    let mut row = vec![0.0; data.features()];
    let inside = ui.painter().with_clip_rect(rect);
    for class in 0..data.classes {
        for sample in data.samples_of(class as u16, POINTS) {
            data.row_into(sample, &mut row);
            // Coordinates are about -1 to 1; a little room shows what lies beyond.
            let at = |value: f32| 0.5 + value / 2.6;
            let point = pos2(rect.left() + side * at(row[0]), rect.bottom() - side * at(row[1]));
            inside.circle_filled(point, 2.0, theme.class(class).fade(0.8));
        }
    }
}

fn kind_row(ui: &mut Ui, source: &mut Component<DataSources>) {
    use mnemoscope_core::Registry as _;
    let kind = source.kind();
    let mut picked = None;
    ui.horizontal_wrapped(|ui| {
        for other in DataSources::kinds() {
            let button = egui::Button::selectable(other.name == kind.name, other.label);
            if ui.add(button).on_hover_text(other.meaning).clicked() && other.name != kind.name {
                picked = Some(other);
            }
        }
    });
    if let Some(other) = picked {
        *source = Component::of(other);
    }
}

/// The knobs of a source that name files and folders.
fn files_of(source: &Component<DataSources>) -> Vec<(&'static str, PathField)> {
    source
        .settings()
        .filter_map(|(knob, _)| Some((knob, path_role(source.kind(), knob)?)))
        .map(|(knob, role)| {
            let wish = match role {
                PathRole::Folder => Wish { title: "Choose a data folder", purpose: Purpose::Folder, extension: "" },
                PathRole::File | PathRole::OptionalFile => {
                    Wish { title: "Open a data file", purpose: Purpose::Open, extension: "" }
                }
            };
            (knob.name, PathField::new(wish, source.text(knob.name).to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_path_fields_and_columns_do_not() {
        let names =
            |kind: &str| files_of(&Component::new(kind).unwrap()).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("digits"), Vec::<&str>::new());
        assert_eq!(names("idx").len(), 4);
        assert_eq!(names("cifar"), ["path"]);
        assert_eq!(names("images"), ["path"]);
        assert_eq!(names("npy"), ["path", "labels"]);
        assert_eq!(names("library"), Vec::<&str>::new());
        assert_eq!(names("csv").len(), 1);
    }
}
