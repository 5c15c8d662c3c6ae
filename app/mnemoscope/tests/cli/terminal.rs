//! Running the program as a person at a terminal does.

use std::path::Path;
use std::process::{Command, Output};

/// A command of the built program, without any display.
pub fn mnemoscope(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mnemoscope"));
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// Two tasks of 30 steps for two seeds of a small network: trained in a moment.
const SMALL: [&str; 9] = [
    "--device=cpu",
    "--seeds=2",
    "--set=stream.tasks=2",
    "--set=stream.steps=30",
    "--set=model.widths=[8]",
    "--set=evaluation.dense=5",
    "--set=evaluation.every=7",
    "--set=evaluation.sample=20",
    "--out",
];

/// A small run of fine-tuning into a folder, with more arguments.
pub fn small(folder: &Path, more: &[&str]) -> Command {
    small_of("forgetting-split-digits", folder, more)
}

/// A small run of a preset of split digits.
pub fn small_of(preset: &str, folder: &Path, more: &[&str]) -> Command {
    let mut command = mnemoscope(&["run", preset]);
    command.args(SMALL).arg(folder).args(more);
    command
}

/// Runs it, which must succeed, and answers what it printed.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it, which must fail with exit code 1, and answers the message.
pub fn fail(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}", stderr(&output));
    stderr(&output)
}

/// What it wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The bytes of a file of a folder.
pub fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
