//! The table of the data sets: a new one is a file beside this one and a line here.

use serde::{Deserialize, Serialize};

use super::descriptor::Descriptor;
use super::{
    cifar10, cifar100, digit_sums, digits, fashion_mnist, folder, imagenet, mnist, noisy_digits, svhn, synthetic,
};

macro_rules! data_sets {
    ($($(#[$doc:meta])* $variant:ident => $descriptor:path,)+) => {
        /// A data set by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum DataSetName {
            $($(#[$doc])* $variant,)+
        }

        impl DataSetName {
            /// Every data set, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The names of [`DataSetName::ALL`], as `[data] dataset` has them.
            pub const NAMES: &'static [&'static str] = &[$($descriptor.name),+];

            /// All that is known of it.
            pub fn descriptor(self) -> &'static Descriptor {
                match self {
                    $(Self::$variant => &$descriptor,)+
                }
            }
        }
    };
}

data_sets! {
    /// The embedded handwritten digits: 1,437 and 360 images of 1x8x8 in 10 classes.
    Digits => digits::DESCRIPTOR,
    /// The digits at seeded places on a larger canvas, with seeded noise, and fewer to train on.
    NoisyDigits => noisy_digits::DESCRIPTOR,
    /// Two digits in one image, whose class is the last digit of their sum.
    DigitSums => digit_sums::DESCRIPTOR,
    /// Seeded images of classes that a network can learn.
    Synthetic => synthetic::DESCRIPTOR,
    /// CIFAR-10's official binary batches.
    Cifar10 => cifar10::DESCRIPTOR,
    /// CIFAR-100's official binary batches.
    Cifar100 => cifar100::DESCRIPTOR,
    /// MNIST's four files.
    Mnist => mnist::DESCRIPTOR,
    /// Fashion-MNIST's four files, in MNIST's format.
    FashionMnist => fashion_mnist::DESCRIPTOR,
    /// SVHN's cropped digits, in MAT-files of version 5.
    Svhn => svhn::DESCRIPTOR,
    /// ImageNet's classification images of 2012, in folders of their classes.
    Imagenet => imagenet::DESCRIPTOR,
    /// A folder of images, `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.
    Folder => folder::DESCRIPTOR,
}

impl DataSetName {
    /// The name, as `[data] dataset` has it.
    pub fn name(self) -> &'static str {
        self.descriptor().name
    }

    /// Whether a key of `[data]` that belongs to some data sets only belongs to this one.
    pub fn takes(self, key: &str) -> bool {
        self.descriptor().keys.contains(&key)
    }

    /// Whether it is read from the folder that `data.path` names.
    pub fn is_read_from_disk(self) -> bool {
        self.takes("data.path")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_has_the_same_name_in_files_in_its_descriptor_and_in_the_catalogue() {
        assert_eq!(DataSetName::ALL.len(), DataSetName::NAMES.len());
        for (dataset, name) in DataSetName::ALL.iter().zip(DataSetName::NAMES) {
            assert_eq!(serde_json::json!(dataset), *name);
            assert_eq!(dataset.name(), *name);
            if let Some(known) = &dataset.descriptor().known {
                assert_eq!(known.name, *name);
            }
        }
    }

    #[test]
    fn every_downloadable_data_set_is_read_from_disk() {
        for dataset in DataSetName::ALL {
            let known = dataset.descriptor().known.as_ref();
            let is_downloaded = known.is_some_and(|known| known.files.is_some());
            assert!(!is_downloaded || dataset.is_read_from_disk(), "{dataset:?}");
        }
    }
}
