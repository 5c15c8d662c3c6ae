//! Associative memories, trained by no gradient of a network: pairs of key and value are written one after another,
//! and keys are asked for again. A memory is composed of four choices ([`Composition`]): an architecture, an inner
//! objective, a retention and a learning rule. Linear attention, the delta rule, Titans, least squares and softmax
//! attention are points of that space.
//!
//! All arrays are row-major `Vec<f32>`: keys and queries `[N, d_k]`, values `[N, d_v]`, the memory matrix S
//! `[d_v, d_k]`. A read of a matrix is `S q`.
//!
//! ```
//! use mnemoscope_core::Setting;
//! use mnemoscope_memory::{Association, Component, Composition};
//!
//! let component = Component::new("association")?
//!     .with("pairs", Setting::Number(8.0))?
//!     .with("orthonormal", Setting::Switch(true))?;
//! let mut association = Association::new(component, Composition::default())?;
//! assert!(association.snapshot().quality.error < 1e-9);
//! association.show(3)?;
//! assert_eq!(association.snapshot().recall_matrix.len(), 3 * 3);
//! # Ok::<(), mnemoscope_memory::MemoryError>(())
//! ```

mod age;
mod architecture;
mod association;
mod bias;
pub mod cache;
mod capacity;
mod composition;
mod conditioning;
mod cost;
mod depth;
mod error;
mod features;
mod forgetting;
mod gpu;
mod held;
mod kinds;
mod learned;
mod least_squares;
mod linear;
mod matrix;
mod memory;
mod mixer;
mod pairs;
mod quality;
mod recall;
mod retention;
mod rule;
pub mod scan;

pub use age::{AgeCurve, age_curve, known_strength, strength_by_age};
pub use architecture::Architectures;
pub use association::Association;
pub use bias::Biases;
pub use capacity::{CapacityCurve, CapacityPoint, capacity_curve, known_error, known_error_hebb};
pub use composition::{Composition, NamedPoint, Place, choice_formula};
pub use conditioning::{
    Classical, Conditioning, ConditioningError, Conditionings, Course, CueError, Cues, MOST_CUES, MOST_TRIALS, Trial,
};
pub use cost::{Cost, MOST_BYTES, association_cost, fits, fits_depth};
pub use depth::{Depths, check_depth, depth_curves, depth_errors, known_depth_error};
pub use error::{GpuError, MemoryError};
pub use features::FeatureMap;
pub use forgetting::{Fit, ForgettingFit, fit_forgetting};
pub use gpu::{Gpu, Kernel, Scan, StateOnCard};
pub use held::{HELD, HeldPoint, capacity, capacity_sweep};
pub use kinds::{AssociationKinds, check, longest_key, memory_width};
pub use memory::{Image, Memory};
pub use mixer::{Fade, Mixer};
pub use pairs::Pairs;
pub use quality::{Quality, quality};
pub use recall::{Snapshot, errors, mean_error, recall_matrix, remember};
pub use retention::Retentions;
pub use rule::Rules;

/// The pairs of the association bench and their settings, as an experiment file names them.
pub type Component = mnemoscope_core::Component<AssociationKinds>;
