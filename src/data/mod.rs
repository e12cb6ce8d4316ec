//! Data sets, and the batches that training takes from them.
//!
//! A [`DataSet`] is held in memory as bytes. [`load`] reads or makes one; the parsers behind it ([`cifar`], [`digits`],
//! [`image_file`]) also take plain bytes, so that they can be tested and fuzzed without files. A [`Loader`] makes the
//! normalised and augmented batches of an epoch on other threads while the device works. [`mod@fetch`] brings data sets here.

mod augmentation;
pub mod cifar;
pub mod digits;
mod error;
pub mod fetch;
mod folder;
pub mod image_file;
mod load;
mod loader;
mod memory;
mod normalization;
mod parallel;
mod plan;
mod set;
mod synthetic;
mod validation;

pub use augmentation::{LARGEST_SHIFT, ShiftFlip};
pub use error::{DataError, LoaderError};
pub use load::{Outline, load, outline};
pub use loader::Loader;
pub use normalization::Normalization;
pub use plan::{Batch, Batches, LoaderPlan, epoch_order};
pub use set::{DataSet, Part, Split};
pub use validation::hold_out;
