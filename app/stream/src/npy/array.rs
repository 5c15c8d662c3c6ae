//! One array in NumPy's .npy format: a header that is a Python dictionary, then the values.
//!
//! The header is a claim: what it promises must fit into the file before anything of that size is allocated.

use std::io::{self, Read};
use std::path::Path;

use crate::error::DataError;
use crate::idx::LARGEST_FILE;

/// Longest header that is read.
const LONGEST_HEADER: usize = 1 << 16;

/// The types of values that are read, all little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl Type {
    fn find(descr: &str) -> Option<Self> {
        Some(match descr {
            "|u1" | "|b1" => Self::U8,
            "|i1" => Self::I8,
            "<u2" => Self::U16,
            "<i2" => Self::I16,
            "<u4" => Self::U32,
            "<i4" => Self::I32,
            "<u8" => Self::U64,
            "<i8" => Self::I64,
            "<f4" => Self::F32,
            "<f8" => Self::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// An array as read, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    kind: Type,
    /// Whether the values are truth values.
    truth: bool,
    raw: Vec<u8>,
}

impl Array {
    /// Reads an array that may yield `most` bytes at most, header included; `path` names it in errors.
    pub(super) fn read(mut reader: impl Read, most: u64, path: &Path) -> Result<Self, DataError> {
        let unfit = |problem: String| DataError::Unfit { path: path.to_owned(), problem };
        let failed = |error: io::Error| DataError::Read { path: path.to_owned(), error };
        let mut take = |count: usize| -> Result<Vec<u8>, DataError> {
            let mut bytes = Vec::new();
            reader.by_ref().take(count as u64).read_to_end(&mut bytes).map_err(failed)?;
            if bytes.len() == count { Ok(bytes) } else { Err(unfit("the header is cut short".to_owned())) }
        };
        let start = take(8)?;
        let long = match (&start[..6], start[6]) {
            (b"\x93NUMPY", 1) => 2,
            (b"\x93NUMPY", 2 | 3) => 4,
            (b"\x93NUMPY", version) => return Err(unfit(format!("version {version} of the format is unknown"))),
            _ => return Err(unfit("is no NumPy array; write it with numpy.save or numpy.savez".to_owned())),
        };
        let length = take(long)?.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length > LONGEST_HEADER {
            return Err(unfit(format!("its header claims {length} bytes, above the limit of {LONGEST_HEADER}")));
        }
        let header = String::from_utf8_lossy(&take(length)?).into_owned();
        let (kind, truth, shape) = parse(&header).map_err(unfit)?;
        let values = shape.iter().fold(1u64, |product, size| product.saturating_mul(*size as u64));
        let claimed = values.saturating_mul(kind.bytes() as u64);
        let held = most.saturating_sub((8 + long + length) as u64);
        if claimed > held {
            let held = format!("at most {held}");
            return Err(DataError::Truncated { path: path.to_owned(), claimed, held });
        }
        if claimed > LARGEST_FILE {
            return Err(DataError::TooLarge {
                path: path.to_owned(),
                what: "an array",
                size: claimed,
                limit: LARGEST_FILE,
            });
        }
        let mut raw = Vec::new();
        reader.by_ref().take(claimed).read_to_end(&mut raw).map_err(failed)?;
        if (raw.len() as u64) < claimed {
            return Err(DataError::Truncated { path: path.to_owned(), claimed, held: raw.len().to_string() });
        }
        if reader.read(&mut [0]).map_err(failed)? > 0 {
            return Err(unfit(format!("holds more than the {claimed} bytes of values that its header says")));
        }
        Ok(Self { shape, kind, truth, raw })
    }

    /// The values where they are plain bytes.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (self.kind == Type::U8 && !self.truth).then_some(self.raw.as_slice())
    }

    /// The values as numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.raw.chunks_exact(self.kind.bytes()).map(|value| {
            let word = value.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            match self.kind {
                Type::U8 | Type::U16 | Type::U32 | Type::U64 => word as f64,
                Type::I8 => f64::from(word as i8),
                Type::I16 => f64::from(word as i16),
                Type::I32 => f64::from(word as i32),
                Type::I64 => word as i64 as f64,
                Type::F32 => f64::from(f32::from_bits(word as u32)),
                Type::F64 => f64::from_bits(word),
            }
        })
    }
}

/// Type, whether it is a truth value, and shape from a header such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse(header: &str) -> Result<(Type, bool, Vec<usize>), String> {
    let after = |key: &str| {
        let at = header.find(&format!("'{key}':")).ok_or_else(|| format!("its header has no {key}"))?;
        Ok::<_, String>(header[at + key.len() + 3..].trim_start())
    };
    let descr = after("descr")?.strip_prefix('\'').and_then(|text| text.split_once('\''));
    let Some((descr, _)) = descr else { return Err("it holds records, not numbers".to_owned()) };
    let kind = Type::find(descr).ok_or_else(|| {
        format!(
            "values of type {descr} are not read; convert them with .astype to uint8, int32, int64, float32 or float64"
        )
    })?;
    if after("fortran_order")?.starts_with("True") {
        return Err("it is stored column by column; save numpy.ascontiguousarray of it".to_owned());
    }
    let shape = after("shape")?.strip_prefix('(').and_then(|text| text.split_once(')'));
    let Some((sizes, _)) = shape else { return Err("its header has no shape".to_owned()) };
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Result<Vec<usize>, String> =
        sizes.map(|size| size.parse().map_err(|error| format!("its size {size:?} cannot be read: {error}"))).collect();
    Ok((kind, descr == "|b1", shape?))
}
