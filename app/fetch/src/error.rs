//! What can go wrong while data are fetched. Each text names the place and the fix.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a set could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No connection.
    #[error(
        "cannot reach {host}: {reason}; check the connection and run the command again, or put the files into \
         {} by hand:\n{files}",
        folder.display()
    )]
    Unreachable {
        /// The host of the last address.
        host: String,
        /// What the system said.
        reason: String,
        /// Where the files belong.
        folder: PathBuf,
        /// One line for each file: its address.
        files: String,
    },
    /// The server answered with an error.
    #[error(
        "{url}: the server answered with status {status}; the file may have moved: put {file} into {} by hand, or try \
         again later",
        folder.display()
    )]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The file's name.
        file: String,
        /// Where the file belongs.
        folder: PathBuf,
    },
    /// The connection ended before the file did.
    #[error(
        "{url}: the connection ended after {received} of {expected} bytes ({reason}); run the command again to go on from there"
    )]
    Cut {
        /// The address.
        url: String,
        /// Bytes that are on the disk.
        received: u64,
        /// Bytes of the whole file.
        expected: u64,
        /// What the connection said.
        reason: String,
    },
    /// The file is not the one of the catalogue.
    #[error(
        "{file} from {url}: its SHA-256 is {found}, not {expected}; it was damaged on the way or replaced by its owner, \
         and what was received was removed: run the command again, and if it fails again, do not trust the file"
    )]
    Sum {
        /// The file's name.
        file: String,
        /// The address.
        url: String,
        /// The sum in the catalogue.
        expected: String,
        /// The sum of what was received.
        found: String,
    },
    /// The server sends more than the file has.
    #[error(
        "{url}: the server sends more than the {expected} bytes of {file}; what was received was removed: the file may \
         have been replaced by its owner"
    )]
    TooLong {
        /// The file's name.
        file: String,
        /// The address.
        url: String,
        /// Bytes in the catalogue.
        expected: u64,
    },
    /// An archive that does not keep inside its folder, or grows too large.
    #[error("{}: the archive was not unpacked: {problem}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The disk refused.
    #[error("{}: {error}; check that the folder can be written and that the disk has room", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}
