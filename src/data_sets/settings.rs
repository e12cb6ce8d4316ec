//! `[data]` of an ablation file, once it is read and checked.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::imagenet;
use super::limit::LimitOrder;
use super::options::Options;
use super::table::DataSetName;

/// How training images are changed from epoch to epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// They stay as they are.
    None,
    /// Normalised, mirrored with probability 1/2, shifted by up to 4 pixels with zeros moving in.
    ShiftFlip,
    /// A random part of the image in its file, resized to the square, mirrored with probability 1/2, normalised.
    RandomResizedCrop,
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// Which images.
    pub dataset: DataSetName,
    /// The folder of a data set that is read from disk, resolved against the file's own; none for the others.
    pub path: Option<PathBuf>,
    /// For `svhn`: whether its extra images are trained on too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra_split: bool,
    /// Only so many training images.
    pub train_limit: Option<usize>,
    /// Only so many test images.
    pub test_limit: Option<usize>,
    /// Which images the limits leave; a trial's identity is without it where it is the default, as it was at first.
    #[serde(default, skip_serializing_if = "LimitOrder::is_first")]
    pub limit_order: LimitOrder,
    /// The share of the training images held out, `[0, 1)`; 0 holds out none.
    pub validation_share: f64,
    /// The seed that decides which are held out; none: the trial's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_seed: Option<u64>,
    /// For `folder`, `imagenet` and `synthetic`; the default is 32, and 224 for `imagenet`.
    pub image_size: usize,
    /// For `folder` and `imagenet`: pixels of the short side before the square is cut out of the middle; none: images are
    /// squashed. The default of `imagenet` is 256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<usize>,
    /// For `folder` and `imagenet`: squares of a test image whose logits are averaged, 1 or 10.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub test_crops: usize,
    /// For `folder` and `imagenet`: whether JPEGs are decoded at a lower resolution where that suffices.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scaled_decoding: bool,
    /// For `synthetic`.
    pub classes: usize,
    /// For `synthetic`.
    pub channels: usize,
    /// For `synthetic`.
    pub train_images: usize,
    /// For `synthetic`.
    pub test_images: usize,
    /// One value a channel, after scaling to 0..1; none: the training split's.
    pub mean: Option<Vec<f64>>,
    /// One value a channel, after scaling to 0..1; none: the training split's.
    pub std: Option<Vec<f64>>,
    /// How training images are changed from epoch to epoch.
    pub augment: Augment,
    /// The side of the square that is cut from each training image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutout: Option<usize>,
}

fn one() -> usize {
    1
}

fn is_one(crops: &usize) -> bool {
    *crops == 1
}

impl DataSettings {
    /// `[data]` with every default.
    pub fn new(dataset: DataSetName) -> Self {
        let is_imagenet = dataset == DataSetName::Imagenet;
        Self {
            dataset,
            path: None,
            extra_split: false,
            train_limit: None,
            test_limit: None,
            limit_order: LimitOrder::First,
            validation_share: 0.0,
            validation_seed: None,
            image_size: if is_imagenet { imagenet::IMAGE_SIZE } else { 32 },
            resize: is_imagenet.then_some(imagenet::RESIZE),
            test_crops: 1,
            scaled_decoding: false,
            classes: 10,
            channels: 3,
            train_images: 2048,
            test_images: 512,
            mean: None,
            std: None,
            augment: Augment::None,
            cutout: None,
        }
    }

    /// Whether the mean or the deviation of the training images has to be computed.
    pub fn needs_moments(&self) -> bool {
        self.mean.is_none() || self.std.is_none()
    }

    /// The options of the data set itself.
    pub fn options(&self) -> Options<'_> {
        Options {
            path: self.path.as_deref(),
            extra_split: self.extra_split,
            train_limit: self.train_limit,
            test_limit: self.test_limit,
            limit_order: self.limit_order,
            image_size: self.image_size,
            resize: self.resize,
            scaled_decoding: self.scaled_decoding,
            classes: self.classes,
            channels: self.channels,
            train_images: self.train_images,
            test_images: self.test_images,
        }
    }
}
