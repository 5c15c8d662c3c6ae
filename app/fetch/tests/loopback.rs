//! Fetching from a server on this machine that does what servers do on bad days.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mnemoscope_fetch::{Event, FetchError, get};
use mnemoscope_stream::{LibraryFile, LibraryForm, LibrarySet};
use sha2::{Digest as _, Sha256};

/// How the server treats one request after another; the last way stays.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// All of it, or the range that was asked for.
    Whole,
    /// Promises all, sends so many bytes, and hangs up.
    CutAfter(usize),
    /// All of it, whatever range was asked for.
    IgnoreRange,
    /// Fewer bytes than the file has, and says so.
    Short(usize),
    /// This status and nothing else.
    Status(u16),
    /// Go to /file instead.
    Redirect,
    /// More bytes than the file has.
    Long,
}

struct Server {
    address: String,
    /// The Range header of every request, or "whole".
    asked: Arc<Mutex<Vec<String>>>,
}

/// A server of one file. Its thread ends with the test's process.
fn serve(content: Vec<u8>, ways: &'static [Way]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let known = asked.clone();
    std::thread::spawn(move || {
        for (request, stream) in listener.incoming().enumerate() {
            let way = ways[request.min(ways.len() - 1)];
            answer(stream.unwrap(), &content, way, &known);
        }
    });
    Server { address, asked }
}

fn answer(mut stream: TcpStream, content: &[u8], way: Way, asked: &Mutex<Vec<String>>) {
    let mut from = None;
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse::<usize>().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    asked.lock().unwrap().push(from.map_or_else(|| "whole".to_owned(), |from| from.to_string()));
    let start = if matches!(way, Way::IgnoreRange) { 0 } else { from.unwrap_or(0) };
    let rest = &content[start..];
    let partial = if start > 0 {
        format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", content.len() - 1, content.len())
    } else {
        "200 OK".to_owned()
    };
    let (head, body) = match way {
        Way::Whole | Way::IgnoreRange => (format!("{partial}\r\nContent-Length: {}", rest.len()), rest.to_vec()),
        Way::CutAfter(bytes) => (format!("{partial}\r\nContent-Length: {}", rest.len()), rest[..bytes].to_vec()),
        Way::Short(bytes) => (format!("{partial}\r\nContent-Length: {bytes}"), rest[..bytes].to_vec()),
        Way::Status(status) => (format!("{status} No\r\nContent-Length: 0"), vec![]),
        Way::Redirect => ("302 Found\r\nLocation: /file\r\nContent-Length: 0".to_owned(), vec![]),
        Way::Long => (format!("200 OK\r\nContent-Length: {}", content.len() + 1), [content, b"x".as_slice()].concat()),
    };
    // The client may hang up first, as it does when too much comes.
    let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(&body);
    let _ = stream.flush();
    let _ = stream.shutdown(Shutdown::Write);
}

fn content() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |sum, byte| sum + &format!("{byte:02x}"))
}

fn set(urls: Vec<String>, sha256: Option<String>) -> LibrarySet {
    let file = LibraryFile { name: "file".to_owned(), bytes: 200_000, sha256, urls, archive: false };
    let text = || "file".to_owned();
    LibrarySet {
        name: "tiny".to_owned(),
        title: text(),
        about: text(),
        licence: text(),
        source: text(),
        sums_from: text(),
        form: LibraryForm::Idx { images: text(), labels: text(), test_images: text(), test_labels: text() },
        classes: vec![],
        files: vec![file],
    }
}

/// What a fetch gave: the result, whether a part is left, and the events in words.
struct Fetched {
    result: Result<(), FetchError>,
    file: Option<Vec<u8>>,
    part: Option<u64>,
    events: Vec<String>,
}

fn fetch_with(set: &LibrarySet, begun: Option<&[u8]>) -> Fetched {
    let data = tempfile::tempdir().unwrap();
    let folder = set.folder(data.path());
    fs::create_dir_all(&folder).unwrap();
    if let Some(bytes) = begun {
        fs::write(folder.join("file.part"), bytes).unwrap();
    }
    let mut events = Vec::new();
    let result = get(set, data.path(), &mut |event| match event {
        Event::Bytes(_) => {}
        Event::Begin(_, bytes) => events.push(format!("begin {bytes}")),
        Event::Present(_) => events.push("present".to_owned()),
        Event::Failed(_) => events.push("failed".to_owned()),
        Event::Verified(_) => events.push("verified".to_owned()),
        Event::Unverified(_, sum) => events.push(format!("unverified {sum}")),
        Event::Unpack(_) => events.push("unpack".to_owned()),
    });
    let part = fs::metadata(folder.join("file.part")).ok().map(|about| about.len());
    Fetched { result, file: fs::read(folder.join("file")).ok(), part, events }
}

fn fetch(server: &Server, begun: Option<&[u8]>) -> Fetched {
    fetch_with(&set(vec![format!("{}/file", server.address)], Some(sum(&content()))), begun)
}

fn asked(server: &Server) -> Vec<String> {
    server.asked.lock().unwrap().clone()
}

#[test]
fn a_whole_file_is_verified_and_takes_its_name() {
    let server = serve(content(), &[Way::Whole]);
    let fetched = fetch(&server, None);
    fetched.result.unwrap();
    assert_eq!(fetched.file.unwrap(), content());
    assert_eq!((fetched.part, fetched.events), (None, vec!["begin 0".to_owned(), "verified".to_owned()]));
}

