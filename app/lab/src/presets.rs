//! The experiments that come with the program.

use crate::experiment::Experiment;
use crate::file::{self, FileError};

/// A preset as embedded.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name, as in `presets/NAME.ron`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../../../presets/", $name, ".ron")) }),*]
    };
}

static PRESETS: &[Preset] = presets![
    "forgetting-split-digits",
    "replay-split-digits",
    "ewc-permuted-digits",
    "stability-gap-rotated-digits",
    "two-moons-then-rings",
    "glyphs-fifty-classes",
    "hebbian-capacity",
];

/// All presets, in the order in which the window shows them.
pub fn all() -> &'static [Preset] {
    PRESETS
}

/// The experiment of the preset called `name`, if there is one.
///
/// # Errors
/// When the embedded text is no experiment, which a test excludes.
pub fn load(name: &str) -> Option<Result<Experiment, FileError>> {
    let preset = PRESETS.iter().find(|preset| preset.name == name)?;
    Some(file::parse(preset.text, &format!("preset {name}")))
}
