//! What is kept between two starts of the window.

use std::path::PathBuf;

use mnemoscope_figure::Preference;
use mnemoscope_lab::{Experiment, file};
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::tiles::Tiles;

/// Under this name in eframe's storage. Another number begins afresh after a change that cannot be read.
const KEY: &str = "mnemoscope-1";

/// How a person likes the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Light, dark, or as the system has it.
    pub theme: Preference,
    /// Size of everything; 1 is the system's own.
    pub scale: f32,
    /// Leave one core free for drawing while the window is open. Takes effect at the next start.
    pub spare_core: bool,
    /// The composer is shown.
    pub composer: bool,
    /// The timeline is shown.
    pub timeline: bool,
    /// Reference lines are shown in accuracy plots.
    pub references: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Preference::Dark,
            scale: 1.0,
            spare_core: true,
            composer: true,
            timeline: true,
            references: false,
        }
    }
}

/// Steps of the UI scale.
pub const SCALES: [f32; 9] = [0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 2.0, 2.5];

/// The scale for a first start in a window of so many pixels: 1, and more where a large screen would make text tiny.
pub fn fitting_scale(pixels: egui::Vec2) -> f32 {
    // The layout was drawn for 1440 x 900; a tenth is left for the plots to gain from the larger window.
    let room = (pixels.x / 1440.0).min(pixels.y / 900.0) * 0.9;
    if room < 1.3 { 1.0 } else { SCALES.into_iter().rfind(|scale| *scale <= room).unwrap_or(1.0) }
}

impl Settings {
    /// The next larger (`up`) or smaller size.
    pub fn rescale(&mut self, up: bool) {
        let next = if up {
            SCALES.into_iter().find(|scale| *scale > self.scale + 0.01)
        } else {
            SCALES.into_iter().rev().find(|scale| *scale < self.scale - 0.01)
        };
        self.scale = next.unwrap_or(self.scale);
    }
}

/// Everything that is kept. Experiments stand as their file's text, so that a change of the program's types cannot make
/// the rest unreadable.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    settings: Settings,
    tiles: Tiles,
    experiment: String,
    saved: String,
    path: Option<PathBuf>,
}

impl Kept {
    /// What the last start left, if it left anything.
    pub fn read(storage: &dyn eframe::Storage) -> Option<Self> {
        eframe::get_value(storage, KEY)
    }

    /// Leaves everything for the next start.
    pub fn write(storage: &mut dyn eframe::Storage, settings: &Settings, tiles: &Tiles, document: &Document) {
        let text = |experiment: &Experiment| {
            file::to_text(experiment).unwrap_or_else(|error| {
                log::error!("the open experiment could not be kept: {error}");
                String::new()
            })
        };
        let kept = KeptRef {
            settings,
            tiles,
            experiment: text(&document.experiment),
            saved: text(document.saved()),
            path: document.path().map(std::path::Path::to_owned),
        };
        eframe::set_value(storage, KEY, &kept);
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The open experiment, unless an older or newer program left it in a form that this one does not read.
    pub fn document(&self) -> Option<Document> {
        let read = |text: &str| {
            file::parse(text, "the experiment of the last start").map_err(|error| log::warn!("{error}")).ok()
        };
        let experiment = read(&self.experiment)?;
        let saved = read(&self.saved).unwrap_or_else(|| experiment.clone());
        Some(Document::restored(experiment, saved, self.path.clone()))
    }

    /// The layout of the plots.
    pub fn into_tiles(self) -> Tiles {
        self.tiles
    }
}

#[derive(Serialize)]
struct KeptRef<'a> {
    settings: &'a Settings,
    tiles: &'a Tiles,
    experiment: String,
    saved: String,
    path: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Memory(HashMap<String, String>);

    impl eframe::Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }
        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }
        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }
        fn flush(&mut self) {}
    }

    #[test]
    fn the_open_experiment_and_the_settings_come_back() {
        let mut storage = Memory::default();
        assert!(Kept::read(&storage).is_none());
        let mut document = Document::new(Experiment::default(), Some("mine.ron".into()));
        document.experiment.seed = 11;
        let settings = Settings { scale: 1.5, ..Settings::default() };
        Kept::write(&mut storage, &settings, &Tiles::default(), &document);
        let kept = Kept::read(&storage).unwrap();
        assert_eq!(kept.settings(), &settings);
        let again = kept.document().unwrap();
        assert_eq!(again.experiment, document.experiment);
        assert!(again.dirty());
        assert_eq!(again.path(), document.path());
    }

    #[test]
    fn an_unreadable_experiment_leaves_the_settings() {
        let mut storage = Memory::default();
        let settings = Settings { spare_core: false, ..Settings::default() };
        Kept::write(&mut storage, &settings, &Tiles::default(), &Document::new(Experiment::default(), None));
        let text = storage.0.values_mut().next().unwrap();
        *text = text.replace("format:", "fromat:");
        let kept = Kept::read(&storage).unwrap();
        assert!(kept.document().is_none());
        assert!(!kept.settings().spare_core);
    }

    #[test]
    fn a_large_window_starts_larger() {
        let scale = |x: f32, y: f32| fitting_scale(egui::vec2(x, y));
        assert_eq!([scale(1280.0, 800.0), scale(1920.0, 1080.0), scale(1000.0, 640.0)], [1.0; 3]);
        assert_eq!([scale(2560.0, 1440.0), scale(3840.0, 2160.0)], [1.3, 2.0]);
    }

    #[test]
    fn scales_step_up_and_down_and_stop() {
        let mut settings = Settings::default();
        settings.rescale(true);
        assert_eq!(settings.scale, 1.15);
        for _ in 0..20 {
            settings.rescale(false);
        }
        assert_eq!(settings.scale, SCALES[0]);
    }
}
