//! CIFAR-10 and CIFAR-100 from their official binary batches (A. Krizhevsky, 2009).
//!
//! A record is the label (for CIFAR-100 the coarse label, then the fine one, which is taken) and 3,072 pixels: red, green
//! and blue, each 32 rows of 32.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::allocation;
use super::bad_files::BadFiles;
use super::cifar_format::PIXELS;
pub use super::cifar_format::{Format, Mistaken};
use super::descriptor::{Outline, Request};
use super::error::DataError;
use super::file_system::{Entry, FileSystem, is_file, missing};
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use crate::network::Shape;
use crate::words::grouped;

/// Red, green and blue.
pub(super) const CHANNELS: usize = 3;

/// One image.
const SHAPE: Shape = Shape::square(CHANNELS, 32);

/// The most bytes of a file of names; the official ones have about a thousand.
const LARGEST_NAMES_FILE: u64 = 1 << 20;

impl Format {
    /// The outline of the files under `data.path`, by their sizes; where they are not there, that of the whole data set,
    /// which takes no file to know.
    pub(super) fn outline(&self, options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
        let is_missing = |path: &&Path| matches!(files.entry(path), Err(error) if error.kind() == ErrorKind::NotFound);
        let (images, remarks) = match options.path {
            None => (self.images, Vec::new()),
            Some(path) if is_missing(&path) => {
                let rule = missing(files, path, "folder", "").rule;
                let remark = format!(
                    "{}: {rule}; the images are counted as those of the whole {}",
                    path.display(),
                    self.name
                );
                (self.images, vec![remark])
            }
            Some(path) => (self.images_in(files, &self.locate(files, path)?)?, Vec::new()),
        };
        let all = Outline {
            shape: SHAPE,
            classes: self.classes(),
            train_images: images.0,
            test_images: images.1,
            remarks,
        };
        all.within_limits(options, self.name)
    }

    /// Images to train on and to test on in the files of a folder, by their sizes.
    fn images_in(&self, files: &dyn FileSystem, folder: &Path) -> Result<(usize, usize), DataError> {
        let images = |names: &[&str]| -> Result<usize, DataError> {
            let bytes: u64 = (names.iter())
                .map(|name| length(files, &folder.join(name)))
                .sum::<Result<u64, DataError>>()?;
            Ok(usize::try_from(bytes).unwrap_or(usize::MAX) / self.record())
        };
        Ok((images(self.training_files)?, images(self.test_files)?))
    }

    /// Reads the batch files under `data.path`, in their order.
    ///
    /// # Errors
    /// Files that are not there or cannot be read, those of [`parse_batch`], images that do not fit into the available
    /// memory, or a limit beyond them.
    pub(super) fn load(&self, request: &Request<'_>) -> Result<DataSet, DataError> {
        let (options, files) = (&request.options, &*request.files);
        let folder = self.locate(files, options.folder()?)?;
        let mut bytes = 0;
        for name in self.batch_files() {
            bytes += length(files, &folder.join(name))?;
        }
        allocation::check(
            "data.path",
            &folder.display().to_string(),
            usize::try_from(bytes).unwrap_or(usize::MAX) / self.record(),
            PIXELS,
            request.available_memory,
            "use a machine with more memory",
        )?;
        let bad = BadFiles::default();
        let read = |names: &[&str], first: usize| {
            let mut split = Split::default();
            for (index, file) in names.iter().map(|name| folder.join(name)).enumerate() {
                let added = (files.read(&file, u64::MAX))
                    .map_err(|error| DataError::unreadable(&file, &error))
                    .and_then(|bytes| {
                        if index == 0 {
                            // The official files are of one size: no pixel is moved when the next one is added.
                            split.pixels.reserve_exact(names.len() * bytes.len());
                        }
                        append_batch(&mut split, &bytes, &file.display().to_string(), self)
                    });
                if let Err(error) = added {
                    bad.add(first + index, &file, error.rule, error.remedy);
                }
            }
            split
        };
        let (mut train, mut test) = (
            read(self.training_files, 0),
            read(self.test_files, self.training_files.len()),
        );
        bad.check(&folder)?;
        let classes = self.class_names(files, &folder.join(self.names_file))?;
        let (train_images, test_images) = options.limited(train.images(), test.images(), self.name)?;
        train.keep(&options.limit_order.choose(&train.labels, train_images));
        test.keep(&options.limit_order.choose(&test.labels, test_images));
        Ok(DataSet::new(self.name, SHAPE, classes, 255.0, train, test))
    }

