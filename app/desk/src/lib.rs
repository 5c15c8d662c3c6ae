//! mnemoscope-desk
