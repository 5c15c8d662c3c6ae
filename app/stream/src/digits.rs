//! The embedded 8x8 handwritten digits.

use std::path::Path;

use flate2::read::GzDecoder;
use mnemoscope_core::Kind;

use crate::dataset::{Dataset, Pixels, Shape, numbered};
use crate::error::DataError;
use crate::table;

pub(crate) const KIND: Kind = Kind {
    name: "digits",
    label: "Handwritten digits, 8x8",
    meaning: "1,797 grey images of the digits 0 to 9, part of the program.",
    source: "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits, test part, CC BY 4.0",
    knobs: &[],
};

static FILE: &[u8] = include_bytes!("../../../assets/data/digits8x8.csv.gz");

/// Pixel values 0 to 16 become value / 16 exactly, which bytes / 255 could not hold.
pub(crate) fn load() -> Result<Dataset, DataError> {
    let table = table::read(Path::new("digits8x8.csv.gz"), GzDecoder::new(FILE), "label")?;
    let pixels = table.features.iter().map(|value| value / 16.0).collect();
    let shape = Shape::grey(8, 8);
    Ok(Dataset::new(
        "digits".to_owned(),
        shape,
        numbered(table.class_names.len()),
        Pixels::Floats(pixels),
        table.labels,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_digits_are_the_published_ones() {
        let digits = load().unwrap();
        assert_eq!((digits.len(), digits.features(), digits.classes), (1797, 64, 10));
        // As scikit-learn documents the set: about 180 samples per class.
        assert_eq!(digits.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let mut row = [0.0; 64];
        digits.row_into(0, &mut row);
        assert_eq!(&row[..6], [0.0, 0.0, 5.0 / 16.0, 13.0 / 16.0, 9.0 / 16.0, 1.0 / 16.0]);
        assert_eq!(&digits.labels[..3], [0, 1, 2]);
    }
}
