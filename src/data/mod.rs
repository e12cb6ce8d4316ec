//! Data sets, and the batches that training takes from them.
//!
//! A [`DataSet`] is held in memory as bytes. [`load`] reads or makes one; [`crate::data_sets`] has what each is. A
//! [`Loader`] makes the normalised and augmented batches of an epoch on other threads while the device works.
//! [`mod@fetch`] downloads data sets.

mod augmentation;
mod batches;
mod error;
pub mod fetch;
mod load;
mod loader;
mod normalization;
mod validation;

pub use crate::data_sets::{DataError, DataSet, Outline, Part, Split};
pub use augmentation::{LARGEST_SHIFT, ShiftFlip};
pub use batches::{Batch, Batches, LoaderPlan, epoch_order};
pub use error::LoaderError;
pub use load::{load, outline};
pub use loader::Loader;
pub use normalization::Normalization;
pub use validation::hold_out;
