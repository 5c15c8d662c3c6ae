//! Images and labels in IDX files, plain or gzip: the format of MNIST, Fashion-MNIST, KMNIST and EMNIST.
//!
//! A header is a claim. A plain file must have exactly the claimed length before anything is allocated. A compressed
//! file must be long enough to hold the claim at all (deflate reaches at most 1032 to 1), and is then read through a
//! reader that ends at the claimed size, into memory that grows as data arrive.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use mnemoscope_core::{Component, Kind, Knob, Scale};

use crate::dataset::{DataSources, Dataset, Pixels, Shape, numbered};
use crate::error::DataError;
use crate::paths;

pub(crate) const KIND: Kind = Kind {
    name: "idx",
    label: "IDX files (MNIST format)",
    meaning: "Grey images and labels from two files, plain or .gz, as MNIST, Fashion-MNIST, KMNIST and EMNIST have them.",
    source: "LeCun, Cortes and Burges 1998, The MNIST database of handwritten digits: file formats",
    knobs: &[
        Knob::text("images", "image file", "").meaning("Path of the image file, such as train-images-idx3-ubyte.gz."),
        Knob::text("labels", "label file", "").meaning("Path of the label file, such as train-labels-idx1-ubyte.gz."),
        Knob::text("test_images", "test image file", "").meaning(
            "Path of the image file of the set's own test part, such as t10k-images-idx3-ubyte.gz; may be left empty.",
        ),
        Knob::text("test_labels", "test label file", "").meaning(
            "Path of the label file of the set's own test part, such as t10k-labels-idx1-ubyte.gz; may be left empty.",
        ),
        Knob::switch("transposed", "transposed images", false)
            .meaning("Exchange rows and columns of every image.")
            .source("EMNIST stores its images so (Cohen et al. 2017)"),
        Knob::whole("label_offset", "label offset", "", 0, 255, 0, Scale::Linear)
            .meaning("The label of the first class; it is subtracted from every label.")
            .source("EMNIST letters count from 1 (Cohen et al. 2017)"),
    ],
};

/// Bytes of data in one file.
pub(crate) const LARGEST_FILE: u64 = 1 << 30;
/// Pixels in one image.
pub(crate) const LARGEST_IMAGE: u64 = 1 << 16;
/// The most that deflate can shrink data (RFC 1951: 258 bytes in two bits), rounded up.
pub(crate) const DEFLATE_RATIO: u64 = 1040;

pub(crate) fn load(source: &Component<DataSources>) -> Result<Dataset, DataError> {
    let (image_path, label_path) = (paths::required(source, "images")?, paths::required(source, "labels")?);
    let mut all = Pair::read(&image_path, &label_path, source)?;
    let own = all.labels.len();
    match (paths::optional(source, "test_images"), paths::optional(source, "test_labels")) {
        (None, None) => {}
        (Some(images), Some(labels)) => {
            let test = Pair::read(&images, &labels, source)?;
            if test.size != all.size {
                let ([height, width], [test_height, test_width]) = (all.size, test.size);
                let problem = format!(
                    "its images have {test_height} x {test_width} pixels, those for training {height} x {width}; take \
                     both from one set"
                );
                return Err(DataError::Unfit { path: images, problem });
            }
            all.pixels.extend(test.pixels);
            all.labels.extend(test.labels);
        }
        (None, _) => return Err(DataError::NoPath { source_name: KIND.name, knob: "test_images" }),
        (_, None) => return Err(DataError::NoPath { source_name: KIND.name, knob: "test_labels" }),
    }
    let (count, classes) = (all.labels.len(), all.labels.iter().max().map_or(0, |label| usize::from(*label) + 1));
    if classes < 2 {
        return Err(DataError::Empty { path: label_path, problem: format!("{count} samples of {classes} class(es)") });
    }
    let [mut height, mut width] = all.size;
    if source.switch("transposed") {
        transpose(&mut all.pixels, height, width);
        (height, width) = (width, height);
    }
    let name = paths::stem(&image_path, KIND.name);
    let shape = Shape::grey(height, width);
    let data = Dataset::new(name, shape, numbered(classes), Pixels::Bytes(all.pixels), all.labels);
    Ok(if count > own { data.with_test_rows(own as u32..count as u32) } else { data })
}

/// A file of images and the file of their labels.
struct Pair {
    /// Rows and columns.
    size: [usize; 2],
    pixels: Vec<u8>,
    labels: Vec<u16>,
}

