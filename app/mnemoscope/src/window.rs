//! The window.

use std::process::ExitCode;

use mnemoscope_desk::{DeskError, Options};

use crate::args::WindowArgs;
use crate::experiment;

/// What a shell sees where there is no display.
const NO_DISPLAY: u8 = 2;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When the experiment cannot be found, or the window cannot be made although there is a display.
pub fn open(args: &WindowArgs) -> anyhow::Result<ExitCode> {
    let found = args.experiment.as_deref().map(experiment::find).transpose()?;
    let (preset, path) = found.map_or((None, None), |found| (Some(found.experiment), found.path));
    let options = Options { preset, path, device: args.device, fresh: args.fresh, ..Options::default() };
    match mnemoscope_desk::run(options) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ DeskError::NoDisplay) => {
            eprintln!("{error}");
            Ok(ExitCode::from(NO_DISPLAY))
        }
        Err(error) => Err(error.into()),
    }
}
