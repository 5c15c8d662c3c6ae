//! NumPy's array format, for a heat map's numbers.

/// A row-major `[rows, cols]` array of little-endian `f32` in format 1.0 (numpy.lib.format, NEP 1): magic, version, length
/// of the header, the header padded with spaces to 64 bytes, the numbers.
pub(crate) fn array(rows: usize, cols: usize, values: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {cols}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_what_the_format_says() {
        // Worked out by hand from numpy.lib.format: 0x76 = 118 bytes of header after the first ten, 128 in all.
        let header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
        let bytes = array(1, 3, &[1.0, -2.5, 0.0]);
        assert_eq!(bytes.len(), 128 + 12);
        assert_eq!(&bytes[..header.len()], header);
        assert!(bytes[header.len()..127].iter().all(|byte| *byte == b' '));
        assert_eq!(bytes[127], b'\n');
        assert_eq!(bytes[128..], [0, 0, 128, 63, 0, 0, 32, 192, 0, 0, 0, 0]);
    }

    #[test]
    fn long_shapes_keep_the_header_whole() {
        let bytes = array(1_000_000, 0, &[]);
        assert_eq!(bytes.len() % 64, 0);
        assert_eq!(usize::from(bytes[8]) + 256 * usize::from(bytes[9]) + 10, bytes.len());
    }
}
