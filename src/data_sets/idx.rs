//! MNIST and the data sets in its format, IDX (Y. LeCun, C. Cortes and C. J. C. Burges, 1998).
//!
//! A file starts with two zeros, the type of its values (8: unsigned bytes) and the number of its dimensions, then has the
//! length of each dimension as 32 bits, the most significant byte first, and then the values: `[image, row, column]` or
//! `[image]`. The published files are gzipped; unpacked ones are read too.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::allocation;
use super::descriptor::{Outline, Request};
use super::error::DataError;
use super::file_system::{FileSystem, check_folder, is_file, is_folder, missing};
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use crate::network::Shape;
use crate::words::grouped;

/// The labels of the first training images of the data sets in this format, by which one is told from another.
pub(super) const MNIST_STARTS: [u32; 10] = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4];
pub(super) const FASHION_MNIST_STARTS: [u32; 10] = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5];

/// One image.
const SHAPE: Shape = Shape::square(1, 28);

/// Images of the whole data set, to train on and to test on.
pub(super) const IMAGES: (usize, usize) = (60_000, 10_000);

/// What the published files are called, without `.gz`: images and labels of each split.
const TRAINING_FILES: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST_FILES: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The most bytes of a file: the largest published one has 47 million unpacked.
const LARGEST_FILE: u64 = 1 << 30;

