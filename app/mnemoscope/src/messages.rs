//! Warnings and errors of the lab on standard error.

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Messages;

impl Log for Messages {
    /// Graphics and windowing libraries warn of much that is no business of a person at a terminal.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && metadata.target().starts_with("mnemoscope")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            eprintln!("{}: {}", record.level().as_str().to_lowercase(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Shows them from now on.
pub fn show() {
    if log::set_logger(&Messages).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
