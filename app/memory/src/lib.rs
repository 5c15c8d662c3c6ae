//! mnemoscope-memory
