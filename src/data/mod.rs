//! Data sets, and the batches that training takes from them.
//!
//! [`load`] reads or makes a [`DataSet`], as bytes in memory or as files whose images are decoded when a batch needs
//! them; [`crate::data_sets`] has what each is. A [`Loader`] makes the normalised and augmented batches of an epoch on other threads while the device works.
//! [`mod@fetch`] downloads data sets.

mod augmentation;
mod batches;
mod cutout;
mod error;
pub mod fetch;
mod known_folder;
mod load;
mod loader;
mod loader_plan;
mod normalization;
mod random_resized_crop;
mod validation;
mod values;

pub use crate::data_sets::{
    DataError, DataSet, FilesSurvey, Images, Moments, Outline, Part, Progress, Region, Survey, untested_in_words,
};
pub use augmentation::{LARGEST_SHIFT, ShiftFlip};
pub use batches::{Batch, Batches, epoch_order};
pub use error::LoaderError;
pub use known_folder::find_folders;
pub use load::{load, open, open_from, outline};
pub use loader::Loader;
pub use loader_plan::LoaderPlan;
pub use normalization::Normalization;
pub use random_resized_crop::RandomResizedCrop;
pub use validation::{check_training_classes, hold_out};
