//! mnemoscope-lab
