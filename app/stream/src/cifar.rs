//! CIFAR-10 and CIFAR-100 in their binary version: colour images of 32x32 pixels.
//!
//! A record is a label byte (CIFAR-100: coarse, then fine label) and 3072 bytes: all red values row by row, then green,
//! then blue. A file is records and nothing else, so its length says what it is.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mnemoscope_core::{Component, Kind, Knob, Opt};

use crate::dataset::{DataSources, Dataset, Pixels, Shape, numbered};
use crate::error::DataError;
use crate::idx::LARGEST_FILE;
use crate::paths;

pub(crate) const KIND: Kind = Kind {
    name: "cifar",
    label: "CIFAR binary files",
    meaning: "Colour images of 32x32 pixels in the binary version of CIFAR-10 or CIFAR-100; the test batch is the test part.",
    source: "Krizhevsky 2009, Learning multiple layers of features from tiny images: binary version",
    knobs: &[
        Knob::text("path", "folder or file", "").meaning(
            "The folder of the binary version, such as cifar-10-batches-bin or cifar-100-binary, or one of its .bin files.",
        ),
        Knob::choice("labels", "labels of CIFAR-100", &LABELS, "fine")
            .meaning("Which of CIFAR-100's two labels is the class; CIFAR-10 has but one."),
    ],
};

static LABELS: [Opt; 2] = [
    Opt { name: "fine", label: "100 classes", meaning: "The fine labels, such as maple or bee." },
    Opt { name: "coarse", label: "20 superclasses", meaning: "The coarse labels, such as trees or insects." },
];

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;

/// Which of the two sets a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ten,
    Hundred,
}

/// Where a record has its class, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Form {
    label_bytes: usize,
    label_at: usize,
    classes: usize,
    /// The file in the folder that names the classes.
    names: &'static str,
}

impl Set {
    fn form(self, labels: &str) -> Form {
        match (self, labels) {
            (Self::Ten, _) => Form { label_bytes: 1, label_at: 0, classes: 10, names: "batches.meta.txt" },
            (Self::Hundred, "coarse") => {
                Form { label_bytes: 2, label_at: 0, classes: 20, names: "coarse_label_names.txt" }
            }
            (Self::Hundred, _) => Form { label_bytes: 2, label_at: 1, classes: 100, names: "fine_label_names.txt" },
        }
    }
}

/// Features, channels last, and labels.
#[derive(Default)]
struct Samples {
    pixels: Vec<u8>,
    labels: Vec<u16>,
}

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let path = paths::required(source, "path")?;
    let about = fs::metadata(&path).map_err(|error| DataError::Read { path: path.clone(), error })?;
    let (set, train, test) = if about.is_dir() { folder(&path)? } else { (one_file(&path)?, vec![path.clone()], None) };
    let form = set.form(source.text("labels"));
    let mut samples = Samples::default();
    for file in &train {
        samples.read(file, form)?;
    }
    let own = samples.labels.len();
    if let Some(file) = &test {
        samples.read(file, form)?;
    }
    let home = if about.is_dir() { Some(path.as_path()) } else { path.parent() };
    let names = home.and_then(|folder| class_names(&folder.join(form.names), form.classes));
    let (name, count) = (paths::stem(&path, KIND.name), samples.labels.len());
    let shape = Shape::Image { height: SIDE, width: SIDE, channels: 3 };
    let names = names.unwrap_or_else(|| numbered(form.classes));
    let data = Dataset::new(name, shape, names, Pixels::Bytes(samples.pixels), samples.labels);
    Ok(if count > own { data.with_test_rows(own as u32..count as u32) } else { data })
}

/// The set in a folder, its training files and its test file.
fn folder(path: &Path) -> Result<(Set, Vec<PathBuf>, Option<PathBuf>), DataError> {
    let there = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
    let batches: Vec<PathBuf> = (1..=5).filter_map(|batch| there(&format!("data_batch_{batch}.bin"))).collect();
    if !batches.is_empty() {
        return Ok((Set::Ten, batches, there("test_batch.bin")));
    }
    match there("train.bin") {
        Some(train) => Ok((Set::Hundred, vec![train], there("test.bin"))),
        None => Err(DataError::Unfit {
            path: path.to_owned(),
            problem: "holds neither data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100); give the folder of the \
                      binary version, as unpacked from its archive"
                .to_owned(),
        }),
    }
}

/// The set of a single file, by its length: records of CIFAR-10 have 3073 bytes, those of CIFAR-100 3074.
fn one_file(path: &Path) -> Result<Set, DataError> {
    let bytes = fs::metadata(path).map_err(|error| DataError::Read { path: path.to_owned(), error })?.len();
    let whole = |label_bytes: u64| bytes > 0 && bytes.is_multiple_of(label_bytes + 3 * PIXELS as u64);
    if whole(1) {
        return Ok(Set::Ten);
    }
    if whole(2) {
        return Ok(Set::Hundred);
    }
    Err(DataError::Unfit {
        path: path.to_owned(),
        problem: format!(
            "{bytes} bytes are neither records of CIFAR-10 (3073 bytes) nor of CIFAR-100 (3074 bytes); take a .bin file \
             of the binary version, whole"
        ),
    })
}

impl Samples {
    fn read(&mut self, path: &Path, form: Form) -> Result<(), DataError> {
        let failed = |error: io::Error| DataError::Read { path: path.to_owned(), error };
        let file = File::open(path).map_err(failed)?;
        let (bytes, record) = (file.metadata().map_err(failed)?.len(), form.label_bytes + 3 * PIXELS);
        if bytes > LARGEST_FILE {
            return Err(DataError::TooLarge {
                path: path.to_owned(),
                what: "a file",
                size: bytes,
                limit: LARGEST_FILE,
            });
        }
        let mut all = Vec::new();
        file.take(bytes).read_to_end(&mut all).map_err(failed)?;
        if all.is_empty() || !all.len().is_multiple_of(record) {
            let problem = format!(
                "{} bytes are not whole records of {record} bytes; it is cut short or of another set: download or copy \
                 it again",
                all.len()
            );
            return Err(DataError::Unfit { path: path.to_owned(), problem });
        }
        for (sample, record) in all.chunks_exact(record).enumerate() {
            let label = record[form.label_at];
            if usize::from(label) >= form.classes {
                let problem = format!(
                    "sample {} has label {label}, but there are only {} classes, counted from 0; is this a file of the \
                     binary version?",
                    sample + 1,
                    form.classes
                );
                return Err(DataError::Unfit { path: path.to_owned(), problem });
            }
            self.labels.push(u16::from(label));
            let planes = &record[form.label_bytes..];
            self.pixels.extend((0..PIXELS).flat_map(|pixel| [0, 1, 2].map(|colour| planes[colour * PIXELS + pixel])));
        }
        Ok(())
    }
}

/// The names in a file of one name a line, if it is there and has as many as there are classes.
fn class_names(path: &Path, classes: usize) -> Option<Vec<String>> {
    let mut text = String::new();
    File::open(path).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    (names.len() == classes).then_some(names)
}

#[cfg(test)]
#[path = "cifar_tests.rs"]
mod tests;
