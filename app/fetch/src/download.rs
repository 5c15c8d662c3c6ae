//! One file: from an address, through NAME.part, to its place.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mnemoscope_stream::{LibraryFile, LibrarySet};
use sha2::{Digest as _, Sha256};
use ureq::Agent;
use ureq::http::header::{CONTENT_RANGE, RANGE};
use ureq::http::{Response, StatusCode, Uri};

use crate::Event;
use crate::error::FetchError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// Tries at one address that each brought the file further.
const TRIES: usize = 5;

/// The file's path, once it is there and whole.
pub(crate) fn download(
    set: &LibrarySet,
    file: &LibraryFile,
    folder: &Path,
    report: &mut dyn FnMut(Event<'_>),
) -> Result<PathBuf, FetchError> {
    let (path, part) = (folder.join(&file.name), folder.join(format!("{}.part", file.name)));
    if path.is_file() && is_whole(&path, file)? {
        report(Event::Present(file));
        return Ok(path);
    }
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("mnemoscope/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let job = Job { set, file, folder, part: &part, agent };
    report(Event::Begin(file, job.received()?));
    let url = job.fetch(report)?;
    let found = sum(&part)?;
    match &file.sha256 {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
            remove(&part)?;
            let (file, expected) = (file.name.clone(), expected.clone());
            return Err(FetchError::Sum { file, url, expected, found });
        }
        Some(_) => report(Event::Verified(file)),
        None => report(Event::Unverified(file, &found)),
    }
    fs::rename(&part, &path).map_err(disk(&path))?;
    Ok(path)
}

/// Whether a file has the catalogue's length, and its sum if there is one.
fn is_whole(path: &Path, file: &LibraryFile) -> Result<bool, FetchError> {
    if fs::metadata(path).map_err(disk(path))?.len() != file.bytes {
        return Ok(false);
    }
    match &file.sha256 {
        Some(expected) => Ok(expected.eq_ignore_ascii_case(&sum(path)?)),
        None => Ok(true),
    }
}

/// The SHA-256 of a file in hexadecimal.
fn sum(path: &Path) -> Result<String, FetchError> {
    let mut digest = Sha256::new();
    let mut file = File::open(path).map_err(disk(path))?;
    io::copy(&mut file, &mut digest).map_err(disk(path))?;
    let mut sum = String::new();
    for byte in digest.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(sum, "{byte:02x}");
    }
    Ok(sum)
}

fn disk(path: &Path) -> impl Fn(io::Error) -> FetchError {
    move |error| FetchError::Disk { path: path.to_owned(), error }
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(path)(error)),
        _ => Ok(()),
    }
}

/// What is to be fetched where.
struct Job<'a> {
    set: &'a LibrarySet,
    file: &'a LibraryFile,
    folder: &'a Path,
    part: &'a Path,
    agent: Agent,
}

impl Job<'_> {
    /// Bytes on the disk. A part that is longer than the file is none of it.
    fn received(&self) -> Result<u64, FetchError> {
        let bytes = match fs::metadata(self.part) {
            Ok(about) => about.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(disk(self.part)(error)),
        };
        if bytes > self.file.bytes {
            remove(self.part)?;
            return Ok(0);
        }
        Ok(bytes)
    }

    /// Fetches the rest of the file from the first address that has it; answers which one.
    fn fetch(&self, report: &mut dyn FnMut(Event<'_>)) -> Result<String, FetchError> {
        let mut last: Option<FetchError> = None;
        for url in &self.file.urls {
            for _ in 0..TRIES {
                let before = self.received()?;
                if before == self.file.bytes {
                    return Ok(url.clone());
                }
                if let Some(problem) = &last {
                    report(Event::Failed(&problem.to_string()));
                }
                match self.go_on(url, before, report) {
                    Ok(()) => return Ok(url.clone()),
                    // The disk and a file of another length are not better at another try.
                    Err(error @ (FetchError::Disk { .. } | FetchError::TooLong { .. })) => return Err(error),
                    Err(error) => last = Some(error),
                }
                if self.received()? <= before {
                    break;
                }
            }
        }
        Err(last.unwrap_or_else(|| self.unreachable("", "the catalogue has no address")))
    }

    fn go_on(&self, url: &str, from: u64, report: &mut dyn FnMut(Event<'_>)) -> Result<(), FetchError> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let answer = request.call().map_err(|error| self.unreachable(url, &error.to_string()))?;
        let (status, fits) = (answer.status(), begins_at(&answer, from));
        let mut received = match status {
            StatusCode::PARTIAL_CONTENT if fits => from,
            // The server does not know ranges: from the beginning.
            StatusCode::OK => 0,
            _ => {
                if matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) {
                    remove(self.part)?;
                }
                return Err(FetchError::Status {
                    url: url.to_owned(),
                    status: status.as_u16(),
                    file: self.file.name.clone(),
                    folder: self.folder.to_owned(),
                });
            }
        };
        let options = OpenOptions::new().create(true).write(true).append(received > 0).truncate(received == 0).clone();
        let mut out = options.open(self.part).map_err(disk(self.part))?;
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let cut = |received: u64, reason: String| FetchError::Cut {
            url: url.to_owned(),
            received,
            expected: self.file.bytes,
            reason,
        };
        loop {
            let count = match body.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(cut(received, error.to_string())),
            };
            if count == 0 {
                break;
            }
            received += count as u64;
            if received > self.file.bytes {
                remove(self.part)?;
                let (file, expected) = (self.file.name.clone(), self.file.bytes);
                return Err(FetchError::TooLong { file, url: url.to_owned(), expected });
            }
            out.write_all(&buffer[..count]).map_err(disk(self.part))?;
            report(Event::Bytes(received));
        }
        out.sync_all().map_err(disk(self.part))?;
        if received < self.file.bytes { Err(cut(received, "no more came".to_owned())) } else { Ok(()) }
    }

    fn unreachable(&self, url: &str, reason: &str) -> FetchError {
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        let files = self.set.files.iter().filter_map(|file| file.urls.first()).map(|url| format!("  {url}"));
        FetchError::Unreachable {
            host: host.unwrap_or_else(|| url.to_owned()),
            reason: reason.to_owned(),
            folder: self.folder.to_owned(),
            files: files.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Whether a partial answer begins at the byte that was asked for: "bytes 100-199/200".
fn begins_at<B>(answer: &Response<B>, from: u64) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let begin = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok());
    begin == Some(from)
}
