//! A folder of pictures: one folder inside it for each class.
//!
//! Every picture is cut to a square about its middle and brought to one size. Where the folder holds two folders "train"
//! and "test", the classes are looked for in these, and the second is the set's own test part.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};
use mnemoscope_core::{Component, Kind, Knob, Scale};
use rayon::prelude::*;

use crate::dataset::{DataSources, Dataset, Pixels, Shape};
use crate::error::DataError;
use crate::idx::LARGEST_FILE;
use crate::paths;
use crate::table::MOST_CLASSES;

pub(crate) const KIND: Kind = Kind {
    name: "images",
    label: "Folder of images",
    meaning: "PNG and JPEG files in one folder per class, cut to squares and brought to one size.",
    source: "the layout of torchvision's ImageFolder",
    knobs: &[
        Knob::text("path", "folder", "")
            .meaning("Path of the folder that holds one folder per class, or folders train and test that do."),
        Knob::whole("size", "size", "", 4, 256, 32, Scale::Log)
            .unit("pixels")
            .meaning("Rows and columns of every image, after it is cut to a square about its middle.")
            .source("lab default"),
        Knob::switch("colour", "colour", true).meaning("Keep red, green and blue; otherwise images are grey."),
    ],
};

/// Most rows or columns of a picture on the disk, and most bytes that reading it may take.
const LARGEST_SIDE: u32 = 1 << 14;
const MOST_MEMORY: u64 = 1 << 28;

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let path = paths::required(source, "path")?;
    let (size, colour) = (source.whole("size"), source.switch("colour"));
    let (train, test) = (path.join("train"), path.join("test"));
    let parts = if train.is_dir() && test.is_dir() { vec![train, test] } else { vec![path.clone()] };
    let found = parts.iter().map(|part| pictures(part)).collect::<Result<Vec<_>, _>>()?;
    let names: BTreeSet<&String> = found.iter().flatten().map(|(class, _)| class).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    if !(2..=MOST_CLASSES).contains(&names.len()) {
        let problem = format!(
            "{} folders with .png, .jpg or .jpeg files; a data set has 2 to {MOST_CLASSES} classes, one folder each",
            names.len()
        );
        return Err(DataError::Unfit { path, problem });
    }
    let shape = Shape::Image { height: size, width: size, channels: if colour { 3 } else { 1 } };
    let files: Vec<&(String, PathBuf)> = found.iter().flatten().collect();
    let bytes = (files.len() as u64).saturating_mul(shape.features() as u64);
    if bytes > LARGEST_FILE {
        return Err(DataError::TooLarge { path, what: "all images", size: bytes, limit: LARGEST_FILE });
    }
    let pixels: Result<Vec<Vec<u8>>, DataError> =
        files.par_iter().map(|(_, file)| read(file, size as u32, colour)).collect();
    let labels = files.iter().map(|(class, _)| names.partition_point(|name| name < class) as u16).collect();
    let data = Dataset::new(paths::stem(&path, KIND.name), shape, names, Pixels::Bytes(pixels?.concat()), labels);
    let own = found[0].len();
    Ok(if found.len() > 1 { data.with_test_rows(own as u32..files.len() as u32) } else { data })
}

/// Class and path of every picture, by class and name, so that the order is the same on every system.
fn pictures(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let entries = |folder: &Path| {
        let failed = |error: io::Error| DataError::Read { path: folder.to_owned(), error };
        let entries = fs::read_dir(folder).map_err(failed)?;
        let mut paths =
            entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect::<Result<Vec<_>, DataError>>()?;
        paths.sort();
        Ok::<_, DataError>(paths)
    };
    let mut all = Vec::new();
    for class in entries(folder)?.into_iter().filter(|class| class.is_dir()) {
        let name = class.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        for file in entries(&class)? {
            let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
            if matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg")) {
                all.push((name.clone(), file));
            }
        }
    }
    Ok(all)
}

/// One picture as bytes, channels last.
fn read(path: &Path, size: u32, colour: bool) -> Result<Vec<u8>, DataError> {
    let unfit = |error: image::ImageError| DataError::Unfit {
        path: path.to_owned(),
        problem: format!("the picture cannot be read ({error}); replace or remove it"),
    };
    let failed = |error: io::Error| DataError::Read { path: path.to_owned(), error };
    let mut reader = ImageReader::open(path).map_err(failed)?.with_guessed_format().map_err(failed)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(unfit)?;
    // Grey before it is made smaller: the mean of greys is the grey of the mean.
    let picture = if colour { picture } else { DynamicImage::ImageLuma8(picture.into_luma8()) };
    let square = picture.resize_to_fill(size, size, FilterType::Triangle);
    Ok(if colour { square.into_rgb8().into_raw() } else { square.into_luma8().into_raw() })
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
