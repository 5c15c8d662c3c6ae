//! mnemoscope-measure
