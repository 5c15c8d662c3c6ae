//! `data`: fetches known data sets, lists them, and says where they lie.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use mnemoscope_fetch::Event;
use mnemoscope_stream::{LibraryFile, LibrarySet, catalogue, data_folder};

use crate::args::DataCommand;
use crate::output;

/// Does what was asked for.
///
/// # Errors
/// When there is no such set, no folder for it, or it cannot be fetched.
pub fn data(command: &DataCommand) -> anyhow::Result<ExitCode> {
    let folder = data_folder()
        .context("there is no home folder to keep data in; set MNEMOSCOPE_DATA to the folder that is to hold them")?;
    match command {
        DataCommand::Path => output::line(&folder.display().to_string())?,
        DataCommand::List => {
            for set in catalogue() {
                output::print(&described(set, &folder))?;
            }
        }
        DataCommand::Get { names } => {
            for set in find(names)? {
                fetch(set, &folder)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn described(set: &LibrarySet, folder: &Path) -> String {
    let state = if set.is_present(folder) { "present" } else { "absent" };
    let unverified = if set.files.iter().all(|file| file.sha256.is_some()) { "" } else { "; unverified" };
    format!(
        "{}: {} ({state})\n    {}; {} to fetch{unverified}\n    licence: {}\n    {}\n\n",
        set.name,
        set.title,
        set.about,
        HumanBytes(set.bytes()),
        set.licence,
        set.source
    )
}

/// The sets of these names, before anything is fetched.
fn find(names: &[String]) -> anyhow::Result<Vec<&'static LibrarySet>> {
    let mut sets = Vec::new();
    for name in names {
        let known = || catalogue().iter().map(|set| set.name.as_str());
        match (LibrarySet::find(name), mnemoscope_core::nearest(name, known())) {
            (Some(set), _) => sets.push(set),
            (None, Some(hint)) => bail!("there is no data set {name:?} to fetch; did you mean {hint:?}?"),
            (None, None) => {
                bail!("there is no data set {name:?} to fetch; there is: {}", known().collect::<Vec<_>>().join(", "))
            }
        }
    }
    Ok(sets)
}

fn fetch(set: &LibrarySet, folder: &Path) -> anyhow::Result<()> {
    eprintln!("{}: {}; licence: {}", set.title, set.about, set.licence);
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    let say = |file: &LibraryFile, text: &str| bar.suspend(|| eprintln!("{}: {text}", file.name));
    let done = mnemoscope_fetch::get(set, folder, &mut |event| match event {
        Event::Present(file) => say(file, "already there"),
        Event::Begin(file, received) => {
            bar.set_message(file.name.clone());
            bar.set_length(file.bytes);
            bar.set_position(received);
            bar.reset_eta();
        }
        Event::Bytes(received) => bar.set_position(received),
        Event::Failed(problem) => bar.suspend(|| eprintln!("note: {problem}")),
        Event::Verified(file) => say(file, "verified"),
        Event::Unverified(file, sum) => say(file, &format!("unverified; its SHA-256 is {sum}")),
        Event::Unpack(file) => say(file, "unpacking"),
    });
    bar.finish_and_clear();
    done?;
    output::line(&format!(
        "{} is in {}; use it as library(name: {:?})",
        set.name,
        set.folder(folder).display(),
        set.name
    ))?;
    Ok(())
}
