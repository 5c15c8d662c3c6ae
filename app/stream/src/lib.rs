//! Data sets, tasks and scenarios: what a run learns from, and in which order. Indices and arrays, no tensors.
//!
//! A [`Dataset`] holds all samples. A scenario cuts it into [`Group`]s, the distributions that are trained and
//! evaluated. An order makes a list of [`Block`]s, which say which group is trained when, for how long, and mixed with
//! which others, so a group may come back. Any scenario goes with any order. A [`Stream`] joins the three for a population of replicas, and a [`BlockSampler`] draws the batches of one block.
//! Every draw is a pure function of the stream's seed, the replica's seed, the block and the epoch: nothing about
//! sampling is saved with a run.
//!
//! ```
//! use std::sync::Arc;
//! use mnemoscope_core::Component;
//! use mnemoscope_stream::{Dataset, Part, Scope, Stream};
//!
//! let digits = Arc::new(Dataset::load(&Component::new("digits")?)?);
//! let (scenario, order) = (Component::new("split")?, Component::new("sequential")?);
//! let stream = Stream::new(digits, &scenario, &order, None, &[1, 2])?;
//! assert_eq!(stream.group(0, 0).name, "digits 0, 1");
//!
//! let mut sampler = stream.block_sampler(0, Scope::Current);
//! let (mut x, mut y) = (Vec::new(), Vec::new());
//! if let Some(batch) = sampler.batch(0, 0) {
//!     stream.gather_samples(0, batch, &mut x, &mut y);
//! }
//! assert_eq!((x.len(), y.len()), (16 * 64, 16));
//! assert!(stream.part_len(0, 0, Part::Test) > 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod block;
mod cifar;
mod dataset;
mod digits;
mod disjoint;
mod error;
mod folder;
mod glyphs;
mod group;
mod group_maker;
mod hash;
mod idx;
mod instances;
mod library;
mod mixing;
mod npy;
mod order;
mod parts;
mod paths;
mod points;
mod sampler;
mod scenario;
mod sequence;
mod share;
mod stream;
mod table;
mod transform;

#[cfg(test)]
mod combination_tests;

pub use block::{Block, Length, Scope};
pub use dataset::{DataSources, Dataset, Pixels, Shape};
pub use error::{DataError, StreamError};
pub use group::{Group, Head};
pub use instances::{Corruption, Instances};
pub use library::{LibraryFile, LibraryForm, LibrarySet, catalogue, data_folder};
pub use order::Orders;
pub use parts::Part;
pub use paths::{PathRole, path_role};
pub use points::{PointSet, PointSource};
pub use sampler::{BlockSampler, SampleRef};
pub use scenario::Scenarios;
pub use sequence::{SequenceError, gives_tokens};
pub use share::{Curve, Pool, Share};
pub use stream::Stream;
pub use transform::Transform;
