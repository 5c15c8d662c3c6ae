//! Arrays as NumPy reads them.

use std::fs;
use std::io;
use std::path::Path;

use bytemuck::Pod;

/// A number with its name in the format.
pub(crate) trait Number: Pod {
    const NAME: &'static str;
}

impl Number for f32 {
    const NAME: &'static str = "<f4";
}

impl Number for u32 {
    const NAME: &'static str = "<u4";
}

/// Writes a row-major array of this shape in format 1.0 (numpy.lib.format): magic, version, length of the header, the
/// header padded to 64 bytes, the numbers. For little-endian machines.
pub(crate) fn write<T: Number>(path: &Path, values: &[T], shape: &[usize]) -> io::Result<()> {
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let (name, shape) = (T::NAME, shape.join(", "));
    let mut header = format!("{{'descr': '{name}', 'fortran_order': False, 'shape': ({shape},), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(bytemuck::cast_slice(values));
    fs::write(path, bytes)
}
