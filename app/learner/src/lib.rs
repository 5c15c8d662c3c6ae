//! mnemoscope-learner
