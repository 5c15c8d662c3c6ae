//! A .tar.gz, unpacked inside one folder: no paths out of it, no links, no more than so much.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use crate::error::FetchError;

/// Most bytes that an archive may hold, and most entries.
const LARGEST: u64 = 1 << 30;
const MOST_ENTRIES: usize = 10_000;

/// Unpacks the archive into `folder`. Nothing of it is there before all of it is sound.
pub(crate) fn unpack(archive: &Path, folder: &Path) -> Result<(), FetchError> {
    unpack_within(archive, folder, LARGEST)
}

fn unpack_within(archive: &Path, folder: &Path, largest: u64) -> Result<(), FetchError> {
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| FetchError::Disk { path, error }
    };
    let aside = folder.join(".unpacking");
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(disk(&aside))?;
    }
    fs::create_dir_all(&aside).map_err(disk(&aside))?;
    let done = extract(archive, &aside, largest).and_then(|()| {
        for entry in fs::read_dir(&aside).map_err(disk(&aside))? {
            let entry = entry.map_err(disk(&aside))?;
            let place = folder.join(entry.file_name());
            fs::rename(entry.path(), &place).map_err(disk(&place))?;
        }
        Ok(())
    });
    fs::remove_dir_all(&aside).map_err(disk(&aside))?;
    done
}

fn extract(path: &Path, aside: &Path, largest: u64) -> Result<(), FetchError> {
    let refuse = |problem: String| FetchError::Archive { path: path.to_owned(), problem };
    let damaged = |error: io::Error| refuse(format!("it is damaged ({error}); remove it and fetch it again"));
    let file = File::open(path).map_err(|error| FetchError::Disk { path: path.to_owned(), error })?;
    let mut archive = Archive::new(GzDecoder::new(file));
    let mut left = largest;
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        if count >= MOST_ENTRIES {
            return Err(refuse(format!("it has more than {MOST_ENTRIES} entries")));
        }
        if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(refuse(format!("its entry {} leads out of the folder", name.display())));
        }
        let place = aside.join(&name);
        let disk = |error: io::Error| FetchError::Disk { path: place.clone(), error };
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&place).map_err(disk)?,
            EntryType::Regular | EntryType::Continuous => {
                if entry.size() > left {
                    return Err(refuse(format!("it holds more than {largest} bytes")));
                }
                left -= entry.size();
                if let Some(parent) = place.parent() {
                    fs::create_dir_all(parent).map_err(disk)?;
                }
                let mut out = File::create(&place).map_err(disk)?;
                let size = entry.size();
                let written = io::copy(&mut entry.by_ref().take(size), &mut out).map_err(damaged)?;
                if written < size {
                    return Err(refuse("it is cut short; remove it and fetch it again".to_owned()));
                }
            }
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            other => return Err(refuse(format!("its entry {} is a {other:?}, not a file", name.display()))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// An archive of entries: kind, path, content. The path is written as it is, which the builder itself would refuse.
    fn pack(entries: &[(EntryType, &str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("a.tar.gz")).unwrap();
        let mut builder = Builder::new(GzEncoder::new(file, Compression::best()));
        for (kind, path, content) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            if matches!(kind, EntryType::Symlink) {
                header.set_link_name("/etc").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        folder
    }

    fn refusal(entries: &[(EntryType, &str, &[u8])], largest: u64) -> String {
        let folder = pack(entries);
        let error = unpack_within(&folder.path().join("a.tar.gz"), folder.path(), largest).unwrap_err();
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.tar.gz"], "nothing is left of a refused archive");
        error.to_string()
    }

    #[test]
    fn files_and_folders_come_out() {
        let folder = pack(&[
            (EntryType::Directory, "set/", b""),
            (EntryType::Regular, "set/a.bin", b"one"),
            (EntryType::Regular, "./set/inner/b.bin", b"two"),
        ]);
        unpack(&folder.path().join("a.tar.gz"), folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("set/a.bin")).unwrap(), b"one");
        assert_eq!(fs::read(folder.path().join("set/inner/b.bin")).unwrap(), b"two");
        assert!(!folder.path().join(".unpacking").exists());
    }

    #[test]
    fn paths_out_of_the_folder_links_and_bombs_are_refused() {
        for path in ["../evil", "set/../../evil", "/tmp/evil"] {
            let text = refusal(&[(EntryType::Regular, "good", b"1"), (EntryType::Regular, path, b"2")], 100);
            assert!(text.contains("leads out of the folder"), "{text}");
        }
        let text = refusal(&[(EntryType::Symlink, "link", b"")], 100);
        assert!(text.contains("is a Symlink"), "{text}");
        let text = refusal(&[(EntryType::Regular, "a", &[0; 60]), (EntryType::Regular, "b", &[0; 60])], 100);
        assert!(text.contains("more than 100 bytes"), "{text}");
    }

    #[test]
    fn archives_cut_short_are_refused() {
        let noise: Vec<u8> = (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let folder = pack(&[(EntryType::Regular, "a", &noise)]);
        let path = folder.path().join("a.tar.gz");
        let whole = fs::read(&path).unwrap();
        for cut in [1, 30, whole.len() / 2] {
            fs::write(&path, &whole[..cut]).unwrap();
            let error = unpack(&path, folder.path()).unwrap_err();
            assert!(matches!(error, FetchError::Archive { .. }), "{error}");
        }
    }
}
