//! Finding the experiment that a person names, and changing it as they ask.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;
use mnemoscope_core::nearest;
use mnemoscope_lab::{Experiment, file, path, presets};

use crate::args::Cli;

/// An experiment and where it comes from.
#[derive(Debug)]
pub struct Found {
    /// The experiment.
    pub experiment: Experiment,
    /// For naming a folder: the preset's name, or the file's without its extension.
    pub name: String,
    /// The file, where it is one.
    pub path: Option<PathBuf>,
}

/// The experiment called `word`: a file if there is one, else a preset.
///
/// # Errors
/// When there is neither, or the file is no experiment.
pub fn find(word: &str) -> anyhow::Result<Found> {
    let given = Path::new(word);
    if !given.is_file() {
        let name = word.strip_suffix(".ron").unwrap_or(word);
        if let Some(experiment) = presets::load(name) {
            return Ok(Found { experiment: experiment?, name: name.to_owned(), path: None });
        }
        bail!(unknown(word, name));
    }
    let experiment = file::read(given)?;
    let name = given.file_stem().map_or_else(|| "experiment".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Found { experiment, name, path: Some(given.to_owned()) })
}

fn unknown(word: &str, name: &str) -> String {
    let cli = Cli::command();
    let commands = cli.get_subcommands().map(clap::Command::get_name);
    let names = presets::all().iter().map(|preset| preset.name);
    let help = nearest(name, names.chain(commands)).map_or_else(
        || "mnemoscope list presets shows the presets".to_owned(),
        |hint| format!("did you mean \"{hint}\"?"),
    );
    format!("there is no file or preset \"{word}\"; {help}")
}

/// Sets what `--set PATH=VALUE` asks for.
///
/// # Errors
/// When there is no `=`, no such setting, or the value lies outside its range.
pub fn set(experiment: &mut Experiment, settings: &[String]) -> anyhow::Result<()> {
    for setting in settings {
        let (path, value) = setting
            .split_once('=')
            .with_context(|| format!("--set {setting}: write PATH=VALUE, such as optimiser.rate=0.1"))?;
        path::set(experiment, path.trim(), value.trim()).context("--set")?;
    }
    Ok(())
}

/// A folder for results: as asked for, or the first free one of `out/NAME`, `out/NAME-2`, ...
pub fn folder(asked: Option<&Path>, name: &str) -> PathBuf {
    if let Some(folder) = asked {
        return folder.to_owned();
    }
    let mut folder = Path::new("out").join(name);
    let mut number = 1;
    while folder.exists() {
        number += 1;
        folder = Path::new("out").join(format!("{name}-{number}"));
    }
    folder
}