/// The first bytes of a gzipped file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// One of the data sets.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The data set's name.
    pub(super) name: &'static str,
    /// The folder that `data fetch` makes.
    pub(super) folder: &'static str,
    /// The classes' names, in the order of the labels.
    pub(super) classes: [&'static str; 10],
    /// The data set that is mistaken for this one, since its files have the same names and shapes: its name and its first
    /// training labels.
    pub(super) mistaken: (&'static str, [u32; 10]),
}

impl Format {
    /// The outline of the files under `data.path`, by the numbers of their labels; where they are not there, that of the
    /// whole data set, which takes no file to know.
    pub(super) fn outline(&self, options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
        let is_missing = |path: &&Path| matches!(files.entry(path), Err(error) if error.kind() == ErrorKind::NotFound);
        let (images, remarks) = match options.path {
            None => (IMAGES, Vec::new()),
            Some(path) if is_missing(&path) => {
                let rule = missing(files, path, "folder", "").rule;
                let remark = format!(
                    "{}: {rule}; the images are counted as those of the whole {}",
                    path.display(),
                    self.name
                );
                (IMAGES, vec![remark])
            }
            Some(path) => {
                let folder = self.locate(files, path)?;
                let labels = |[_, name]: [&str; 2]| {
                    let file = self.file(files, &folder, name)?;
                    let bytes = read(files, &file)?;
                    let file_name = file.display().to_string();
                    let mut values = Values::open(&bytes, &file_name, self)?;
                    values.lengths::<1>().map(|[labels]| labels)
                };
                ((labels(TRAINING_FILES)?, labels(TEST_FILES)?), Vec::new())
            }
        };
        let all = Outline {
            shape: SHAPE,
            classes: self.classes.len(),
            train_images: images.0,
            test_images: images.1,
            remarks,
        };
        all.within_limits(options, self.name)
    }

    /// Reads the four files under `data.path`.
    ///
    /// # Errors
    /// Files that are not there or cannot be read, those of [`parse_images`] and [`parse_labels`], another number of images
    /// than of labels, the files of the data set that is mistaken for this one, images that do not fit into the available
    /// memory, or a limit beyond them.
    pub(super) fn load(&self, request: &Request<'_>) -> Result<DataSet, DataError> {
        let (options, files) = (&request.options, &*request.files);
        let folder = self.locate(files, options.folder()?)?;
        let split = |names: [&str; 2]| -> Result<Split, DataError> {
            let [images, labels] = names.map(|name| self.file(files, &folder, name));
            let (images, labels) = (images?, labels?);
            let values = parse_labels(&read(files, &labels)?, &labels.display().to_string(), self)?;
            if values.starts_with(&self.mistaken.1) {
                return Err(self.mistaken(&labels));
            }
            allocation::check(
                "data.path",
                &images.display().to_string(),
                values.len(),
                SHAPE.values(),
                request.available_memory,
                "use a machine with more memory",
            )?;
            let pixels = parse_images(&read(files, &images)?, &images.display().to_string(), self)?;
            let found = pixels.len() / SHAPE.values();
            if found != values.len() {
                let rule = format!(
                    "it has {} images, and {} has {} labels",
                    grouped(found as u64),
                    labels.display(),
                    grouped(values.len() as u64)
                );
                return Err(DataError::path(&images, rule, self.damage_remedy()));
            }
            Ok(Split { pixels, labels: values })
        };
        let (mut train, mut test) = (split(TRAINING_FILES)?, split(TEST_FILES)?);
        let (train_images, test_images) = options.limited(train.images(), test.images(), self.name)?;
        train.keep(&options.limit_order.choose(&train.labels, train_images));
        test.keep(&options.limit_order.choose(&test.labels, test_images));
        let classes = self.classes.map(str::to_owned).to_vec();
        Ok(DataSet::new(self.name, SHAPE, classes, 255.0, train, test))
    }

    /// The folder that holds the files: `path` itself, or in it the one that `data fetch` makes.
    ///
    /// # Errors
    /// `path` is not a folder, or one of the files is not there.
    fn locate(&self, files: &dyn FileSystem, path: &Path) -> Result<PathBuf, DataError> {
        check_folder(files, path, &self.remedy())?;
        let own = path.join(self.folder);
        let folder = if is_folder(files, &own) { own } else { path.to_owned() };
        for name in TRAINING_FILES.iter().chain(&TEST_FILES) {
            self.file(files, &folder, name)?;
        }
        Ok(folder)
    }

    /// A file of the folder, gzipped or unpacked.
    fn file(&self, files: &dyn FileSystem, folder: &Path, name: &str) -> Result<PathBuf, DataError> {
        let (packed, unpacked) = (folder.join(format!("{name}.gz")), folder.join(name));
        match [&packed, &unpacked].into_iter().find(|file| is_file(files, file)) {
            Some(file) => Ok(file.clone()),
            None => Err(missing(files, &packed, "file", &self.remedy())),
        }
    }

    fn mistaken(&self, labels: &Path) -> DataError {
        let (other, _) = self.mistaken;
        DataError::path(
            labels,
            format!("its labels are those of {other}, and the data set is {}", self.name),
            format!("write dataset = \"{other}\"; or {}", self.remedy()),
        )
    }

    /// Where to get the files.
    fn remedy(&self) -> String {
        format!(
            "leave path out and download it with `densenet-bench data fetch {}`, or name a folder with the four files of {}",
            self.name, self.name
        )
    }

    /// Where the files are there, but damaged: `data fetch` leaves a folder alone that is there already.
    fn damage_remedy(&self) -> String {
        format!(
            "remove or rename its folder, leave path out, and download it with `densenet-bench data fetch {}`",
            self.name
        )
    }
}

fn read(files: &dyn FileSystem, file: &Path) -> Result<Vec<u8>, DataError> {
    files
        .read(file, LARGEST_FILE)
        .map_err(|error| DataError::unreadable(file, &error))
}

/// The pixels of a file of images, `[image, row, column]` of 28x28, gzipped or not; `file_name` is what errors call it.
///
/// # Errors
/// Another type of values or another shape, no image, values that end early or go on, or a damaged gzip.
pub fn parse_images(bytes: &[u8], file_name: &str, format: &Format) -> Result<Vec<u8>, DataError> {
    let mut values = Values::open(bytes, file_name, format)?;
    let [images, rows, columns] = values.lengths()?;
    if (rows, columns) != (SHAPE.height, SHAPE.width) {
        return Err(values.fault(format!(
            "its images are {rows}x{columns}, and {}x{} was expected",
            SHAPE.height, SHAPE.width
        )));
    }
    values.all(images, SHAPE.values(), "images")
}

/// The labels of a file of labels, gzipped or not.
///
/// # Errors
/// Those of [`parse_images`], and a label out of range (its number, byte and value).
pub fn parse_labels(bytes: &[u8], file_name: &str, format: &Format) -> Result<Vec<u32>, DataError> {
    let mut values = Values::open(bytes, file_name, format)?;
    let [count] = values.lengths()?;
    let labels = values.all(count, 1, "labels")?;
    if let Some((index, label)) =
        (labels.iter().enumerate()).find(|&(_, &label)| usize::from(label) >= format.classes.len())
    {
        return Err(values.fault(format!(
            "label {} (byte {}) is {label}, and 0 to {} was expected",
            grouped(index as u64),
            grouped(index as u64 + 8),
            format.classes.len() - 1
        )));
    }
    Ok(labels.into_iter().map(u32::from).collect())
}

/// The values of one file, unpacked as they are read.
struct Values<'a> {
    reader: Box<dyn Read + 'a>,
    file_name: &'a str,
    format: &'a Format,
}

