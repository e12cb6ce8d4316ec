//! CIFAR-10 and CIFAR-100 from their official binary batches (A. Krizhevsky, 2009).
//!
//! A record is the label (for CIFAR-100 the coarse label, then the fine one, which is taken) and 3,072 pixels: red, green
//! and blue, each 32 rows of 32.

use std::path::{Path, PathBuf};

use super::error::{DataError, grouped};
use super::memory;
use super::set::{DataSet, Split};
use crate::files::read_bounded;
use crate::network::Shape;

/// One image.
pub(super) const SHAPE: Shape = Shape {
    channels: 3,
    height: 32,
    width: 32,
};

const PIXELS: usize = 3072;

/// The most bytes of a file of names; the official ones have about a thousand.
const LARGEST_NAMES_FILE: u64 = 1 << 20;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 10 classes, `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
    Cifar10,
    /// 100 classes, `train.bin` and `test.bin`.
    Cifar100,
}

impl Format {
    /// Classes of the label that is taken.
    pub fn classes(self) -> usize {
        match self {
            Format::Cifar10 => 10,
            Format::Cifar100 => 100,
        }
    }

    /// Bytes of a record.
    pub fn record(self) -> usize {
        self.labels().len() + PIXELS
    }

    /// The labels at a record's start, the one that is taken last: (what it is called, how many values it has).
    fn labels(self) -> &'static [(&'static str, u8)] {
        match self {
            Format::Cifar10 => &[("label", 10)],
            Format::Cifar100 => &[("coarse label", 20), ("fine label", 100)],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Format::Cifar10 => "cifar10",
            Format::Cifar100 => "cifar100",
        }
    }

    /// The folder that the archive unpacks to.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Format::Cifar10 => "cifar-10-batches-bin",
            Format::Cifar100 => "cifar-100-binary",
        }
    }

    pub(super) fn training_files(self) -> &'static [&'static str] {
        match self {
            Format::Cifar10 => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Format::Cifar100 => &["train.bin"],
        }
    }

    pub(super) fn test_files(self) -> &'static [&'static str] {
        match self {
            Format::Cifar10 => &["test_batch.bin"],
            Format::Cifar100 => &["test.bin"],
        }
    }

    pub(super) fn names_file(self) -> &'static str {
        match self {
            Format::Cifar10 => "batches.meta.txt",
            Format::Cifar100 => "fine_label_names.txt",
        }
    }

    fn remedy(self) -> String {
        let archive = match self {
            Format::Cifar10 => "cifar-10-binary.tar.gz",
            Format::Cifar100 => "cifar-100-binary.tar.gz",
        };
        format!(
            "fetch it with `densenet-bench data fetch {}`, or get {archive} from \
             https://www.cs.toronto.edu/~kriz/cifar.html and unpack it",
            self.name()
        )
    }
}

/// The images of one batch file; `file_name` is what errors call it.
///
/// # Errors
/// No record, a last record that is cut short, or a label out of range (file, record, byte, value).
pub fn parse_batch(bytes: &[u8], file_name: &str, format: Format) -> Result<Split, DataError> {
    let record_bytes = format.record();
    let fault = |rule: String| DataError::new("data.path", file_name, rule, format.remedy());
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
    let mut split = Split {
        pixels: Vec::with_capacity(images * PIXELS),
        labels: Vec::with_capacity(images),
    };
    let labels = format.labels();
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
    Ok(split)
}

/// The names of the classes, one a line; empty lines do not count.
///
/// # Errors
/// Not UTF-8, or another number of names than the format has classes.
pub fn parse_names(bytes: &[u8], file_name: &str, format: Format) -> Result<Vec<String>, DataError> {
    let fault = |rule: String| DataError::new("data.path", file_name, rule, format.remedy());
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

/// The folder that holds the batch files: `path` itself, or the archive's own folder in it.
///
/// # Errors
/// `path` is no folder, or one of the files is not there.
pub(super) fn locate(path: &Path, format: Format) -> Result<PathBuf, DataError> {
    super::folder::check_folder(path, &format.remedy())?;
    let unpacked = path.join(format.folder());
    let folder = if unpacked.is_dir() { unpacked } else { path.to_owned() };
    for name in format.training_files().iter().chain(format.test_files()) {
        let file = folder.join(name);
        if !file.is_file() {
            return Err(DataError::path(&file, "there is no such file", format.remedy()));
        }
    }
    Ok(folder)
}

/// Reads the batch files under `path`, in their order.
///
/// # Errors
/// Those of [`locate`] and [`parse_batch`], a file that cannot be read, or images that do not fit into `available` bytes
/// of memory.
pub(super) fn load(path: &Path, format: Format, available: Option<u64>) -> Result<DataSet, DataError> {
    let folder = locate(path, format)?;
    let unreadable = |file: &Path, error: std::io::Error| {
        DataError::path(
            file,
            format!("it cannot be read: {error}"),
            "check the file and its permissions",
        )
    };
    let files = || format.training_files().iter().chain(format.test_files());
    let mut bytes = 0;
    for file in files().map(|name| folder.join(name)) {
        bytes += std::fs::metadata(&file)
            .map_err(|error| unreadable(&file, error))?
            .len();
    }
    let images = usize::try_from(bytes).unwrap_or(usize::MAX) / format.record();
    memory::check(
        "data.path",
        &folder.display().to_string(),
        images,
        PIXELS,
        available,
        "use a machine with more memory",
    )?;
    let read = |names: &[&str]| -> Result<Split, DataError> {
        let mut split = Split::default();
        for file in names.iter().map(|name| folder.join(name)) {
            let bytes = std::fs::read(&file).map_err(|error| unreadable(&file, error))?;
            let batch = parse_batch(&bytes, &file.display().to_string(), format)?;
            split.pixels.extend_from_slice(&batch.pixels);
            split.labels.extend_from_slice(&batch.labels);
        }
        Ok(split)
    };
    let (train, test) = (read(format.training_files())?, read(format.test_files())?);
    let names_file = folder.join(format.names_file());
    let classes = if names_file.is_file() {
        let bytes = read_bounded(&names_file, LARGEST_NAMES_FILE).map_err(|error| unreadable(&names_file, error))?;
        parse_names(&bytes, &names_file.display().to_string(), format)?
    } else {
        (0..format.classes()).map(|class| class.to_string()).collect()
    };
    Ok(DataSet::new(format.name(), SHAPE, classes, 255.0, train, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(labels: &[u8], pixel: u8) -> Vec<u8> {
        [labels, &[pixel; PIXELS]].concat()
    }

    #[test]
    fn records_are_labels_and_pixels() {
        let batch = [record(&[3], 7), record(&[9], 8)].concat();
        let split = parse_batch(&batch, "test_batch.bin", Format::Cifar10).unwrap();
        assert_eq!(split.labels, [3, 9]);
        assert_eq!(split.image(1), [8; PIXELS]);
        let batch = [record(&[19, 99], 1), record(&[0, 4], 2)].concat();
        assert_eq!(
            parse_batch(&batch, "train.bin", Format::Cifar100).unwrap().labels,
            [99, 4]
        );
    }

    #[test]
    fn a_batch_cut_short_is_named_with_its_record() {
        let remedy = "fetch it with `densenet-bench data fetch cifar10`, or get cifar-10-binary.tar.gz from \
                      https://www.cs.toronto.edu/~kriz/cifar.html and unpack it";
        let batch = record(&[1], 0).repeat(3);
        let error = |bytes: &[u8]| {
            parse_batch(bytes, "data_batch_3.bin", Format::Cifar10)
                .unwrap_err()
                .to_string()
        };
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
            rule(&[record(&[1], 0), record(&[10], 0)].concat(), Format::Cifar10),
            "record 1 (byte 3,073) has label 10, and 0 to 9 was expected"
        );
        assert_eq!(
            rule(&record(&[20, 5], 0), Format::Cifar100),
            "record 0 (byte 0) has coarse label 20, and 0 to 19 was expected"
        );
        assert_eq!(
            rule(&[record(&[0, 5], 0), record(&[0, 100], 0)].concat(), Format::Cifar100),
            "record 1 (byte 3,075) has fine label 100, and 0 to 99 was expected"
        );
    }

    #[test]
    fn class_names_are_as_many_as_the_classes() {
        let names = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
        let parsed = parse_names(names.as_bytes(), "batches.meta.txt", Format::Cifar10).unwrap();
        assert_eq!(parsed[9], "j");
        let rule = |names: &[u8]| {
            parse_names(names, "batches.meta.txt", Format::Cifar10)
                .unwrap_err()
                .rule
        };
        assert_eq!(rule(b"a\nb"), "it has 2 names, and 10 were expected");
        assert_eq!(rule(b"a\xff"), "byte 1 is not UTF-8, and names were expected");
    }
}
