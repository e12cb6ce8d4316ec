//! The data set that an ablation file names.

use std::sync::Arc;

use super::known_folder::absent;
use crate::data_sets::{
    DataError, DataSet, DataSettings, FileSystem, LimitKey, Outline, Request, check_limit_leaves_classes,
};
use crate::files::LocalFiles;

/// Opens the data set of `settings` as [`open`] does, and decodes images in files of their own where memory holds all
/// of them, so that a broken one is found now.
///
/// # Errors
/// Those of [`open`], and images that do not decode: the first ten, in the data set's order, and their count.
pub fn load(settings: &DataSettings, threads: usize, available_memory: Option<u64>) -> Result<DataSet, DataError> {
    let data = open(settings, threads, available_memory)?;
    if data.fits_in_memory() {
        data.decode_all()?;
    }
    Ok(data)
}

/// Reads or makes the data set of `settings`, its limits applied, on `threads` threads (at least one); images in files
/// of their own are listed now and decoded when a batch needs them. The images do not depend on the number of threads.
///
/// `available_memory` is the machine's in bytes, where it is known. A data set whose images are read at once has to
/// fit; of images in files of their own, those that half of it holds are decoded once and kept.
///
/// # Errors
/// Data that are missing, broken, fewer than a limit or too large: the message names the file, the byte or record, and
/// the expectation. A limit that leaves a class without training images or a single class with test images, and a data
/// set of a single class.
pub fn open(settings: &DataSettings, threads: usize, available_memory: Option<u64>) -> Result<DataSet, DataError> {
    open_from(Arc::new(LocalFiles), settings, threads, available_memory)
}

/// [`open`], with the files of `files`.
///
/// # Errors
/// Those of [`open`].
pub fn open_from(
    files: Arc<dyn FileSystem>,
    settings: &DataSettings,
    threads: usize,
    available_memory: Option<u64>,
) -> Result<DataSet, DataError> {
    if let Some(error) = absent(settings) {
        return Err(error);
    }
    let data = (settings.dataset.descriptor().load)(&Request {
        options: settings.options(),
        files,
        threads,
        available_memory,
    })?;
    let thing = match &settings.path {
        Some(path) => path.display().to_string(),
        None => data.name.clone(),
    };
    if let [class] = &data.classes[..] {
        let key = if settings.dataset.takes("data.classes") {
            "data.classes"
        } else {
            "data.path"
        };
        return Err(DataError::new(
            key,
            thing,
            format!("there is one class, {class}: every answer would be right, and the error 0"),
            "a network learns to tell classes apart; give it images of at least two",
        ));
    }
    for (key, limit, images) in [
        (LimitKey::Train, settings.train_limit, &data.train),
        (LimitKey::Test, settings.test_limit, &data.test),
    ] {
        if let Some(limit) = limit {
            let order = settings.limit_order;
            check_limit_leaves_classes(key, &thing, limit, order, &data.classes, &images.labels)?;
        }
    }
    Ok(data)
}

/// The shape, the classes and the numbers of images of a data set, without reading its images; enough to lay out a
/// network and to plan its training.
///
/// # Errors
/// A folder or file that is not there, but for a known data set, whose outline takes none; and a limit beyond the images.
/// That the files are whole is not checked.
pub fn outline(settings: &DataSettings) -> Result<Outline, DataError> {
    (settings.dataset.descriptor().outline)(&settings.options(), &LocalFiles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_sets::DataSetName;

    #[test]
    fn limits_change_the_fingerprint_and_are_checked() {
        let mut settings = DataSettings::new(DataSetName::Digits);
        let all = load(&settings, 1, None).unwrap();
        (settings.train_limit, settings.test_limit) = (Some(100), Some(50));
        let some = load(&settings, 1, None).unwrap();
        assert_eq!((some.train.images(), some.test.images()), (100, 50));
        assert_eq!(some.train.pixels(), all.train.pixels()[..6400]);
        let fingerprint = |data: &DataSet| data.survey(false, &mut |_, _| ()).unwrap().fingerprint;
        assert_ne!(fingerprint(&some), fingerprint(&all));
        settings.test_limit = Some(361);
        assert_eq!(
            load(&settings, 1, None).unwrap_err().to_string(),
            "digits: test-limit is 361, and there are 360 test images; write a limit from 1 to 360, or leave it out to \
             take all"
        );
    }

    #[test]
    fn embedded_and_synthetic_data_are_the_same_bytes_as_ever() {
        // A recorded result names its fingerprint: if one changes, old trials cannot be resumed.
        let fingerprint = |dataset| {
            let data = load(&DataSettings::new(dataset), 2, None).unwrap();
            data.survey(false, &mut |_, _| ()).unwrap().fingerprint
        };
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
        for dataset in [
            DataSetName::Digits,
            DataSetName::NoisyDigits,
            DataSetName::DigitSums,
            DataSetName::Synthetic,
        ] {
            let mut settings = DataSettings::new(dataset);
            settings.train_limit = Some(70);
            let (outline, data) = (outline(&settings).unwrap(), load(&settings, 2, None).unwrap());
            assert_eq!((outline.shape, outline.classes), (data.shape, data.classes.len()));
            let images = (data.train.images(), data.test.images());
            assert_eq!((outline.train_images, outline.test_images), images);
        }
    }

    #[test]
    fn a_data_set_on_disk_is_read_from_a_path_and_a_known_one_outlined_without() {
        for dataset in DataSetName::ALL.iter().filter(|dataset| dataset.is_read_from_disk()) {
            let settings = DataSettings::new(*dataset);
            assert_eq!(load(&settings, 1, None).unwrap_err().key, "data.path");
            let is_known = dataset.descriptor().known.is_some();
            match outline(&settings) {
                Ok(_) => assert!(is_known),
                Err(error) => assert!(!is_known && error.key == "data.path", "{error}"),
            }
        }
    }
}
