//! A data set's descriptor: all that the rest of the program knows of it.

use std::sync::Arc;

use super::error::DataError;
use super::file_system::FileSystem;
use super::known::KnownSet;
use super::options::Options;
use super::set::DataSet;
use crate::network::Shape;

/// A data set. Each has its own file and a line in the table.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The name, as `[data] dataset` has it.
    pub name: &'static str,
    /// The keys of `[data]` that belong to this data set and not to all, such as `data.path`.
    pub keys: &'static [&'static str],
    /// Channels of an image.
    pub channels: fn(&Options<'_>) -> usize,
    /// Shape, classes and numbers of images, the limits applied, without reading the images.
    pub outline: fn(&Options<'_>, &dyn FileSystem) -> Result<Outline, DataError>,
    /// Reads or makes all images, the limits applied; those in files of their own are read later, when they are asked
    /// for. The result does not depend on the number of threads.
    pub load: fn(&Request<'_>) -> Result<DataSet, DataError>,
    /// Its entry in `data list`; none where the images are the user's own.
    pub known: Option<KnownSet>,
}

/// The inputs of reading or making a data set.
#[derive(Clone)]
pub struct Request<'a> {
    /// `[data]`.
    pub options: Options<'a>,
    /// Where files are read.
    pub files: Arc<dyn FileSystem>,
    /// Threads to work on, at least one.
    pub threads: usize,
    /// The available memory in bytes, where it is known. A larger data set is refused before it is read; of images in
    /// files of their own, those that half of it holds are kept once they have been decoded.
    pub available_memory: Option<u64>,
}

/// The shape and sizes of a data set, known without its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// One image.
    pub shape: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Images to train on, after `train-limit`.
    pub train_images: usize,
    /// Images to test on, after `test-limit`.
    pub test_images: usize,
    /// What the user should know of how the data set was found: sentences, without an end.
    pub remarks: Vec<String>,
}

impl Outline {
    /// This outline with the limits of `options` checked and applied; `thing` is what errors call it.
    ///
    /// # Errors
    /// A limit of 0, or beyond the images.
    pub(super) fn within_limits(self, options: &Options<'_>, thing: &str) -> Result<Self, DataError> {
        let (train_images, test_images) = options.limited(self.train_images, self.test_images, thing)?;
        Ok(Self {
            train_images,
            test_images,
            ..self
        })
    }
}
