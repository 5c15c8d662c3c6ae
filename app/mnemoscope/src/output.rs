//! Standard output, which a reader such as `head` may close early.

use std::io::{self, ErrorKind, Write as _};

/// Prints text; a reader that has gone away is no error.
///
/// # Errors
/// When the text cannot be written, as to a full disk.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints a line.
///
/// # Errors
/// As [`print()`].
pub fn line(text: &str) -> io::Result<()> {
    print(&format!("{text}\n"))
}
