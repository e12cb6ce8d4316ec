//! The batches of a plan, and how each is made.

use std::sync::Arc;

use super::error::LoaderError;
use super::loader_plan::LoaderPlan;
use super::values::{CROPS, values};
use crate::data_sets::{DataError, DataSet};
use crate::random::{Purpose, Stream};

/// The order of `images` images in an epoch: positions from 0. It depends on the seed and the epoch alone; without
/// `shuffle` it is ascending.
pub fn epoch_order(images: usize, seed: u64, epoch: usize, shuffle: bool) -> Vec<usize> {
    if shuffle {
        Stream::new(seed, Purpose::BatchOrder, epoch as u64).permutation(images)
    } else {
        (0..images).collect()
    }
}

/// Some images, normalised and augmented, with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The batch's place in the epoch, from 0.
    pub batch: usize,
    /// `[image, channel, row, column]`; with ten crops there are ten images for each label.
    pub images: Vec<f32>,
    /// The lengths of those four axes.
    pub shape: [usize; 4],
    /// The class of each image; 64 bits wide, as libtorch indexes.
    pub labels: Vec<i64>,
    /// The index of each image in its split.
    pub indices: Vec<usize>,
}

/// The batches of a plan, one after the other, each made on demand on the caller's thread.
pub struct Batches {
    source: Arc<Source>,
    epoch: usize,
    batch: usize,
    /// How many batches ahead the next one is.
    stride: usize,
    /// The order of one epoch.
    order: Option<(usize, Vec<usize>)>,
}

/// The source of every batch.
struct Source {
    data: Arc<DataSet>,
    plan: LoaderPlan,
    tables: Vec<[f32; 256]>,
}

impl Batches {
    /// Starts at the plan's first batch.
    ///
    /// # Errors
    /// A plan without images or with a batch size of 0, or one that does not fit the data set.
    pub fn new(data: Arc<DataSet>, plan: LoaderPlan) -> Result<Self, LoaderError> {
        let mut every = Self::interleaved(data, plan, 1)?;
        // `interleaved` gives one part for each of at least one worker.
        every
            .pop()
            .ok_or_else(|| LoaderError::Plan("there are no workers".to_owned()))
    }

    /// The batches dealt out to `workers`: batch i goes to worker i mod `workers`.
    pub(super) fn interleaved(data: Arc<DataSet>, plan: LoaderPlan, workers: usize) -> Result<Vec<Self>, LoaderError> {
        plan.check(&data)?;
        let source = Arc::new(Source {
            tables: plan.normalization.tables(data.scale),
            data,
            plan,
        });
        let stride = workers.max(1);
        let part = |worker| {
            let mut part = Self {
                source: Arc::clone(&source),
                epoch: source.plan.epochs.start,
                batch: source.plan.first_batch,
                stride,
                order: None,
            };
            part.advance(worker);
            part
        };
        Ok((0..stride).map(part).collect())
    }

    fn advance(&mut self, batches: usize) {
        let per_epoch = self.source.plan.batches_per_epoch();
        let batch = self.batch + batches;
        self.epoch += batch / per_epoch;
        self.batch = batch % per_epoch;
    }
}

impl Iterator for Batches {
    /// A batch, or the first of its images that cannot be read or decoded.
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Source { data, plan, tables } = &*self.source;
        if self.epoch >= plan.epochs.end {
            return None;
        }
        let order = match self.order.take() {
            Some((epoch, order)) if epoch == self.epoch => order,
            _ => epoch_order(plan.indices.len(), plan.seed, self.epoch, plan.shuffle),
        };
        let first = self.batch * plan.batch_size;
        let last = (first + plan.batch_size).min(order.len());
        let indices: Vec<usize> = order[first..last]
            .iter()
            .map(|&position| plan.indices[position])
            .collect();
        let labels = &data.split(plan.part).labels;
        let batch = values(data, plan, tables, self.epoch, &indices).map(|images| Batch {
            epoch: self.epoch,
            batch: self.batch,
            images,
            shape: [
                indices.len() * if plan.ten_crops { CROPS } else { 1 },
                data.shape.channels,
                data.shape.height,
                data.shape.width,
            ],
            labels: indices.iter().map(|&index| i64::from(labels[index])).collect(),
            indices,
        });
        self.order = Some((self.epoch, order));
        self.advance(self.stride);
        Some(batch)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sha2::{Digest, Sha256};

    use super::super::augmentation::ShiftFlip;
    use super::super::cutout::Cutout;
    use super::super::normalization::Normalization;
    use super::*;
    use crate::data::load;
    use crate::data_sets::{Moments, Part};
    use crate::formats::ablation::{Augment, DataSetName, DataSettings};
    use crate::words::hex;

    /// The digits, and a plan to train on 50 of them in batches of 8 for 3 epochs.
    pub fn digits() -> (Arc<DataSet>, LoaderPlan) {
        let mut settings = DataSettings::new(DataSetName::Digits);
        settings.train_limit = Some(60);
        let data = load(&settings, 1, None).unwrap();
        let indices: Vec<usize> = (5..55).collect();
        let images = data.train.read(&indices).unwrap();
        let moments = Moments::of(images.iter().map(|image| &image[..]), 1);
        let plan = LoaderPlan {
            part: Part::Train,
            normalization: Normalization::of(&moments, indices.len(), data.scale, data.shape),
            indices,
            batch_size: 8,
            epochs: 0..3,
            first_batch: 0,
            seed: 0,
            augmentation_seed: 0,
            shuffle: true,
            augment: Augment::ShiftFlip,
            cutout: None,
            ten_crops: false,
            threads: 0,
        };
        drop(images);
        (Arc::new(data), plan)
    }

