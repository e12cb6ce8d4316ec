//! Batches on their device, one ahead where the device takes them beside its work.

use burn::tensor::{Device, Int, Tensor};

use super::step::batch_tensors;
use crate::data::{Batch, LoaderError};
use crate::model::Uploads;

/// Brings batches to their device.
pub(super) struct Arrivals {
    /// None: each batch is brought when it is asked for.
    uploads: Option<Box<dyn Uploads>>,
    /// The batch that was begun and not asked for yet: how many images it has, or what kept it from being made.
    ahead: Option<Result<usize, LoaderError>>,
}

/// A batch on the device.
pub(super) struct Arrived {
    /// `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// `[batch]`.
    pub labels: Tensor<1, Int>,
    /// Images in it.
    pub size: usize,
}

impl Arrivals {
    pub(super) fn new(uploads: Option<Box<dyn Uploads>>) -> Self {
        Self { uploads, ahead: None }
    }

    /// The next batch; unless it is the `last` one, that behind it is begun.
    ///
    /// # Errors
    /// Images of this batch that cannot be prepared, or a batch that is missing.
    ///
    /// # Panics
    /// Where the device fails, as operations on it do.
    pub(super) fn next(
        &mut self,
        batches: &mut impl Iterator<Item = Result<Batch, LoaderError>>,
        is_last: bool,
        device: &Device,
    ) -> Result<Arrived, LoaderError> {
        let mut take = || {
            let ended = || LoaderError::Plan("they ended before the last step".to_owned());
            batches.next().unwrap_or_else(|| Err(ended()))
        };
        let Some(uploads) = &mut self.uploads else {
            let batch = take()?;
            let size = batch.labels.len();
            let (images, labels) = batch_tensors(batch, device);
            return Ok(Arrived { images, labels, size });
        };
        let mut begin = || -> Result<usize, LoaderError> {
            let batch = take()?;
            let begun = uploads.begin(&batch.images, batch.shape, &batch.labels);
            begun.unwrap_or_else(|error| panic!("a batch on its way to the device: {error}"));
            Ok(batch.labels.len())
        };
        let size = self.ahead.take().unwrap_or_else(&mut begin)?;
        // Before this one is waited for. What keeps that one from being made is this step's error no more than it was.
        self.ahead = (!is_last).then(begin);
        let arrived = uploads.end();
        let (images, labels) = arrived.unwrap_or_else(|error| panic!("a batch on its way to the device: {error}"));
        Ok(Arrived {
            images: images.autodiff(),
            labels: labels.autodiff(),
            size,
        })
    }
}
