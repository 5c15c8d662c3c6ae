//! mnemoscope-compute
