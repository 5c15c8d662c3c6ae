//! Figures from outside: what is written, what is shown, and that both hold the same numbers.

#![expect(clippy::unwrap_used, reason = "tests")]

mod csv;
mod files;
mod heat;
mod samples;
mod svg;
mod window;
