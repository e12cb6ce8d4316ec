//! The options of a data set.

use std::path::Path;

use super::error::DataError;
use super::fitting::Fitting;
use super::limit::LimitOrder;
use crate::words::grouped;

/// The keys of `[data]` that decide which images there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// The folder of a data set that is read from disk.
    pub path: Option<&'a Path>,
    /// Whether the extra images of a data set that has some are trained on too.
    pub extra_split: bool,
    /// Only so many training images.
    pub train_limit: Option<usize>,
    /// Only so many test images.
    pub test_limit: Option<usize>,
    /// Which images the limits leave.
    pub limit_order: LimitOrder,
    /// The side of images that are made or resized.
    pub image_size: usize,
    /// Pixels of the short side of an image in a file, before a square is cut out of its middle.
    pub resize: Option<usize>,
    /// Whether JPEGs are decoded at a lower resolution where that suffices.
    pub scaled_decoding: bool,
    /// Classes of images that are made.
    pub classes: usize,
    /// Channels of images that are made.
    pub channels: usize,
    /// Training images to make.
    pub train_images: usize,
    /// Test images to make.
    pub test_images: usize,
}

impl<'a> Options<'a> {
    /// The folder that the data set is read from.
    ///
    /// # Errors
    /// `data.path` is missing.
    pub(super) fn folder(&self) -> Result<&'a Path, DataError> {
        self.path.ok_or_else(|| {
            DataError::new(
                "data.path",
                "[data]",
                "path is missing, and this data set is read from a folder",
                "write path = \"…\"",
            )
        })
    }

    /// How images in files become squares.
    pub(super) fn fitting(&self) -> Fitting {
        Fitting {
            size: self.image_size,
            resize: self.resize,
            scaled_decoding: self.scaled_decoding,
        }
    }

    /// Training and test images of a data set with `train` and `test` images: its limits, or all.
    ///
    /// # Errors
    /// A limit of 0, or beyond the images; `thing` is what the error calls the data set.
    pub(super) fn limited(&self, train: usize, test: usize, thing: &str) -> Result<(usize, usize), DataError> {
        let within = |limit: Option<usize>, images, key| match limit {
            Some(limit) => check_limit(limit, images, thing, key).map(|()| limit),
            None => Ok(images),
        };
        Ok((
            within(self.train_limit, train, "data.train-limit")?,
            within(self.test_limit, test, "data.test-limit")?,
        ))
    }
}

/// Checks a `train-limit` or `test-limit` against the images that there are.
fn check_limit(limit: usize, images: usize, thing: &str, key: &'static str) -> Result<(), DataError> {
    if limit >= 1 && limit <= images {
        return Ok(());
    }
    let name = key.trim_start_matches("data.");
    let split = if key == "data.test-limit" { "test" } else { "training" };
    Err(DataError::new(
        key,
        thing,
        format!(
            "{name} is {limit}, and there are {} {split} images",
            grouped(images as u64)
        ),
        format!("write a limit from 1 to {images}, or leave it out to take all"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_beyond_the_images_says_how_many_there_are() {
        let mut options = Options::default();
        assert_eq!(options.limited(3, 2, "digits"), Ok((3, 2)));
        options.train_limit = Some(2);
        assert_eq!(options.limited(3, 2, "digits"), Ok((2, 2)));
        options.train_limit = Some(4);
        assert_eq!(
            options.limited(3, 2, "digits").unwrap_err().to_string(),
            "digits: train-limit is 4, and there are 3 training images; write a limit from 1 to 3, or leave it out to \
             take all"
        );
        (options.train_limit, options.test_limit) = (None, Some(0));
        assert_eq!(options.limited(3, 2, "digits").unwrap_err().key, "data.test-limit");
    }
}
