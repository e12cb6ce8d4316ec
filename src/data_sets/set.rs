//! A data set: what it is, and its images.

use std::sync::OnceLock;

use super::images::Images;
use super::listing::Listing;
use super::moments::Moments;
use crate::network::Shape;

/// A labelled set of images of one shape, as bytes.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// As `[data] dataset` has it.
    pub name: String,
    /// One image.
    pub shape: Shape,
    /// The classes' names; a label is an index into them.
    pub classes: Vec<String>,
    /// The byte that stands for 1.0: a pixel divided by it is in 0..1.
    pub scale: f32,
    /// The images to train on (and to hold out from).
    pub train: Images,
    /// The images to test on.
    pub test: Images,
    /// The files that the images are read from when they are asked for; none where the images are in memory.
    pub(super) listing: Option<Listing>,
    /// The moments of the training images, once they are known.
    pub(super) moments: OnceLock<Vec<Moments>>,
}

/// The images of one split, in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// `[image, channel, row, column]`.
    pub pixels: Vec<u8>,
    /// One a image, an index into the data set's classes.
    pub labels: Vec<u32>,
}

/// Which split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The images to train on.
    Train,
    /// The images to test on.
    Test,
}

impl Split {
    /// How many images there are.
    pub fn images(&self) -> usize {
        self.labels.len()
    }

    /// The bytes of one image, `[channel, row, column]`.
    ///
    /// # Panics
    /// Where `index` is not below [`Split::images`].
    pub fn image(&self, index: usize) -> &[u8] {
        let values = self.pixels.len() / self.labels.len();
        &self.pixels[index * values..(index + 1) * values]
    }

    /// Keeps the images at `indices`, which are ascending.
    pub(super) fn keep(&mut self, indices: &[usize]) {
        if indices.len() == self.images() {
            return;
        }
        let values = self.pixels.len() / self.labels.len().max(1);
        for (place, &index) in indices.iter().enumerate() {
            self.pixels
                .copy_within(index * values..(index + 1) * values, place * values);
            self.labels[place] = self.labels[index];
        }
        self.pixels.truncate(indices.len() * values);
        self.pixels.shrink_to_fit();
        self.labels.truncate(indices.len());
    }
}

impl DataSet {
    pub(super) fn new(
        name: &str,
        shape: Shape,
        classes: Vec<String>,
        scale: f32,
        train: impl Into<Images>,
        test: impl Into<Images>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            shape,
            classes,
            scale,
            train: train.into(),
            test: test.into(),
            listing: None,
            moments: OnceLock::new(),
        }
    }

    /// One of the splits.
    pub fn split(&self, part: Part) -> &Images {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }

    /// Whether all images are in memory, or will be when each has been read once.
    pub fn fits_in_memory(&self) -> bool {
        self.train.fit_in_memory() && self.test.fit_in_memory()
    }

    /// From now on no further image that is read from a file stays in memory: for a single pass over a data set.
    pub fn keep_no_more(&self) {
        self.train.keep_no_more();
        self.test.keep_no_more();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_are_kept_keep_their_order_and_labels() {
        let split = Split {
            pixels: vec![1, 2, 3, 4, 5, 6, 7, 8],
            labels: vec![0, 1, 0, 2],
        };
        for (indices, pixels, labels) in [
            (vec![0, 1], vec![1, 2, 3, 4], vec![0, 1]),
            (vec![1, 3], vec![3, 4, 7, 8], vec![1, 2]),
            (vec![0, 1, 2, 3], split.pixels.clone(), split.labels.clone()),
        ] {
            let mut kept = split.clone();
            kept.keep(&indices);
            assert_eq!((kept.pixels, kept.labels), (pixels, labels));
        }
    }
}