impl<'a> Values<'a> {
    fn open(bytes: &'a [u8], file_name: &'a str, format: &'a Format) -> Result<Self, DataError> {
        let reader: Box<dyn Read> = match bytes.starts_with(&GZIP) {
            true => Box::new(MultiGzDecoder::new(bytes)),
            false => Box::new(bytes),
        };
        let values = Self {
            reader,
            file_name,
            format,
        };
        match bytes.is_empty() {
            true => Err(values.fault("it is empty".to_owned())),
            false => Ok(values),
        }
    }

    /// The lengths of the file's dimensions, of which `N` are expected.
    fn lengths<const N: usize>(&mut self) -> Result<[usize; N], DataError> {
        let magic = self.number()?;
        let expected = 0x0800 + N as u32;
        if magic != expected {
            return Err(self.fault(format!(
                "it starts with 0x{magic:08x}, and 0x{expected:08x} was expected: IDX with unsigned bytes in {N} dimension{}",
                if N == 1 { "" } else { "s" }
            )));
        }
        let mut lengths = [0; N];
        for length in &mut lengths {
            *length = self.number()? as usize;
        }
        Ok(lengths)
    }

    /// A number of 32 bits, the most significant byte first.
    fn number(&mut self) -> Result<u32, DataError> {
        let mut bytes = [0; 4];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => Ok(u32::from_be_bytes(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(self.fault("it ends within its header".to_owned()))
            }
            Err(error) => Err(self.damaged(&error)),
        }
    }

    /// The rest of the file: `count` things of `size` bytes each. Memory grows with the bytes that are there, and not with
    /// the number in the header.
    fn all(&mut self, count: usize, size: usize, things: &str) -> Result<Vec<u8>, DataError> {
        if count == 0 {
            return Err(self.fault(format!("it has no {things}")));
        }
        let expected = count as u64 * size as u64;
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(expected + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.damaged(&error))?;
        match bytes.len() as u64 {
            found if found < expected => Err(self.fault(format!(
                "it ends after {} of its {} {things}",
                grouped(found / size as u64),
                grouped(count as u64)
            ))),
            found if found > expected => {
                Err(self.fault(format!("it goes on after its {} {things}", grouped(count as u64))))
            }
            _ => Ok(bytes),
        }
    }

    fn damaged(&self, error: &io::Error) -> DataError {
        self.fault(format!("it does not decompress: {error}"))
    }

    fn fault(&self, rule: String) -> DataError {
        DataError::new("data.path", self.file_name, rule, self.format.damage_remedy())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;

    use super::*;
    use crate::data_sets::file_system::tests::MemoryFiles;
    use crate::data_sets::{DataSetName, fashion_mnist, mnist};

    const MNIST: &Format = &mnist::FORMAT;

    fn idx(lengths: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, lengths.len() as u8];
        for length in lengths {
            bytes.extend(length.to_be_bytes());
        }
        bytes.extend(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn images(count: u32) -> Vec<u8> {
        let pixels: Vec<u8> = (0..count * 784).map(|pixel| (pixel % 251) as u8).collect();
        idx(&[count, 28, 28], &pixels)
    }

    /// A folder with `train` gzipped and `test` unpacked images, whose training labels are these.
    fn files(labels: &[u8], test: u32) -> MemoryFiles {
        let at = |name: &str| Path::new("d").join(name);
        MemoryFiles(BTreeMap::from([
            (at("train-images-idx3-ubyte.gz"), gzip(&images(labels.len() as u32))),
            (
                at("train-labels-idx1-ubyte.gz"),
                gzip(&idx(&[labels.len() as u32], labels)),
            ),
            (at("t10k-images-idx3-ubyte"), images(test)),
            (at("t10k-labels-idx1-ubyte"), idx(&[test], &vec![1; test as usize])),
        ]))
    }

    fn load(format: &Format, files: MemoryFiles, available_memory: Option<u64>) -> Result<DataSet, DataError> {
        format.load(&Request {
            options: Options {
                path: Some(Path::new("d")),
                ..Options::default()
            },
            files: std::sync::Arc::new(files),
            threads: 1,
            available_memory,
        })
    }

    #[test]
    fn gzipped_and_unpacked_files_are_read_alike() {
        let data = load(MNIST, files(&[3, 9, 0], 2), None).unwrap();
        assert_eq!(
            (&data.train.labels[..], &data.test.labels[..]),
            (&[3, 9, 0][..], &[1, 1][..])
        );
        assert_eq!(data.train.pixels(), images(3)[16..]);
        assert_eq!((data.shape.to_string().as_str(), data.scale), ("1x28x28", 255.0));
        let options = Options {
            path: Some(Path::new("d")),
            ..Options::default()
        };
        let outline = MNIST.outline(&options, &files(&[3, 9, 0], 2)).unwrap();
        assert_eq!((outline.train_images, outline.test_images), (3, 2));
        let error = load(MNIST, files(&[3, 9, 0], 2), Some(1000)).unwrap_err();
        assert!(
            error.rule.starts_with("3 images of 784 bytes need 2,352 bytes"),
            "{error}"
        );
    }

    #[test]
    fn the_outline_of_the_whole_data_set_takes_no_file() {
        let outline = MNIST.outline(&Options::default(), &MemoryFiles::default()).unwrap();
        assert_eq!((outline.train_images, outline.test_images), IMAGES);
        let options = Options {
            path: Some(Path::new("gone")),
            ..Options::default()
        };
        let outline = MNIST.outline(&options, &MemoryFiles::default()).unwrap();
        assert_eq!(
            outline.remarks,
            ["gone: there is no such folder; the images are counted as those of the whole mnist"]
        );
    }

    #[test]
    fn the_files_of_the_other_data_set_are_named_by_their_labels() {
        let fashion: Vec<u8> = FASHION_MNIST_STARTS.map(|label| label as u8).to_vec();
        let error = load(MNIST, files(&fashion, 1), None).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "d/train-labels-idx1-ubyte.gz: its labels are those of fashion-mnist, and the data set is mnist; write \
                 dataset = \"fashion-mnist\"; or leave path out"
            ),
            "{error}"
        );
        assert!(load(&fashion_mnist::FORMAT, files(&fashion, 1), None).is_ok());
    }

