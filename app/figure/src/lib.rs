//! mnemoscope-figure
