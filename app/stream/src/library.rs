//! Well-known data sets that `mnemoscope data get` puts into the lab's data folder.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use etcetera::BaseStrategy as _;
use mnemoscope_core::{Component, Kind, Knob, Opt, Setting};
use serde::Deserialize;

use crate::dataset::{DataSources, Dataset};
use crate::error::DataError;
use crate::{cifar, idx};

pub(crate) const KIND: Kind = Kind {
    name: "library",
    label: "Fetched data set",
    meaning: "A well-known data set, once `mnemoscope data get NAME` has fetched it; its test part is its own.",
    source: "assets/data/catalogue.ron",
    knobs: &[Knob::choice("name", "data set", &NAMES, "mnist").meaning("Which one.")],
};

/// The catalogue's names, for the knob; a test compares the two.
static NAMES: [Opt; 5] = [
    Opt { name: "mnist", label: "MNIST", meaning: "Handwritten digits, 28x28." },
    Opt { name: "fashion", label: "Fashion-MNIST", meaning: "Pieces of clothing, 28x28." },
    Opt { name: "kmnist", label: "KMNIST", meaning: "Cursive Japanese characters, 28x28." },
    Opt { name: "cifar10", label: "CIFAR-10", meaning: "Colour photographs, 32x32, of 10 classes." },
    Opt { name: "cifar100", label: "CIFAR-100", meaning: "Colour photographs, 32x32, of 100 classes." },
];

/// One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySet {
    /// As given to `data get` and in an experiment.
    pub name: String,
    /// As shown.
    pub title: String,
    /// Samples, size, classes.
    pub about: String,
    /// The licence of the data.
    pub licence: String,
    /// Who made it: paper, year.
    pub source: String,
    /// Where the sizes and sums were read.
    pub sums_from: String,
    /// How its files are read.
    pub form: LibraryForm,
    /// Names of the classes; empty where the files name them or numbers do.
    pub classes: Vec<String>,
    /// What is fetched.
    pub files: Vec<LibraryFile>,
}

/// How the files of a set are read. Paths are relative to the set's folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum LibraryForm {
    /// Four IDX files.
    Idx {
        /// Training images.
        images: String,
        /// Training labels.
        labels: String,
        /// Test images.
        test_images: String,
        /// Test labels.
        test_labels: String,
    },
    /// A folder of CIFAR's binary version.
    Cifar {
        /// Its name.
        folder: String,
    },
}

/// A file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibraryFile {
    /// As it is called in the set's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal; without one the file cannot be verified.
    pub sha256: Option<String>,
    /// Where it is, tried in this order.
    pub urls: Vec<String>,
    /// Whether it is a .tar.gz that is unpacked into the set's folder.
    #[serde(default)]
    pub archive: bool,
}

static TEXT: &str = include_str!("../../../assets/data/catalogue.ron");

static CATALOGUE: LazyLock<Vec<LibrarySet>> = LazyLock::new(|| {
    ron::from_str(TEXT).unwrap_or_else(|error| unreachable!("the embedded catalogue was tested: {error}"))
});

/// Every set that can be fetched.
pub fn catalogue() -> &'static [LibrarySet] {
    &CATALOGUE
}

/// Where fetched data lie: the folder that the environment variable `MNEMOSCOPE_DATA` names, else `mnemoscope/data` in the
/// platform's folder for data of programs. Nothing where there is no home folder either.
pub fn data_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("MNEMOSCOPE_DATA").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("mnemoscope").join("data"))
}

