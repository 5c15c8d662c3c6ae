//! Settings that name files and folders.

use std::path::{Path, PathBuf};

use mnemoscope_core::{Component, Kind, Knob};

use crate::dataset::DataSources;
use crate::error::DataError;

/// What the text of a knob names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRole {
    /// A file that must be given.
    File,
    /// A file that may be left out.
    OptionalFile,
    /// A folder that must be given.
    Folder,
}

impl PathRole {
    /// Whether there are no data without it.
    pub fn is_required(self) -> bool {
        self != Self::OptionalFile
    }
}

/// What a knob of a data source names, if it names something on disk.
pub fn path_role(kind: &Kind, knob: &Knob) -> Option<PathRole> {
    Some(match (kind.name, knob.name) {
        ("idx", "images" | "labels") | ("csv" | "npy", "path") => PathRole::File,
        ("idx", "test_images" | "test_labels") | ("npy", "labels") => PathRole::OptionalFile,
        ("cifar" | "images", "path") => PathRole::Folder,
        _ => return None,
    })
}

/// The path that a knob must name.
pub(crate) fn required(source: &Component<DataSources>, knob: &'static str) -> Result<PathBuf, DataError> {
    optional(source, knob).ok_or(DataError::NoPath { source_name: source.kind().name, knob })
}

/// The path that a knob may name.
pub(crate) fn optional(source: &Component<DataSources>, knob: &'static str) -> Option<PathBuf> {
    Some(source.text(knob)).filter(|text| !text.is_empty()).map(PathBuf::from)
}

/// A name for the data in a file or folder: its own, without its ending.
pub(crate) fn stem(path: &Path, otherwise: &str) -> String {
    path.file_stem().map_or_else(|| otherwise.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::{Domain, Registry as _};

    #[test]
    fn every_text_names_a_path_or_an_array_or_column() {
        for kind in DataSources::kinds() {
            for knob in kind.knobs.iter().filter(|knob| matches!(knob.domain, Domain::Text { .. })) {
                let inside = knob.name.ends_with("_name") || knob.name.ends_with("_column");
                assert!(path_role(kind, knob).is_some() != inside, "{}.{}", kind.name, knob.name);
            }
        }
    }
}
