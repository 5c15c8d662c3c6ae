//! All samples of one data set, and the registry of where they come from.

use std::fmt;
use std::ops::Range;

use mnemoscope_core::{Component, Kind, Registry};

use crate::error::DataError;
use crate::hash::Fingerprint;
use crate::points::PointSource;
use crate::{cifar, digits, folder, glyphs, idx, library, npy, points, sequence, table};

/// Where data come from.
#[derive(Debug, Clone, Copy)]
pub struct DataSources;

static KINDS: [Kind; 15] = [
    digits::KIND,
    glyphs::KIND,
    library::KIND,
    points::MOONS,
    points::RINGS,
    points::SPIRALS,
    points::BLOBS,
    points::XOR,
    sequence::KIND,
    sequence::MODULAR,
    idx::KIND,
    cifar::KIND,
    npy::KIND,
    folder::KIND,
    table::KIND,
];

impl Registry for DataSources {
    const NOUN: &'static str = "data set";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

/// The features of all samples, row by row.
#[derive(Clone, PartialEq)]
pub enum Pixels {
    /// A feature is the byte / 255.
    Bytes(Vec<u8>),
    /// Features as they are.
    Floats(Vec<f32>),
}

/// How the features of one sample lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Pixels row by row from the top left; the channels of a pixel stand together.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Values per pixel: 1 for grey, 3 for red, green and blue.
        channels: usize,
    },
    /// Two coordinates, each about -1 to 1.
    Points,
    /// That many columns without geometry.
    Table(usize),
    /// A sequence of tokens as [`mnemoscope_core::token`] lays them out. Classes are the tokens.
    Tokens {
        /// Tokens of a row, padding and all.
        length: usize,
        /// Different tokens, padding among them.
        vocabulary: usize,
    },
}

impl Shape {
    /// A grey image.
    pub const fn grey(height: usize, width: usize) -> Self {
        Self::Image { height, width, channels: 1 }
    }

    /// Features per sample.
    pub fn features(self) -> usize {
        match self {
            Self::Image { height, width, channels } => height * width * channels,
            Self::Points => 2,
            Self::Table(columns) => columns,
            Self::Tokens { length, .. } => length,
        }
    }
}

/// Labelled samples. Images and tables have features in [0, 1], point sets in about [-1, 1], tokens whole numbers and
/// halves.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    /// As shown in names of groups.
    pub name: String,
    /// How features lie.
    pub shape: Shape,
    /// Number of classes C; every label is below it.
    pub classes: usize,
    /// One name per class.
    pub class_names: Vec<String>,
    /// Features, `[samples, features]` row by row.
    pub pixels: Pixels,
    /// One label per sample.
    pub labels: Vec<u16>,
    /// Fingerprint of shape, features and labels.
    pub hash: u64,
    /// The rows of the set's own test part, if it has one: then exactly they are the test part of a stream.
    pub test_rows: Option<Range<u32>>,
    /// How the points were drawn, if they were: the `points` scenario draws more of them.
    pub points: Option<PointSource>,
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("name", &self.name)
            .field("shape", &self.shape)
            .field("samples", &self.len())
            .field("classes", &self.classes)
            .field("hash", &format_args!("{:016x}", self.hash))
            .finish_non_exhaustive()
    }
}

impl Dataset {
    /// Loads or draws the data set that the component names.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should.
    pub fn load(source: &Component<DataSources>) -> Result<Self, DataError> {
        match source.name() {
            "digits" => digits::load(),
            "glyphs" => glyphs::load(source),
            "library" => library::load(source),
            "idx" => idx::load(source),
            "npy" => npy::load(source),
            "images" => folder::load(source),
            "cifar" => cifar::load(source),
            "csv" => table::load(source),
            "sequence" => sequence::load(source),
            "modular" => Ok(sequence::load_one_hot(source)),
            _ => Ok(PointSource::of(source).draw()),
        }
    }

    /// A data set from arrays. Classes are counted by their names.
    ///
    /// # Panics
    /// When the lengths do not match or a label has no name.
    pub fn new(name: String, shape: Shape, class_names: Vec<String>, pixels: Pixels, labels: Vec<u16>) -> Self {
        let values = match &pixels {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
        };
        assert_eq!(values, labels.len() * shape.features(), "one row of features per label");
        assert!(labels.iter().all(|label| usize::from(*label) < class_names.len()), "one name per label");
        let hash = fingerprint(shape, class_names.len(), &pixels, &labels);
        Self {
            name,
            shape,
            classes: class_names.len(),
            class_names,
            pixels,
            labels,
            hash,
            test_rows: None,
            points: None,
        }
    }