    /// The classes' names; their numbers where the file is not there.
    fn class_names(&self, files: &dyn FileSystem, file: &Path) -> Result<Vec<String>, DataError> {
        if !is_file(files, file) {
            return Ok((0..self.classes()).map(|class| class.to_string()).collect());
        }
        let bytes = (files.read(file, LARGEST_NAMES_FILE)).map_err(|error| DataError::unreadable(file, &error))?;
        parse_names(&bytes, &file.display().to_string(), self)
    }
}

fn length(files: &dyn FileSystem, file: &Path) -> Result<u64, DataError> {
    match files.entry(file) {
        Ok(Entry::File(bytes)) => Ok(bytes),
        Ok(_) => Err(DataError::unreadable(file, &io::ErrorKind::IsADirectory.into())),
        Err(error) => Err(DataError::unreadable(file, &error)),
    }
}

/// The images of one batch file; `file_name` is what errors call it.
///
/// # Errors
/// No record, a last record that is cut short, or a label out of range (file, record, byte, value).
pub fn parse_batch(bytes: &[u8], file_name: &str, format: &Format) -> Result<Split, DataError> {
    let mut split = Split::default();
    append_batch(&mut split, bytes, file_name, format)?;
    Ok(split)
}

/// Adds the images of one batch file to a split.
///
/// # Errors
/// Those of [`parse_batch`].
fn append_batch(split: &mut Split, bytes: &[u8], file_name: &str, format: &Format) -> Result<(), DataError> {
    let record_bytes = format.record();
    let fault = |rule: String| DataError::new("data.path", file_name, rule, format.damage_remedy());
    if bytes.is_empty() {
        return Err(fault(format!(
            "it is empty, and records of {} bytes were expected",
            grouped(record_bytes as u64)
        )));
    }
    if !bytes.len().is_multiple_of(record_bytes) {
        return Err(fault(format!(
            "it ends in the middle of record {}: {} bytes, and a record is {}",
            grouped((bytes.len() / record_bytes) as u64),
            grouped(bytes.len() as u64),
            grouped(record_bytes as u64)
        )));
    }
    let images = bytes.len() / record_bytes;
    split.pixels.reserve(images * PIXELS);
    split.labels.reserve(images);
    let labels = format.labels;
    for (index, record) in bytes.chunks_exact(record_bytes).enumerate() {
        let (given, pixels) = record.split_at(labels.len());
        for (byte, (&value, &(called, values))) in given.iter().zip(labels).enumerate() {
            if value >= values {
                return Err(fault(format!(
                    "record {} (byte {}) has {called} {value}, and 0 to {} was expected",
                    grouped(index as u64),
                    grouped((index * record_bytes + byte) as u64),
                    values - 1
                )));
            }
        }
        split.labels.extend(given.last().map(|&label| u32::from(label)));
        split.pixels.extend_from_slice(pixels);
    }
    Ok(())
}

