//! mnemoscope-stream