    /// The same data with a test part of their own.
    ///
    /// # Panics
    /// When the rows are not all there.
    pub fn with_test_rows(mut self, rows: Range<u32>) -> Self {
        assert!(rows.start <= rows.end && rows.end as usize <= self.len(), "test rows {rows:?} of {}", self.len());
        let mut hash = Fingerprint::new();
        for word in [self.hash, u64::from(rows.start), u64::from(rows.end)] {
            hash.word(word);
        }
        self.hash = hash.value();
        self.test_rows = Some(rows);
        self
    }

    /// Samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Features per sample.
    pub fn features(&self) -> usize {
        self.shape.features()
    }

    /// Writes the features of a sample, untransformed.
    ///
    /// # Panics
    /// When there is no such sample, or `out` does not hold one row.
    pub fn row_into(&self, index: usize, out: &mut [f32]) {
        let features = self.features();
        let range = index * features..(index + 1) * features;
        match &self.pixels {
            Pixels::Bytes(bytes) => {
                assert_eq!(out.len(), features, "out holds one row");
                for (out, byte) in out.iter_mut().zip(&bytes[range]) {
                    *out = f32::from(*byte) / 255.0;
                }
            }
            Pixels::Floats(floats) => out.copy_from_slice(&floats[range]),
        }
    }

    /// Samples of each class, `[C]`.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for label in &self.labels {
            counts[usize::from(*label)] += 1;
        }
        counts
    }

    /// The first `n` samples of a class, for previews.
    pub fn samples_of(&self, class: u16, n: usize) -> Vec<usize> {
        (0..self.len()).filter(|row| self.labels[*row] == class).take(n).collect()
    }
}

fn fingerprint(shape: Shape, classes: usize, pixels: &Pixels, labels: &[u16]) -> u64 {
    let mut hash = Fingerprint::new();
    // The kind of a grey image is 0; colour adds its channels.
    let (kind, a, b) = match shape {
        Shape::Image { height, width, channels: 1 } => (0, height, width),
        Shape::Image { height, width, channels } => (0x100 + channels, height, width),
        Shape::Points => (1, 2, 1),
        Shape::Table(columns) => (2, columns, 1),
        Shape::Tokens { length, vocabulary } => (3, length, vocabulary),
    };
    for word in [kind, a, b, classes] {
        hash.word(word as u64);
    }
    match pixels {
        Pixels::Bytes(bytes) => hash.bytes(bytes),
        Pixels::Floats(floats) => hash.floats(floats),
    }
    for label in labels {
        hash.word(u64::from(*label));
    }
    hash.value()
}

/// "0", "1", ... as class names.
pub(crate) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny(pixels: Pixels) -> Dataset {
        Dataset::new("tiny".into(), Shape::grey(1, 2), numbered(3), pixels, vec![0, 2, 0])
    }

    #[test]
    fn bytes_are_shares_of_255_and_floats_are_themselves() {
        let mut row = [0.0; 2];
        tiny(Pixels::Bytes(vec![0, 255, 51, 102, 0, 0])).row_into(1, &mut row);
        assert_eq!(row, [0.2, 0.4]);
        tiny(Pixels::Floats(vec![0.0, 0.0, -1.0, 0.5, 0.0, 0.0])).row_into(1, &mut row);
        assert_eq!(row, [-1.0, 0.5]);
    }

    #[test]
    fn counts_previews_and_hash() {
        let data = tiny(Pixels::Bytes(vec![0; 6]));
        assert_eq!(data.class_counts(), [2, 0, 1]);
        assert_eq!(data.samples_of(0, 5), [0, 2]);
        assert_eq!(data.samples_of(0, 1), [0]);
        assert_eq!(data.samples_of(1, 5), [0; 0]);
        assert_eq!(data.hash, tiny(Pixels::Bytes(vec![0; 6])).hash);
        assert_ne!(data.hash, tiny(Pixels::Bytes(vec![0, 0, 0, 0, 0, 1])).hash);
    }

    #[test]
    fn every_source_has_a_meaning_and_defaults_in_range() {
        for kind in DataSources::kinds() {
            assert!(!kind.meaning.is_empty() && !kind.source.is_empty(), "{}", kind.name);
            for knob in kind.knobs {
                assert!(!knob.meaning.is_empty(), "{}.{}", kind.name, knob.name);
                knob.check(&knob.default()).unwrap();
            }
        }
    }
}
