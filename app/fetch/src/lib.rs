//! Fetches the data sets of the catalogue, once, into the lab's data folder.
//!
//! A file is written beside its place as NAME.part. A download that was cut goes on from there with an HTTP range
//! request; the whole is then verified by its SHA-256, and only then takes its name. So a file that is there is whole.
//! Archives are unpacked into a folder of their own, which takes its place when it is complete.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod download;
mod error;
mod unpack;

use std::path::Path;

use mnemoscope_stream::{LibraryFile, LibraryForm, LibrarySet};

pub use error::FetchError;

/// What happens while a set is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The file is there already, whole.
    Present(&'a LibraryFile),
    /// A file begins; so many of its bytes are there from an earlier try.
    Begin(&'a LibraryFile, u64),
    /// So many bytes of the file are there now.
    Bytes(u64),
    /// A try did not work, and why; another one follows.
    Failed(&'a str),
    /// The file has the sum that the catalogue says.
    Verified(&'a LibraryFile),
    /// The catalogue has no sum for the file; this is what it has.
    Unverified(&'a LibraryFile, &'a str),
    /// The archive is being unpacked.
    Unpack(&'a LibraryFile),
}

/// Fetches what is missing of a set into its folder inside `data`.
///
/// # Errors
/// When no address can be reached, a server refuses, a sum is wrong, or the disk does not take the files. What was
/// received so far stays and is gone on with at the next try, unless its sum was wrong.
pub fn get(set: &LibrarySet, data: &Path, report: &mut dyn FnMut(Event<'_>)) -> Result<(), FetchError> {
    let folder = set.folder(data);
    std::fs::create_dir_all(&folder).map_err(|error| FetchError::Disk { path: folder.clone(), error })?;
    for file in &set.files {
        let unpacked = match &set.form {
            LibraryForm::Cifar { folder: inner } if file.archive => Some(folder.join(inner)),
            _ => None,
        };
        if unpacked.as_ref().is_some_and(|inner| inner.is_dir()) {
            report(Event::Present(file));
            continue;
        }
        let path = download::download(set, file, &folder, report)?;
        if file.archive {
            report(Event::Unpack(file));
            unpack::unpack(&path, &folder)?;
            std::fs::remove_file(&path).map_err(|error| FetchError::Disk { path, error })?;
        }
    }
    Ok(())
}