/// The names of the classes, one a line; empty lines do not count.
///
/// # Errors
/// Not UTF-8, or another number of names than the format has classes.
pub fn parse_names(bytes: &[u8], file_name: &str, format: &Format) -> Result<Vec<String>, DataError> {
    let fault = |rule: String| DataError::new("data.path", file_name, rule, format.damage_remedy());
    let text = std::str::from_utf8(bytes).map_err(|error| {
        fault(format!(
            "byte {} is not UTF-8, and names were expected",
            error.valid_up_to()
        ))
    })?;
    let names: Vec<String> = (text.lines().map(str::trim))
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if names.len() != format.classes() {
        return Err(fault(format!(
            "it has {} names, and {} were expected",
            names.len(),
            format.classes()
        )));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data_sets::file_system::tests::MemoryFiles;
    use crate::data_sets::{DataSetName, cifar10, cifar100};

    const TEN: &Format = &cifar10::FORMAT;
    const HUNDRED: &Format = &cifar100::FORMAT;

    fn record(labels: &[u8], pixel: u8) -> Vec<u8> {
        [labels, &[pixel; PIXELS]].concat()
    }

    #[test]
    fn records_are_labels_and_pixels() {
        let batch = [record(&[3], 7), record(&[9], 8)].concat();
        let split = parse_batch(&batch, "test_batch.bin", TEN).unwrap();
        assert_eq!(split.labels, [3, 9]);
        assert_eq!(split.image(1), [8; PIXELS]);
        let batch = [record(&[19, 99], 1), record(&[0, 4], 2)].concat();
        assert_eq!(parse_batch(&batch, "train.bin", HUNDRED).unwrap().labels, [99, 4]);
    }

    #[test]
    fn a_batch_cut_short_is_named_with_its_record() {
        let remedy =
            "remove or rename its folder, leave path out, and download it with `densenet-bench data fetch cifar10`";
        let batch = record(&[1], 0).repeat(3);
        let error = |bytes: &[u8]| parse_batch(bytes, "data_batch_3.bin", TEN).unwrap_err().to_string();
        assert_eq!(
            error(&batch[..batch.len() - 1]),
            format!(
                "data_batch_3.bin: it ends in the middle of record 2: 9,218 bytes, and a record is 3,073; {remedy}"
            )
        );
        assert_eq!(
            error(&[]),
            format!("data_batch_3.bin: it is empty, and records of 3,073 bytes were expected; {remedy}")
        );
    }

    #[test]
    fn a_label_out_of_range_is_named_with_its_byte() {
        let rule = |bytes: &[u8], format| parse_batch(bytes, "train.bin", format).unwrap_err().rule;
        assert_eq!(
            rule(&[record(&[1], 0), record(&[10], 0)].concat(), TEN),
            "record 1 (byte 3,073) has label 10, and 0 to 9 was expected"
        );
        assert_eq!(
            rule(&record(&[20, 5], 0), HUNDRED),
            "record 0 (byte 0) has coarse label 20, and 0 to 19 was expected"
        );
        assert_eq!(
            rule(&[record(&[0, 5], 0), record(&[0, 100], 0)].concat(), HUNDRED),
            "record 1 (byte 3,075) has fine label 100, and 0 to 99 was expected"
        );
    }

    #[test]
    fn class_names_are_as_many_as_the_classes() {
        let names = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
        let parsed = parse_names(names.as_bytes(), "batches.meta.txt", TEN).unwrap();
        assert_eq!(parsed[9], "j");
        let rule = |names: &[u8]| parse_names(names, "batches.meta.txt", TEN).unwrap_err().rule;
        assert_eq!(rule(b"a\nb"), "it has 2 names, and 10 were expected");
        assert_eq!(rule(b"a\xff"), "byte 1 is not UTF-8, and names were expected");
    }

    #[test]
    fn an_outline_counts_images_by_file_sizes_without_reading() {
        // No label of these is one that CIFAR-100 has.
        let file = |name: &str, images: usize| {
            let path = Path::new("d").join(HUNDRED.folder).join(name);
            (path, record(&[200, 200], 0).repeat(images))
        };
        let files = MemoryFiles(BTreeMap::from([file("train.bin", 3), file("test.bin", 2)]));
        let mut options = Options {
            path: Some(Path::new("d")),
            ..Options::default()
        };
        let outline = HUNDRED.outline(&options, &files).unwrap();
        assert!(outline.remarks.is_empty());
        assert_eq!((outline.shape, outline.classes), (SHAPE, 100));
        assert_eq!((outline.train_images, outline.test_images), (3, 2));
        options.train_limit = Some(4);
        assert_eq!(HUNDRED.outline(&options, &files).unwrap_err().key, "data.train-limit");
        options.train_limit = Some(1);
        assert_eq!(HUNDRED.outline(&options, &files).unwrap().train_images, 1);
    }

    #[test]
    fn the_outline_of_the_whole_data_set_takes_no_file() {
        let files = MemoryFiles::default();
        let mut options = Options::default();
        let outline = TEN.outline(&options, &files).unwrap();
        assert_eq!((outline.shape, outline.classes), (SHAPE, 10));
        assert_eq!((outline.train_images, outline.test_images), (50_000, 10_000));
        assert!(outline.remarks.is_empty());
        options.path = Some(Path::new("gone"));
        let outline = TEN.outline(&options, &files).unwrap();
        assert_eq!((outline.train_images, outline.test_images), (50_000, 10_000));
        assert_eq!(
            outline.remarks,
            ["gone: there is no such folder; the images are counted as those of the whole cifar10"]
        );
        options.test_limit = Some(10_001);
        assert_eq!(TEN.outline(&options, &files).unwrap_err().key, "data.test-limit");
    }

    #[test]
    fn the_downloaded_files_are_the_files_that_are_read() {
        for (dataset, format) in [(DataSetName::Cifar10, TEN), (DataSetName::Cifar100, HUNDRED)] {
            let known = dataset.descriptor().known.unwrap();
            let files = known.files.unwrap();
            assert_eq!(files.downloads[0].file, format.archive);
            assert_eq!(known.classes, Some(format.classes()));
            let images = |names: &[&str]| -> usize {
                let bytes: u64 = (names.iter())
                    .map(|name| files.members.iter().find(|member| member.name == *name).unwrap())
                    .map(|member| member.size.bound())
                    .sum();
                assert!((bytes as usize).is_multiple_of(format.record()));
                bytes as usize / format.record()
            };
            let found = (images(format.training_files), images(format.test_files));
            assert_eq!((known.images, format.images), (Some(found), found));
            assert!(files.members.iter().any(|member| member.name == format.names_file));
        }
    }
}
