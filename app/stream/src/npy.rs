//! NumPy arrays: features and labels in two .npy files, or in one .npz.
//!
//! Bytes are shares of 255. Other numbers are brought into [0, 1]: of a table each column as in CSV files, of images all
//! pixels by one scale, and only where they are not in [0, 1] already.

mod array;

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use mnemoscope_core::{Component, Kind, Knob};
use zip::ZipArchive;

use crate::dataset::{DataSources, Dataset, Pixels, Shape};
use crate::error::DataError;
use crate::idx::{DEFLATE_RATIO, LARGEST_IMAGE};
use crate::paths;
use crate::table::{MOST_CLASSES, MOST_COLUMNS, ranked, scale};
use array::Array;

pub(crate) const KIND: Kind = Kind {
    name: "npy",
    label: "NumPy arrays",
    meaning: "Features [N, F], [N, H, W] or [N, H, W, C] and labels [N] from .npy files or one .npz file.",
    source: "NumPy Enhancement Proposal 1, A simple file format for NumPy arrays",
    knobs: &[
        Knob::text("path", "file", "").meaning("Path of the .npz file, or of the .npy file with the features."),
        Knob::text("labels", "label file", "").meaning("Path of the .npy file with the labels; not used for .npz."),
        Knob::text("features_name", "features in .npz", "x_train").meaning("Name of the array of features."),
        Knob::text("labels_name", "labels in .npz", "y_train").meaning("Name of the array of labels."),
        Knob::text("test_features_name", "test features in .npz", "x_test")
            .meaning("Name of the features of the set's own test part; without such an array there is none."),
        Knob::text("test_labels_name", "test labels in .npz", "y_test")
            .meaning("Name of the labels of the set's own test part."),
    ],
};

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let path = paths::required(source, "path")?;
    let mut start = Vec::new();
    open(&path)?.0.take(4).read_to_end(&mut start).map_err(|error| DataError::Read { path: path.clone(), error })?;
    let zipped = start.starts_with(b"PK");
    let ([features, labels], test) = if zipped {
        from_archive(source, &path)?
    } else {
        let label_path = paths::required(source, "labels")?;
        ([from_file(&path)?, from_file(&label_path)?], None)
    };
    build(&path, &features, &labels, test.as_ref())
}

fn open(path: &Path) -> Result<(BufReader<File>, u64), DataError> {
    let failed = |error| DataError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok((BufReader::new(file), bytes))
}

fn from_file(path: &Path) -> Result<Array, DataError> {
    let (file, bytes) = open(path)?;
    Array::read(file, bytes, path)
}

/// Features and labels for training, and those of the test part if both are there.
type Arrays = ([Array; 2], Option<[Array; 2]>);

fn from_archive(source: &Component<DataSources>, path: &Path) -> Result<Arrays, DataError> {
    let unfit = |problem: String| DataError::Unfit { path: path.to_owned(), problem };
    let damaged = |error: zip::result::ZipError| unfit(format!("the archive is damaged ({error}); copy it again"));
    let mut archive = ZipArchive::new(open(path)?.0).map_err(damaged)?;
    let names: Vec<String> = archive.file_names().map(|name| name.trim_end_matches(".npy").to_owned()).collect();
    let mut read = |name: &str| {
        let entry = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
        // Neither of the two sizes that the archive claims is believed beyond what deflate can do.
        let most = entry.size().min(entry.compressed_size().saturating_mul(DEFLATE_RATIO).saturating_add(64));
        Array::read(entry, most, &path.join(format!("{name}.npy")))
    };
    let [x, y, test_x, test_y] =
        ["features_name", "labels_name", "test_features_name", "test_labels_name"].map(|knob| source.text(knob));
    for (name, knob) in [(x, "features_name"), (y, "labels_name")] {
        if !names.iter().any(|known| known == name) {
            let all = names.join(", ");
            return Err(unfit(format!("has no array {name:?} ({knob}); it has: {all}")));
        }
    }
    let train = [read(x)?, read(y)?];
    let has_test = [test_x, test_y].iter().all(|name| names.iter().any(|known| known == name));
    Ok((train, if has_test { Some([read(test_x)?, read(test_y)?]) } else { None }))
}

fn build(path: &Path, features: &Array, labels: &Array, test: Option<&[Array; 2]>) -> Result<Dataset, DataError> {
    let unfit = |problem: String| DataError::Unfit { path: path.to_owned(), problem };
    let shape = shape_of(&features.shape).map_err(unfit)?;
    let own = count(features, labels).map_err(unfit)?;
    let mut all = vec![features];
    let mut targets: Vec<f64> = labels.numbers().collect();
    if let Some([x, y]) = test {
        count(x, y).map_err(unfit)?;
        if x.shape[1..] != features.shape[1..] {
            let text = format!("its test features have shape {:?}, those for training {:?}", x.shape, features.shape);
            return Err(unfit(text));
        }
        all.push(x);
        targets.extend(y.numbers());
    }
    if targets.iter().any(|label| !label.is_finite()) {
        return Err(unfit("a label is not a finite number".to_owned()));
    }
    let (class_names, classes) = ranked(&targets, f64::total_cmp);
    if class_names.len() < 2 || class_names.len() > MOST_CLASSES {
        let text = format!("{} different labels; a data set has 2 to {MOST_CLASSES} classes", class_names.len());
        return Err(unfit(text));
    }
    let pixels = if let Some(bytes) = all.iter().map(|array| array.bytes()).collect::<Option<Vec<_>>>() {
        Pixels::Bytes(bytes.concat())
    } else {
        let mut values: Vec<f32> = all.iter().flat_map(|array| array.numbers()).map(|value| value as f32).collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (sample, feature) = (at / shape.features() + 1, at % shape.features() + 1);
            return Err(unfit(format!("feature {feature} of sample {sample} is not a finite number")));
        }
        if let Shape::Table(columns) = shape {
            scale(&mut values, columns);
        } else if values.iter().any(|value| !(0.0..=1.0).contains(value)) {
            scale(&mut values, 1);
        }
        Pixels::Floats(values)
    };
    let rows = classes.len();
    let data = Dataset::new(paths::stem(path, KIND.name), shape, class_names, pixels, classes);
    Ok(if rows > own { data.with_test_rows(own as u32..rows as u32) } else { data })
}

/// Samples in features and labels, which must be as many.
fn count(features: &Array, labels: &Array) -> Result<usize, String> {
    let samples = features.shape[..].first().copied().unwrap_or(0);
    match labels.shape[..] {
        [count] | [count, 1] if count == samples && samples > 0 => Ok(samples),
        _ => Err(format!(
            "features of shape {:?} need labels of shape [{samples}], one for each sample, not {:?}",
            features.shape, labels.shape
        )),
    }
}

fn shape_of(sizes: &[usize]) -> Result<Shape, String> {
    let shape = match *sizes {
        [_, columns] if (1..=MOST_COLUMNS).contains(&columns) => Shape::Table(columns),
        [_, height, width] => Shape::grey(height, width),
        [_, height, width, channels @ 1..=4] => Shape::Image { height, width, channels },
        _ => {
            return Err(format!(
                "features of shape {sizes:?} are neither a table [N, F] of up to {MOST_COLUMNS} columns nor images \
                 [N, H, W] or [N, H, W, C] of up to 4 channels"
            ));
        }
    };
    match shape {
        Shape::Image { height, width, .. }
            if !(1..=LARGEST_IMAGE).contains(&(height as u64).saturating_mul(width as u64)) =>
        {
            Err(format!("images of {height} x {width} pixels; they may have 1 to {LARGEST_IMAGE}"))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
