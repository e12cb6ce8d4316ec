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

/// Which split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The images to train on.
    Train,
    /// The images to test on.
    Test,
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