impl LibrarySet {
    /// The set called `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        catalogue().iter().find(|set| set.name == name)
    }

    /// The set's own folder inside the data folder.
    pub fn folder(&self, data: &Path) -> PathBuf {
        data.join(&self.name)
    }

    /// Bytes to fetch in all.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether everything that is read is there.
    pub fn is_present(&self, data: &Path) -> bool {
        let folder = self.folder(data);
        match &self.form {
            LibraryForm::Idx { images, labels, test_images, test_labels } => {
                [images, labels, test_images, test_labels].iter().all(|file| folder.join(file).is_file())
            }
            LibraryForm::Cifar { folder: inner } => folder.join(inner).is_dir(),
        }
    }

    /// Reads the set from the data folder.
    ///
    /// # Errors
    /// When it was not fetched, or its files are damaged.
    pub fn load(&self, data: &Path) -> Result<Dataset, DataError> {
        let folder = self.folder(data);
        if !self.is_present(data) {
            return Err(DataError::NotFetched { name: self.name.clone(), folder });
        }
        let path = |file: &str| Setting::Text(folder.join(file).to_string_lossy().into_owned());
        let set = |kind, knobs: &[(&'static str, &String)]| {
            let mut source = Component::<DataSources>::of(kind);
            for (knob, file) in knobs {
                // The knobs are declared as texts, which take any path.
                source.set(knob, path(file)).unwrap_or_else(|error| unreachable!("{error}"));
            }
            source
        };
        let mut loaded = match &self.form {
            LibraryForm::Idx { images, labels, test_images, test_labels } => idx::load(&set(
                &idx::KIND,
                &[("images", images), ("labels", labels), ("test_images", test_images), ("test_labels", test_labels)],
            ))?,
            LibraryForm::Cifar { folder } => cifar::load(&set(&cifar::KIND, &[("path", folder)]))?,
        };
        loaded.name.clone_from(&self.name);
        if self.classes.len() == loaded.classes {
            loaded.class_names.clone_from(&self.classes);
        }
        Ok(loaded)
    }
}

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let name = source.text("name");
    match (LibrarySet::find(name), data_folder()) {
        (Some(set), Some(data)) => set.load(&data),
        (_, folder) => Err(DataError::NotFetched { name: name.to_owned(), folder: folder.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sound_and_the_knob_knows_it() {
        let names: Vec<_> = catalogue().iter().map(|set| (set.name.as_str(), set.title.as_str())).collect();
        assert_eq!(names, NAMES.iter().map(|option| (option.name, option.label)).collect::<Vec<_>>());
        for set in catalogue() {
            for text in [&set.about, &set.licence, &set.source, &set.sums_from] {
                assert!(!text.is_empty(), "{}", set.name);
            }
            for file in &set.files {
                assert!(!file.urls.is_empty() && file.bytes > 0, "{}", file.name);
                assert!(file.urls.iter().all(|url| url.starts_with("http") && url.ends_with(&file.name)));
                assert!(!file.name.contains(['/', '\\']) && !file.name.starts_with('.'));
                if let Some(sum) = &file.sha256 {
                    assert!(sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", file.name);
                }
            }
        }
    }

    #[test]
    fn a_fetched_set_is_read_and_a_missing_one_names_the_command() {
        let data = tempfile::tempdir().unwrap();
        let set = LibrarySet::find("fashion").unwrap();
        let missing = set.load(data.path()).unwrap_err().to_string();
        assert!(missing.contains("fashion is not on this machine: run `mnemoscope data get fashion`"), "{missing}");

        let folder = set.folder(data.path());
        std::fs::create_dir_all(&folder).unwrap();
        let header = |magic: u32, sizes: &[u32]| {
            [magic].iter().chain(sizes).flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()
        };
        for (part, count) in [("train", 10u8), ("t10k", 2)] {
            let images = [header(0x803, &[u32::from(count), 1, 2]), vec![7; 2 * usize::from(count)]].concat();
            let labels = [header(0x801, &[u32::from(count)]), (0..count).collect()].concat();
            assert!(!set.is_present(data.path()));
            std::fs::write(folder.join(format!("{part}-images-idx3-ubyte.gz")), images).unwrap();
            std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte.gz")), labels).unwrap();
        }
        assert!(set.is_present(data.path()));
        let loaded = set.load(data.path()).unwrap();
        assert_eq!((loaded.name.as_str(), loaded.len(), loaded.test_rows.clone()), ("fashion", 12, Some(10..12)));
        assert_eq!(loaded.class_names[9], "ankle boot");
    }
}
