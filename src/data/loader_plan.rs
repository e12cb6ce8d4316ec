//! Which batches a run takes from a data set, and how its images are changed.

use std::ops::Range;

use super::error::LoaderError;
use super::normalization::Normalization;
use crate::data_sets::{DataSet, Part};
use crate::formats::ablation::Augment;

/// Which batches are taken from a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct LoaderPlan {
    /// The split.
    pub part: Part,
    /// The images of an epoch, by their index in the split; all, or those that [`super::hold_out`] gives.
    pub indices: Vec<usize>,
    /// Turns bytes into values.
    pub normalization: Normalization,
    /// Images in a batch; the last of an epoch may have fewer.
    pub batch_size: usize,
    /// The epochs, from 0.
    pub epochs: Range<usize>,
    /// The batch of the first epoch to start with: 0, or where an interrupted run resumes.
    pub first_batch: usize,
    /// The seed of the epochs' orders.
    pub seed: u64,
    /// The seed of the augmentation.
    pub augmentation_seed: u64,
    /// Whether each epoch has an order of its own; else it is that of `indices`.
    pub shuffle: bool,
    /// How images are changed from epoch to epoch.
    pub augment: Augment,
    /// The side of the square that is then cut from each image, in pixels.
    pub cutout: Option<usize>,
    /// Whether each image is not changed but cut: into the squares in its corners and the one in its middle, and each of
    /// them mirrored. An image then has ten in a batch, one after the other.
    pub ten_crops: bool,
    /// Threads that prepare batches ahead; 0: the caller's thread makes each batch on demand. The batches do not depend
    /// on it.
    pub threads: usize,
}

impl LoaderPlan {
    /// One pass in order, unchanged, as an evaluation needs it.
    pub fn evaluation(part: Part, indices: Vec<usize>, normalization: Normalization, batch_size: usize) -> Self {
        Self {
            part,
            indices,
            normalization,
            batch_size,
            epochs: 0..1,
            first_batch: 0,
            seed: 0,
            augmentation_seed: 0,
            shuffle: false,
            augment: Augment::None,
            cutout: None,
            ten_crops: false,
            threads: 0,
        }
    }

    /// Batches in an epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.indices.len().div_ceil(self.batch_size.max(1))
    }

    /// Batches from the first to the end of the last epoch.
    pub(super) fn batches(&self) -> usize {
        (self.epochs.len() * self.batches_per_epoch()).saturating_sub(self.first_batch)
    }

    /// Checks that it fits the data set.
    ///
    /// # Errors
    /// No images, images that are not there, a batch size of 0, or statistics of another number of channels.
    pub(super) fn check(&self, data: &DataSet) -> Result<(), LoaderError> {
        let images = data.split(self.part).images();
        let channels = data.shape.channels;
        let rule = if self.batch_size == 0 {
            "the batch size is 0".to_owned()
        } else if self.indices.is_empty() {
            "there are no images".to_owned()
        } else if let Some(index) = self.indices.iter().find(|&&index| index >= images) {
            format!("there is no image {index}: the split has {images}")
        } else if self.normalization.mean.len() != channels || self.normalization.std.len() != channels {
            format!("the normalization is not one of {channels} channels")
        } else {
            return Ok(());
        };
        Err(LoaderError::Plan(rule))
    }
}