    #[test]
    fn a_damaged_file_is_named_with_what_was_expected() {
        let rule = |bytes: &[u8]| parse_images(bytes, "i.gz", MNIST).unwrap_err().rule;
        assert_eq!(rule(b""), "it is empty");
        assert_eq!(rule(&[0, 0, 8]), "it ends within its header");
        assert_eq!(
            rule(&idx(&[1], &[1])),
            "it starts with 0x00000801, and 0x00000803 was expected: IDX with unsigned bytes in 3 dimensions"
        );
        assert_eq!(
            rule(&idx(&[1, 32, 32], &[])),
            "its images are 32x32, and 28x28 was expected"
        );
        assert_eq!(rule(&idx(&[0, 28, 28], &[])), "it has no images");
        let whole = images(2);
        assert_eq!(rule(&whole[..1000]), "it ends after 1 of its 2 images");
        assert_eq!(
            rule(&idx(&[u32::MAX, 28, 28], &[])),
            "it ends after 0 of its 4,294,967,295 images"
        );
        assert_eq!(rule(&[&whole[..], &[0]].concat()), "it goes on after its 2 images");
        let packed = gzip(&whole);
        assert!(rule(&packed[..packed.len() - 9]).starts_with("it does not decompress: "));
        let rule = |bytes: &[u8]| parse_labels(bytes, "l.gz", MNIST).unwrap_err().rule;
        assert_eq!(
            rule(&idx(&[3], &[1, 2, 10])),
            "label 2 (byte 10) is 10, and 0 to 9 was expected"
        );
        let mut unequal = files(&[3, 9], 2);
        unequal.0.insert("d/t10k-images-idx3-ubyte".into(), images(3));
        assert_eq!(
            load(MNIST, unequal, None).unwrap_err().rule,
            "it has 3 images, and d/t10k-labels-idx1-ubyte has 2 labels"
        );
        let mut without = files(&[3, 9], 2);
        without.0.remove(Path::new("d/t10k-images-idx3-ubyte"));
        assert_eq!(load(MNIST, without, None).unwrap_err().rule, "there is no such file");
    }

    #[test]
    fn the_downloaded_files_are_the_files_that_are_read() {
        for (dataset, format) in [
            (DataSetName::Mnist, MNIST),
            (DataSetName::FashionMnist, &fashion_mnist::FORMAT),
        ] {
            let known = dataset.descriptor().known.unwrap();
            let files = known.files.unwrap();
            assert_eq!((files.folder, known.images), (format.folder, Some(IMAGES)));
            for name in TRAINING_FILES.iter().chain(&TEST_FILES) {
                let name = format!("{name}.gz");
                let member = files.members.iter().find(|member| member.name == name).unwrap();
                let download = files.downloads.iter().find(|download| download.file == name).unwrap();
                assert_eq!(member.sha256, Some(download.sha256));
                assert_eq!(member.size.bound(), download.bytes);
            }
        }
    }
}
