//! Associative memories, trained by no gradient: N pairs of key and value are written one after another and every key
//! is asked for again. Rules: Hebb (linear attention), delta, and softmax attention, each with decay.
//!
//! All arrays are row-major `Vec<f32>`: keys and queries `[N, d_k]`, values `[N, d_v]`, the memory matrix S
//! `[d_v, d_k]`. A read is `S q`.
//!
//! ```
//! use mnemoscope_core::Setting;
//! use mnemoscope_memory::{Association, Component};
//!
//! let component = Component::new("association")?
//!     .with("pairs", Setting::Number(8.0))?
//!     .with("orthonormal", Setting::Switch(true))?;
//! let mut association = Association::new(component)?;
//! assert!(association.snapshot().mean_error < 1e-9);
//! association.show(3)?;
//! assert_eq!(association.snapshot().recall_matrix.len(), 3 * 3);
//! # Ok::<(), mnemoscope_memory::MemoryError>(())
//! ```

mod association;
pub mod cache;
mod capacity;
mod delta;
mod error;
mod gpu;
mod hebb;
mod kinds;
mod matrix;
mod pairs;
mod recall;
mod rule;
pub mod scan;
mod softmax;

pub use association::Association;
pub use capacity::{CapacityCurve, CapacityPoint, capacity_curve, known_error, known_error_hebb};
pub use error::{GpuError, MemoryError};
pub use gpu::{Gpu, Scan, recall_gpu, write_gpu};
pub use kinds::{AssociationKinds, check};
pub use pairs::Pairs;
pub use recall::{Snapshot, errors, mean_error, recall_matrix};
pub use rule::{Rule, last_write, recall, write};
pub use softmax::softmax_weights;

/// An associative memory and its settings, as an experiment file names it.
pub type Component = mnemoscope_core::Component<AssociationKinds>;