#[test]
fn a_file_that_is_there_is_not_fetched_again_and_a_damaged_one_is() {
    let server = serve(content(), &[Way::Whole]);
    let set = set(vec![format!("{}/file", server.address)], Some(sum(&content())));
    let data = tempfile::tempdir().unwrap();
    let path = set.folder(data.path()).join("file");
    let fetch = || get(&set, data.path(), &mut |_| {}).unwrap();
    fetch();
    fetch();
    assert_eq!(asked(&server).len(), 1);
    fs::write(&path, vec![0; 200_000]).unwrap();
    fetch();
    assert_eq!((asked(&server).len(), fs::read(&path).unwrap()), (2, content()));
}

#[test]
fn a_cut_connection_is_gone_on_with() {
    let server = serve(content(), &[Way::CutAfter(70_000), Way::CutAfter(50_000), Way::Whole]);
    let fetched = fetch(&server, None);
    fetched.result.unwrap();
    assert_eq!(fetched.file.unwrap(), content());
    assert_eq!(asked(&server), ["whole", "70000", "120000"]);
}

#[test]
fn a_part_of_an_earlier_try_is_gone_on_with() {
    let server = serve(content(), &[Way::Whole]);
    let fetched = fetch(&server, Some(&content()[..150_000]));
    fetched.result.unwrap();
    assert_eq!((fetched.file.unwrap(), asked(&server)), (content(), vec!["150000".to_owned()]));
    assert_eq!(fetched.events[0], "begin 150000");
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let server = serve(content(), &[Way::IgnoreRange]);
    let fetched = fetch(&server, Some(&vec![9; 150_000]));
    fetched.result.unwrap();
    assert_eq!(fetched.file.unwrap(), content());
}

#[test]
fn a_part_that_is_longer_than_the_file_is_dropped() {
    let server = serve(content(), &[Way::Whole]);
    let fetched = fetch(&server, Some(&vec![9; 200_001]));
    fetched.result.unwrap();
    assert_eq!((fetched.file.unwrap(), asked(&server)), (content(), vec!["whole".to_owned()]));
}

#[test]
fn a_wrong_sum_names_both_and_leaves_nothing() {
    let mut other = content();
    other[7] ^= 1;
    let server = serve(other.clone(), &[Way::Whole]);
    let fetched = fetch(&server, None);
    let error = fetched.result.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, FetchError::Sum { .. }), "{text}");
    for word in ["file", &sum(&content()), &sum(&other), "run the command again"] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!((fetched.file, fetched.part), (None, None));
}

#[test]
fn a_file_without_a_sum_tells_what_it_has() {
    let server = serve(content(), &[Way::Whole]);
    let fetched = fetch_with(&set(vec![format!("{}/file", server.address)], None), None);
    fetched.result.unwrap();
    assert_eq!(fetched.events[1], format!("unverified {}", sum(&content())));
}

#[test]
fn an_error_of_the_server_names_status_and_address() {
    let server = serve(content(), &[Way::Status(404)]);
    let fetched = fetch(&server, None);
    let text = fetched.result.unwrap_err().to_string();
    assert!(text.contains("status 404") && text.contains(&server.address), "{text}");
    assert_eq!(asked(&server).len(), 1, "a file that is not there is asked for once");
}

#[test]
fn the_next_address_is_tried() {
    let (gone, good) = (serve(content(), &[Way::Status(503)]), serve(content(), &[Way::Whole]));
    let urls = [&gone, &good].map(|server| format!("{}/file", server.address)).to_vec();
    let fetched = fetch_with(&set(urls, Some(sum(&content()))), None);
    fetched.result.unwrap();
    assert_eq!(fetched.events, ["begin 0", "failed", "verified"]);
}

#[test]
fn a_file_cut_short_keeps_what_came() {
    let server = serve(content(), &[Way::Short(80_000), Way::Status(500)]);
    let fetched = fetch(&server, None);
    assert!(fetched.result.is_err());
    assert_eq!((fetched.file, fetched.part), (None, Some(80_000)));

    let server = serve(content(), &[Way::CutAfter(0)]);
    let error = fetch(&server, Some(&content()[..10])).result.unwrap_err();
    assert!(matches!(error, FetchError::Cut { received: 10, expected: 200_000, .. }), "{error}");
}

#[test]
fn a_redirect_is_followed() {
    let server = serve(content(), &[Way::Redirect, Way::Whole]);
    let fetched = fetch(&server, Some(&content()[..1000]));
    fetched.result.unwrap();
    assert_eq!(asked(&server), ["1000", "1000"]);
}

#[test]
fn more_than_the_catalogue_says_is_refused() {
    let server = serve(content(), &[Way::Long]);
    let fetched = fetch(&server, None);
    assert!(matches!(fetched.result, Err(FetchError::TooLong { expected: 200_000, .. })));
    assert_eq!((fetched.file, fetched.part), (None, None));
}

#[test]
fn without_a_connection_the_message_says_what_to_do_by_hand() {
    // A port that was free a moment ago: nobody listens.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/file");
    let fetched = fetch_with(&set(vec![url.clone()], None), None);
    let error = fetched.result.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{text}");
    assert!(text.starts_with("cannot reach 127.0.0.1: "), "{text}");
    assert!(text.contains("by hand") && text.contains("tiny") && text.ends_with(&url), "{text}");
}
