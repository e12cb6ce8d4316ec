//! The data set that an ablation file names.

use std::path::Path;

use super::cifar::{self, Format};
use super::error::DataError;
use super::set::{DataSet, check_limit};
use super::{digits, folder, synthetic};
use crate::formats::ablation::{DataSetName, DataSettings};
use crate::network::Shape;

/// What a network has to know of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// One image.
    pub shape: Shape,
    /// Classes to tell apart.
    pub classes: usize,
}

/// Reads or makes the data set of `settings`, its limits applied, on `threads` threads (at least one). The result does
/// not depend on the number of threads.
///
/// `available_memory` is what the machine has free, in bytes, where that is known: a larger data set is refused before
/// it is read.
///
/// # Errors
/// Data that are missing, broken, fewer than a limit or too large: which file, which byte or record, what was expected.
pub fn load(settings: &DataSettings, threads: usize, available_memory: Option<u64>) -> Result<DataSet, DataError> {
    match settings.dataset {
        DataSetName::Digits => limited(digits::load()?, settings),
        DataSetName::Synthetic => synthetic::load(settings, threads, available_memory),
        DataSetName::Cifar10 => limited(
            cifar::load(path(settings)?, Format::Cifar10, available_memory)?,
            settings,
        ),
        DataSetName::Cifar100 => limited(
            cifar::load(path(settings)?, Format::Cifar100, available_memory)?,
            settings,
        ),
        DataSetName::Folder => folder::load(path(settings)?, settings, threads, available_memory),
    }
}

/// The shape and the classes of a data set, without reading its images; enough to lay out a network.
///
/// # Errors
/// A folder or file that is not there, and a limit beyond the digits or the synthetic images. That the files are whole
/// is not checked.
pub fn outline(settings: &DataSettings) -> Result<Outline, DataError> {
    let (shape, classes) = match settings.dataset {
        DataSetName::Digits => (digits::SHAPE, digits::CLASSES as usize),
        DataSetName::Synthetic => {
            let splits = [
                (settings.train_limit, settings.train_images, "data.train-limit"),
                (settings.test_limit, settings.test_images, "data.test-limit"),
            ];
            for (limit, images, key) in splits {
                check_limit(limit.unwrap_or(images), images, "synthetic", key)?;
            }
            (synthetic::shape(settings), settings.classes)
        }
        DataSetName::Cifar10 | DataSetName::Cifar100 => {
            let format = match settings.dataset {
                DataSetName::Cifar10 => Format::Cifar10,
                _ => Format::Cifar100,
            };
            cifar::locate(path(settings)?, format)?;
            (cifar::SHAPE, format.classes())
        }
        DataSetName::Folder => {
            let listing = folder::list(path(settings)?)?;
            (folder::shape(settings.image_size), listing.classes.len())
        }
    };
    Ok(Outline { shape, classes })
}

fn path(settings: &DataSettings) -> Result<&Path, DataError> {
    settings.path.as_deref().ok_or_else(|| {
        DataError::new(
            "data.path",
            "[data]",
            "there is no path, and this data set is read from a folder",
            "write path = \"…\"",
        )
    })
}

fn limited(mut data: DataSet, settings: &DataSettings) -> Result<DataSet, DataError> {
    if settings.train_limit.is_none() && settings.test_limit.is_none() {
        return Ok(data);
    }
    data.train.limit(settings.train_limit, &data.name, "data.train-limit")?;
    data.test.limit(settings.test_limit, &data.name, "data.test-limit")?;
    // The fingerprint is that of the images that are left.
    Ok(DataSet::new(
        &data.name,
        data.shape,
        data.classes,
        data.scale,
        data.train,
        data.test,
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::formats::ablation::Augment;

    /// Every default of the ablation format.
    pub fn settings(dataset: DataSetName) -> DataSettings {
        DataSettings {
            dataset,
            path: None,
            train_limit: None,
            test_limit: None,
            validation_share: 0.0,
            image_size: 32,
            classes: 10,
            channels: 3,
            train_images: 2048,
            test_images: 512,
            mean: None,
            std: None,
            augment: Augment::None,
        }
    }

    #[test]
    fn limits_change_the_fingerprint_and_are_checked() {
        let mut settings = settings(DataSetName::Digits);
        let all = load(&settings, 1, None).unwrap();
        (settings.train_limit, settings.test_limit) = (Some(100), Some(50));
        let some = load(&settings, 1, None).unwrap();
        assert_eq!((some.train.images(), some.test.images()), (100, 50));
        assert_eq!(some.train.pixels, all.train.pixels[..6400]);
        assert_ne!(some.fingerprint, all.fingerprint);
        settings.test_limit = Some(361);
        assert_eq!(
            load(&settings, 1, None).unwrap_err().to_string(),
            "digits: test-limit is 361, and there are 360 test images; write a limit from 1 to 360, or leave it out to \
             take all"
        );
    }

    #[test]
    fn embedded_and_synthetic_data_are_the_same_bytes_as_ever() {
        // A recorded result names its fingerprint: if one changes, old trials cannot be gone on with.
        let fingerprint = |dataset| load(&settings(dataset), 2, None).unwrap().fingerprint;
        assert_eq!(
            fingerprint(DataSetName::Digits),
            "d850bcc1c0a3a856bacdc623167938973a64dda225983e5deff87570c814535a"
        );
        assert_eq!(
            fingerprint(DataSetName::Synthetic),
            "17d74c780e37db02c31a09b4093e7aa9fbbadc8b5c36be3463b6c8703a673cc3"
        );
    }

    #[test]
    fn an_outline_agrees_with_the_data_set() {
        for dataset in [DataSetName::Digits, DataSetName::Synthetic] {
            let settings = settings(dataset);
            let (outline, data) = (outline(&settings).unwrap(), load(&settings, 2, None).unwrap());
            assert_eq!((outline.shape, outline.classes), (data.shape, data.classes.len()));
        }
    }

    #[test]
    fn a_data_set_on_disk_needs_a_path() {
        for dataset in [DataSetName::Cifar10, DataSetName::Cifar100, DataSetName::Folder] {
            let settings = settings(dataset);
            assert_eq!(load(&settings, 1, None).unwrap_err().key, "data.path");
            assert_eq!(outline(&settings).unwrap_err().key, "data.path");
        }
    }
}
