//! The built program, used from a terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod check;
mod list;
mod messages;
mod run;
mod terminal;