impl Pair {
    fn read(image_path: &Path, label_path: &Path, source: &Component<DataSources>) -> Result<Self, DataError> {
        let ([count, height, width], pixels) = read::<3>(image_path, "images")?;
        let ([label_count], bytes) = read::<1>(label_path, "labels")?;
        if count != label_count {
            return Err(DataError::CountMismatch {
                images: image_path.to_owned(),
                image_count: count,
                labels: label_path.to_owned(),
                label_count,
            });
        }
        let labels = shift(label_path, &bytes, source.whole("label_offset"))?;
        Ok(Self { size: [height, width], pixels, labels })
    }
}

fn shift(path: &Path, bytes: &[u8], offset: usize) -> Result<Vec<u16>, DataError> {
    let shifted =
        |(i, label): (usize, &u8)| {
            usize::from(*label).checked_sub(offset).map(|label| label as u16).ok_or_else(|| {
                DataError::LabelBelowOffset { path: path.to_owned(), sample: i + 1, label: *label, offset }
            })
        };
    bytes.iter().enumerate().map(shifted).collect()
}

/// Exchanges rows and columns of images of `height` x `width`, in place.
fn transpose(pixels: &mut [u8], height: usize, width: usize) {
    let mut turned = vec![0; height * width];
    for image in pixels.chunks_exact_mut(height * width) {
        for row in 0..height {
            for column in 0..width {
                turned[column * height + row] = image[row * width + column];
            }
        }
        image.copy_from_slice(&turned);
    }
}

/// The D sizes and the data of an IDX file of unsigned bytes.
fn read<const D: usize>(path: &Path, what: &'static str) -> Result<([usize; D], Vec<u8>), DataError> {
    let failed = |error: io::Error| DataError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let mut file = BufReader::new(file);
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if start == [0x1f, 0x8b] {
        let damaged = |error| DataError::Gzip { path: path.to_owned(), error };
        let most = about.len().saturating_mul(DEFLATE_RATIO);
        body(path, what, MultiGzDecoder::new(file), Size::AtMost(most), damaged)
    } else {
        body(path, what, file, Size::Exactly(about.len()), failed)
    }
}

/// How many bytes a file can yield, known before it is read.
#[derive(Clone, Copy)]
enum Size {
    Exactly(u64),
    AtMost(u64),
}

fn body<const D: usize>(
    path: &Path,
    what: &'static str,
    mut file: impl Read,
    size: Size,
    failed: impl Fn(io::Error) -> DataError,
) -> Result<([usize; D], Vec<u8>), DataError> {
    let path = path.to_owned();
    let header_bytes = 4 + 4 * D as u64;
    let mut header = Vec::new();
    let ended = file.by_ref().take(header_bytes).read_to_end(&mut header);
    let word = |i: usize| header[4 * i..4 * i + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    // Two zero bytes, 8 for unsigned bytes, and the number of dimensions.
    let wanted = 0x0800 + D as u32;
    if header.len() >= 4 && word(0) != wanted {
        return Err(DataError::WrongMagic { path, found: word(0), wanted, what });
    }
    ended.map_err(&failed)?;
    if (header.len() as u64) < header_bytes {
        let held = format!("{} in all", header.len());
        return Err(DataError::Truncated { path, claimed: header_bytes, held });
    }
    let sizes: [u32; D] = std::array::from_fn(|i| word(i + 1));
    let claimed = sizes.iter().fold(1u64, |product, size| product.saturating_mul(u64::from(*size)));
    // A file may grow while it is read, and some system files say length 0.
    let held = match size {
        Size::Exactly(bytes) => bytes.saturating_sub(header_bytes),
        Size::AtMost(bytes) => bytes,
    };
    if held < claimed {
        let held = if let Size::Exactly(_) = size { held.to_string() } else { format!("at most {held}") };
        return Err(DataError::Truncated { path, claimed, held });
    }
    if let Size::Exactly(_) = size
        && held > claimed
    {
        return Err(DataError::Excess { path, claimed });
    }
    if claimed == 0 {
        return Err(DataError::Empty {
            path,
            problem: format!("the header says {sizes:?}, so there is nothing in it"),
        });
    }
    let per_sample = sizes[1..].iter().fold(1u64, |product, size| product.saturating_mul(u64::from(*size)));
    for (what, size, limit) in [("an image", per_sample, LARGEST_IMAGE), ("a file", claimed, LARGEST_FILE)] {
        if size > limit {
            return Err(DataError::TooLarge { path, what, size, limit });
        }
    }
    let mut data = Vec::new();
    file.by_ref().take(claimed).read_to_end(&mut data).map_err(&failed)?;
    if (data.len() as u64) < claimed {
        return Err(DataError::Truncated { path, claimed, held: data.len().to_string() });
    }
    // One byte more also lets the decoder check the end of the compressed data.
    if file.read(&mut [0]).map_err(&failed)? > 0 {
        return Err(DataError::Excess { path, claimed });
    }
    Ok((sizes.map(|size| size as usize), data))
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;
