//! The data set that an ablation file names.

use crate::data_sets::{DataError, DataSet, DataSettings, Outline, Request};
use crate::files::LocalFiles;

/// Reads or makes the data set of `settings`, its limits applied, on `threads` threads (at least one). The result does
/// not depend on the number of threads.
///
/// `available_memory` is the machine's in bytes, where it is known: a larger data set is refused before it is read.
///
/// # Errors
/// Data that are missing, broken, fewer than a limit or too large: the message names the file, the byte or record, and
/// the expectation.
pub fn load(settings: &DataSettings, threads: usize, available_memory: Option<u64>) -> Result<DataSet, DataError> {
    (settings.dataset.descriptor().load)(&Request {
        options: settings.options(),
        files: &LocalFiles,
        threads,
        available_memory,
    })
}

/// The shape, the classes and the numbers of images of a data set, without reading its images; enough to lay out a
/// network and to plan its training.
///
/// # Errors
/// A folder or file that is not there, and a limit beyond the images. That the files are whole is not checked.
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
        // A recorded result names its fingerprint: if one changes, old trials cannot be resumed.
        let fingerprint = |dataset| load(&DataSettings::new(dataset), 2, None).unwrap().fingerprint;
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
            let mut settings = DataSettings::new(dataset);
            settings.train_limit = Some(70);
            let (outline, data) = (outline(&settings).unwrap(), load(&settings, 2, None).unwrap());
            assert_eq!((outline.shape, outline.classes), (data.shape, data.classes.len()));
            let images = (data.train.images(), data.test.images());
            assert_eq!((outline.train_images, outline.test_images), images);
        }
    }

    #[test]
    fn a_data_set_on_disk_needs_a_path() {
        for dataset in DataSetName::ALL.iter().filter(|dataset| dataset.is_read_from_disk()) {
            let settings = DataSettings::new(*dataset);
            assert_eq!(load(&settings, 1, None).unwrap_err().key, "data.path");
            assert_eq!(outline(&settings).unwrap_err().key, "data.path");
        }
    }
}
