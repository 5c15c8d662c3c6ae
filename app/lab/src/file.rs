//! Experiment files: reading with errors that name the place and the fix, and writing that never leaves half a file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mnemoscope_core::nearest;
use ron::error::SpannedError;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::Deserialize;
use thiserror::Error;

use crate::experiment::{Experiment, FORMAT};
use crate::migration;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The text is not an experiment. The message shows the line and names the nearest valid word.
    #[error("{name}:{line}:{column}: {message}\n{snippet}")]
    Syntax {
        /// The file or preset.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The line with a mark under the place.
        snippet: String,
    },
    /// Written by a newer program.
    #[error("{name} has format {found}, and this program reads formats up to {FORMAT}: update Mnemoscope to open it")]
    Newer {
        /// The file.
        name: String,
        /// Its format.
        found: u32,
    },
    /// An experiment that cannot be written as text.
    #[error("the experiment cannot be written: {0}")]
    Unwritable(String),
}

#[derive(Deserialize)]
struct Header {
    format: u32,
}

pub(crate) fn options() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}

/// Reads an experiment from a file.
///
/// # Errors
/// When the file cannot be read, is no experiment, or is of a newer format.
pub fn read(path: &Path) -> Result<Experiment, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::Io { path: path.to_owned(), error })?;
    parse(&text, &path.display().to_string())
}

/// Reads an experiment from text; `name` stands in the messages.
///
/// # Errors
/// When the text is no experiment, or is of a newer format.
pub fn parse(text: &str, name: &str) -> Result<Experiment, FileError> {
    let header: Header = options().from_str(text).map_err(|error| syntax(text, name, &error))?;
    if header.format > FORMAT {
        return Err(FileError::Newer { name: name.to_owned(), found: header.format });
    }
    if header.format >= 2 {
        return options().from_str(text).map_err(|error| syntax(text, name, &error));
    }
    let memory = migration::memory(text).map_err(|error| syntax(text, name, &error))?;
    let text = migration::without_memory(text);
    let read: Experiment = options().from_str(&text).map_err(|error| syntax(&text, name, &error))?;
    Ok(Experiment { format: FORMAT, memory, ..read })
}

/// The experiment as a file holds it.
///
/// # Errors
/// When a value has no text form.
pub fn to_text(experiment: &Experiment) -> Result<String, FileError> {
    let pretty = PrettyConfig::new().extensions(Extensions::IMPLICIT_SOME).depth_limit(3).compact_arrays(true);
    let mut text =
        options().to_string_pretty(experiment, pretty).map_err(|error| FileError::Unwritable(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// Writes an experiment.
///
/// # Errors
/// When the folder does not exist or cannot be written to.
pub fn write(experiment: &Experiment, path: &Path) -> Result<(), FileError> {
    write_bytes(path, to_text(experiment)?.as_bytes())
}

/// Writes a file under a temporary name and renames it, so that a crash leaves the old file or the new one.
///
/// # Errors
/// When the folder does not exist or cannot be written to.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error: std::io::Error| FileError::Io { path: path.to_owned(), error };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".mnemoscope-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    // Temporary files are private; a result is as readable as any other file of its folder.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(failed)?;
    }
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn syntax(text: &str, name: &str, error: &SpannedError) -> FileError {
    let place = error.span.start;
    let (line, column) = (place.line, place.col);
    let mut snippet = String::new();
    if let Some(source) = text.lines().nth(line.saturating_sub(1)) {
        let margin = line.to_string().len();
        let pad: String =
            source.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { c } else { ' ' }).collect();
        // Writing to a String cannot fail.
        let _ = write!(snippet, "{line} | {source}\n{:margin$} | {pad}^", "");
    }
    FileError::Syntax { name: name.to_owned(), line, column, message: explain(&error.code), snippet }
}

/// The parser's reason in plain words, with the nearest valid name.
fn explain(error: &ron::Error) -> String {
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => hinted("there is no field", found, expected),
        ron::Error::NoSuchEnumVariant { expected, found, .. } => hinted("there is no value", found, expected),
        ron::Error::Message(message) => message.clone(),
        other => other.to_string(),
    }
}

fn hinted(what: &str, found: &str, expected: &[&'static str]) -> String {
    match nearest(found, expected.iter().copied()) {
        Some(name) => format!("{what} \"{found}\"; did you mean \"{name}\"?"),
        None => format!("{what} \"{found}\"; there is: {}", expected.join(", ")),
    }
}