    fn all(data: &Arc<DataSet>, plan: &LoaderPlan) -> Vec<Batch> {
        let batches = Batches::new(Arc::clone(data), plan.clone()).unwrap();
        batches.map(Result::unwrap).collect()
    }

    #[test]
    fn every_image_comes_once_an_epoch_in_another_order_each() {
        let (data, plan) = digits();
        let batches = all(&data, &plan);
        assert_eq!(batches.len(), 3 * 7);
        assert_eq!(batches[6].shape, [2, 1, 8, 8]);
        let order = |epoch: usize| -> Vec<usize> {
            let batches = batches.iter().filter(|batch| batch.epoch == epoch);
            batches.flat_map(|batch| batch.indices.clone()).collect()
        };
        for epoch in 0..3 {
            let mut indices = order(epoch);
            assert_ne!(indices, plan.indices);
            indices.sort_unstable();
            assert_eq!(indices, plan.indices);
        }
        assert_ne!(order(0), order(1));
    }

    #[test]
    fn without_shuffle_and_augmentation_images_keep_their_order_and_values() {
        let (data, plan) = digits();
        let plan = LoaderPlan::evaluation(Part::Train, plan.indices, plan.normalization, 20);
        let batches = all(&data, &plan);
        assert_eq!(
            batches.iter().map(|batch| batch.indices.len()).collect::<Vec<_>>(),
            [20, 20, 10]
        );
        let indices: Vec<usize> = batches.iter().flat_map(|batch| batch.indices.clone()).collect();
        assert_eq!(indices, plan.indices);
        let labels: Vec<i64> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
        let expected: Vec<i64> = data.train.labels[5..55].iter().map(|&label| i64::from(label)).collect();
        assert_eq!(labels, expected);
        let table = plan.normalization.tables(data.scale)[0];
        let last = data.train.read(&(45..55).collect::<Vec<_>>()).unwrap();
        for (value, &pixel) in batches[2].images.iter().zip(last.iter().flat_map(|image| image.iter())) {
            assert_eq!(*value, table[pixel as usize]);
        }
    }

    #[test]
    fn an_image_is_changed_alike_in_any_batch_and_never_mixed_with_another() {
        let (data, plan) = digits();
        let mut expected = std::collections::HashMap::new();
        let tables = plan.normalization.tables(data.scale);
        for index in 5..55 {
            let mut image = vec![0f32; 64];
            ShiftFlip::draw(0, 1, index).apply(&data.train.read(&[index]).unwrap()[0], &tables, data.shape, &mut image);
            expected.insert(index, image);
        }
        for (batch_size, shuffle) in [(8, true), (50, false), (1, true)] {
            let plan = LoaderPlan {
                batch_size,
                shuffle,
                epochs: 1..2,
                ..plan.clone()
            };
            for batch in all(&data, &plan) {
                for (index, image) in batch.indices.iter().zip(batch.images.chunks_exact(64)) {
                    assert_eq!(image, expected[index]);
                }
            }
        }
    }

    #[test]
    fn cutout_comes_after_the_augmentation() {
        let (data, plan) = digits();
        let plan = LoaderPlan { epochs: 1..2, ..plan };
        let cut = LoaderPlan {
            cutout: Some(4),
            ..plan.clone()
        };
        for (batch, cut) in all(&data, &plan).iter().zip(all(&data, &cut)) {
            assert_eq!(batch.indices, cut.indices);
            let mut expected = batch.images.clone();
            for (index, image) in batch.indices.iter().zip(expected.chunks_exact_mut(64)) {
                Cutout::draw(4, data.shape, plan.augmentation_seed, 1, *index).apply(data.shape, image);
            }
            assert_eq!(cut.images, expected);
            assert_ne!(cut.images, batch.images);
        }
    }

    #[test]
    fn a_resumed_run_takes_the_remaining_batches() {
        let (data, plan) = digits();
        let whole = all(&data, &plan);
        for (epoch, first_batch) in [(0, 3), (1, 0), (1, 6), (1, 7), (2, 6), (2, 7)] {
            let rest = LoaderPlan {
                epochs: epoch..3,
                first_batch,
                ..plan.clone()
            };
            assert_eq!(rest.batches(), 21 - epoch * 7 - first_batch);
            assert_eq!(all(&data, &rest), whole[epoch * 7 + first_batch..]);
        }
    }

    #[test]
    fn the_first_batch_is_the_same_as_ever() {
        // Recorded losses depend on these bytes: a change of a stream or of the normalisation must not go unnoticed.
        let (data, plan) = digits();
        let batch = &all(&data, &plan)[0];
        let bytes: Vec<u8> = batch.images.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(batch.indices, [49, 25, 45, 33, 11, 35, 26, 7]);
        assert_eq!(
            hex(&Sha256::digest(bytes)),
            "c5cec7762a970368141469957d2fadaecc7513564e853e26900c210f50fc3647"
        );
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused() {
        let (data, plan) = digits();
        type Change = fn(&mut LoaderPlan);
        let changes: [(Change, &str); 4] = [
            (|plan| plan.batch_size = 0, "the batch size is 0"),
            (|plan| plan.indices.clear(), "there are no images"),
            (|plan| plan.indices.push(60), "there is no image 60: the split has 60"),
            (
                |plan| plan.normalization.std.clear(),
                "the normalization is not one of 1 channels",
            ),
        ];
        for (change, rule) in changes {
            let mut plan = plan.clone();
            change(&mut plan);
            let error = Batches::new(Arc::clone(&data), plan).err().unwrap();
            assert_eq!(error.to_string(), format!("the batches cannot be made: {rule}"));
        }
    }
}
