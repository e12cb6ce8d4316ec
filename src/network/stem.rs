//! The layers before a network's first block, by the images that it was made for.

use serde::{Deserialize, Serialize};

/// The two settings of the papers: small images (CIFAR), and ImageNet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// A 3x3 convolution with stride 1 (section 3 of the DenseNet paper, section 4.2 of the ResNet paper).
    Cifar,
    /// A 7x7 convolution with stride 2, normalisation, ReLU, 3x3 max pooling with stride 2 (Table 1 of either paper).
    Imagenet,
}

impl Stem {
    /// The convolution's kernel and stride.
    pub fn convolution(self) -> (usize, usize) {
        match self {
            Self::Cifar => (3, 1),
            Self::Imagenet => (7, 2),
        }
    }

    /// The side of the square images.
    pub fn usual_side(self) -> usize {
        match self {
            Self::Cifar => 32,
            Self::Imagenet => 224,
        }
    }

    /// The classes of the images: CIFAR-10's and ImageNet's.
    pub fn usual_classes(self) -> usize {
        match self {
            Self::Cifar => 10,
            Self::Imagenet => 1000,
        }
    }
}
