//! The batches that a training run takes from a data set.

use std::ops::Range;
use std::sync::Arc;

use crate::data::{DataError, DataSet, Loader, LoaderError, LoaderPlan, Normalization, Part, hold_out};
use crate::formats::ablation::{Augment, DataSettings, TrainSettings};

/// A data set divided into training, validation and test images, and normalised.
pub struct TrainingImages {
    data: Arc<DataSet>,
    normalization: Normalization,
    augment: Augment,
    cutout: Option<usize>,
    ten_crops: bool,
    training: Vec<usize>,
    validation: Vec<usize>,
    threads: usize,
}

impl TrainingImages {
    /// Divides and normalises a data set for a trial's seed, or for that of `[data] validation-seed`; `threads` prepare its batches
    /// ahead, as [`crate::host::loader_threads`] has them; with 0 the thread that takes a batch makes it.
    ///
    /// # Errors
    /// A validation share that leaves nothing to train on, statistics of the wrong number of channels, an image that
    /// cannot be read.
    pub fn new(data: Arc<DataSet>, settings: &DataSettings, seed: u64, threads: usize) -> Result<Self, DataError> {
        let (training, validation) = hold_out(
            data.train.images(),
            settings.validation_share,
            settings.validation_seed.unwrap_or(seed),
        )?;
        // The whole training split's statistics, held out images included: the same for every seed.
        let normalization = Normalization::resolve(settings, &data)?;
        Ok(Self {
            data,
            normalization,
            augment: settings.augment,
            cutout: settings.cutout,
            ten_crops: settings.test_crops > 1,
            training,
            validation,
            threads,
        })
    }

    /// How many images are trained on.
    pub fn train_images(&self) -> usize {
        self.training.len()
    }

    /// Images of the whole training split, held out ones included.
    pub fn split_images(&self) -> usize {
        self.data.train.images()
    }

    /// Every batch of the epochs for a trial's seed, in order, but for the `first_batch` that the first of them had before.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn training_batches(
        &self,
        train: &TrainSettings,
        seed: u64,
        epochs: Range<usize>,
        first_batch: usize,
    ) -> Result<Loader, LoaderError> {
        let plan = LoaderPlan {
            part: Part::Train,
            indices: self.training.clone(),
            normalization: self.normalization.clone(),
            batch_size: train.batch_size,
            epochs,
            first_batch,
            seed: train.fixed_seeds.order.unwrap_or(seed),
            augmentation_seed: train.fixed_seeds.augmentation.unwrap_or(seed),
            shuffle: train.shuffle,
            augment: self.augment,
            cutout: self.cutout,
            ten_crops: false,
            threads: self.threads,
        };
        Loader::start(Arc::clone(&self.data), plan)
    }

    /// The images held out, in the data set's order, not augmented but cut as the test images are; none where nothing is
    /// held out.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn validation_batches(&self, batch_size: usize) -> Result<Option<Loader>, LoaderError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        self.in_order(Part::Train, self.validation.clone(), batch_size, self.ten_crops)
            .map(Some)
    }

    /// The test split in the data set's order. With ten crops of an image a batch has fewer images, so that it takes no more
    /// memory.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn test_batches(&self, batch_size: usize) -> Result<Loader, LoaderError> {
        let all = (0..self.data.test.images()).collect();
        self.in_order(Part::Test, all, batch_size, self.ten_crops)
    }

    /// The whole training split, held out images included, in the data set's order, not augmented, one square of each.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn train_batches_in_order(&self, batch_size: usize) -> Result<Loader, LoaderError> {
        let all = (0..self.data.train.images()).collect();
        self.in_order(Part::Train, all, batch_size, false)
    }

    fn in_order(
        &self,
        part: Part,
        indices: Vec<usize>,
        batch_size: usize,
        ten_crops: bool,
    ) -> Result<Loader, LoaderError> {
        let batch_size = if ten_crops { batch_size.div_ceil(10) } else { batch_size };
        let plan = LoaderPlan {
            ten_crops,
            threads: self.threads,
            ..LoaderPlan::evaluation(part, indices, self.normalization.clone(), batch_size)
        };
        Loader::start(Arc::clone(&self.data), plan)
    }
}
