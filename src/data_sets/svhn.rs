//! SVHN, house numbers in street views, cropped to 32x32 around a digit (Netzer, Wang, Coates, Bissacco, Wu and Ng, *Reading
//! digits in natural images with unsupervised feature learning*, NIPS workshop, 2011).
//!
//! A file has `X`, `[row, column, channel, image]`, and `y`, the digits, with 10 for the digit 0. The sizes and checksums
//! are those in TensorFlow Datasets; torchvision has the same checksums.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::allocation;
use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_system::{Entry, FileSystem, check_folder, is_file, is_folder, missing};
use super::known::{Download, Files, KnownSet, Member};
use super::mat::Variables;
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use crate::network::Shape;
use crate::words::grouped;

const NAME: &str = "svhn";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path", "data.extra-split"],
    channels: |_| SHAPE.channels,
    outline,
    load,
    known: Some(KnownSet {
        name: NAME,
        about: "house numbers in street views; 531,131 further training images with extra-split = true",
        image: Some("3x32x32"),
        classes: Some(10),
        images: Some((TRAINING_IMAGES, TEST_IMAGES)),
        licence: "for non-commercial use only; its authors ask to be cited (Netzer and others, 2011)",
        home: "http://ufldl.stanford.edu/housenumbers/",
        files: Some(FILES),
        by_hand: None,
    }),
};

/// Red, green and blue.
const SHAPE: Shape = Shape::square(3, 32);

const CLASSES: usize = 10;

const TRAINING_IMAGES: usize = 73_257;
const EXTRA_IMAGES: usize = 531_131;
const TEST_IMAGES: usize = 26_032;

const TRAINING_FILE: &str = "train_32x32.mat";
const EXTRA_FILE: &str = "extra_32x32.mat";
const TEST_FILE: &str = "test_32x32.mat";

/// So many bytes of a file hold the shape of its images, which comes before them.
const START: u64 = 1 << 16;

const FILES: Files = Files {
    base: "http://ufldl.stanford.edu/housenumbers/",
    mirrors: &[],
    folder: "svhn-mat",
    downloads: &[
        Download::plain(
            TRAINING_FILE,
            182_040_794,
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        Download::plain(
            TEST_FILE,
            64_275_384,
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
        Download::plain(
            EXTRA_FILE,
            1_329_278_602,
            "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
        ),
    ],
    members: &[
        Member::exactly(
            TRAINING_FILE,
            182_040_794,
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        Member::exactly(
            TEST_FILE,
            64_275_384,
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
        Member::exactly(
            EXTRA_FILE,
            1_329_278_602,
            "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
        ),
    ],
};

/// The files with the images to train on, in their order.
fn training_files(options: &Options<'_>) -> &'static [&'static str] {
    match options.extra_split {
        true => &[TRAINING_FILE, EXTRA_FILE],
        false => &[TRAINING_FILE],
    }
}

/// The outline of the files under `data.path`, by the shapes at their starts; where they are not there, that of the whole
/// data set, which takes no file to know.
fn outline(options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
    let is_missing = |path: &&Path| matches!(files.entry(path), Err(error) if error.kind() == ErrorKind::NotFound);
    let extra = if options.extra_split { EXTRA_IMAGES } else { 0 };
    let whole = (TRAINING_IMAGES + extra, TEST_IMAGES);
    let (images, remarks) = match options.path {
        None => (whole, Vec::new()),
        Some(path) if is_missing(&path) => {
            let rule = missing(files, path, "folder", "").rule;
            let remark = format!(
                "{}: {rule}; the images are counted as those of the whole {NAME}",
                path.display()
            );
            (whole, vec![remark])
        }
        Some(path) => {
            let folder = locate(options, files, path)?;
            let mut train = 0;
            for name in training_files(options) {
                train += images_in(files, &folder.join(name))?;
            }
            ((train, images_in(files, &folder.join(TEST_FILE))?), Vec::new())
        }
    };
    let all = Outline {
        shape: SHAPE,
        classes: CLASSES,
        train_images: images.0,
        test_images: images.1,
        remarks,
    };
    all.within_limits(options, NAME)
}

/// Reads the files under `data.path`: the training images, with `extra-split` the extra ones after them, and the test images.
///
/// # Errors
/// Files that are not there or cannot be read, those of [`append`], images that do not fit into the available memory, or a
/// limit beyond them.
fn load(request: &Request<'_>) -> Result<DataSet, DataError> {
    let (options, files) = (&request.options, &*request.files);
    let folder = locate(options, files, options.folder()?)?;
    let (mut images, mut largest) = (0, 0);
    for name in training_files(options).iter().chain(&[TEST_FILE]) {
        let file = folder.join(name);
        images += images_in(files, &file)?;
        if let Ok(Entry::File(bytes)) = files.entry(&file) {
            largest = largest.max(bytes);
        }
    }
    allocation::check(
        "data.path",
        &folder.display().to_string(),
        images,
        SHAPE.values(),
        // A file is in memory as it is while its images are unpacked.
        (request.available_memory).map(|available| available.saturating_sub(largest)),
        match options.extra_split {
            true => "use a machine with more memory, or leave extra-split out",
            false => "use a machine with more memory",
        },
    )?;
    let read = |names: &[&str]| -> Result<Split, DataError> {
        let mut split = Split::default();
        // No pixel is moved when the extra images are added. Where this is refused, so is what is read.
        let _ = split.pixels.try_reserve_exact(images.saturating_mul(SHAPE.values()));
        for file in names.iter().map(|name| folder.join(name)) {
            let bytes = (files.read(&file, u64::MAX)).map_err(|error| DataError::unreadable(&file, &error))?;
            append(&mut split, &bytes, &file.display().to_string())?;
        }
        Ok(split)
    };
    let (mut train, mut test) = (read(training_files(options))?, read(&[TEST_FILE])?);
    let (train_images, test_images) = options.limited(train.images(), test.images(), NAME)?;
    train.keep(&options.limit_order.choose(&train.labels, train_images));
    test.keep(&options.limit_order.choose(&test.labels, test_images));
    let classes = (0..CLASSES).map(|digit| digit.to_string()).collect();
    Ok(DataSet::new(NAME, SHAPE, classes, 255.0, train, test))
}

/// The images of one file; `file_name` is what errors call it.
///
/// # Errors
/// Not a MAT-file of version 5, or a damaged one; `X` or `y` that is missing, of another type or of another shape; a label
/// that is not a whole number from 1 to 10.
pub fn parse(bytes: &[u8], file_name: &str) -> Result<Split, DataError> {
    let mut split = Split::default();
    append(&mut split, bytes, file_name)?;
    Ok(split)
}

/// Adds the images of one file to a split.
///
/// # Errors
/// Those of [`parse`].
fn append(split: &mut Split, bytes: &[u8], file_name: &str) -> Result<(), DataError> {
    let fault = |rule: String| DataError::new("data.path", file_name, rule, damage_remedy());
    let (mut images, mut labels) = (None, None);
    let first = split.pixels.len();
    for variable in Variables::open(bytes).map_err(fault)? {
        let variable = variable.map_err(fault)?;
        match variable.name.as_str() {
            "X" if images.is_none() => {
                let count = count_of(&variable.dimensions).map_err(fault)?;
                variable.append_bytes(&mut split.pixels).map_err(fault)?;
                images = Some(count);
            }
            "y" if labels.is_none() => labels = Some(variable.numbers().map_err(fault)?),
            _ => {}
        }
    }
    let (Some(images), Some(labels)) = (images, labels) else {
        let lacking = if images.is_none() { "X" } else { "y" };
        return Err(fault(format!(
            "it has no variable {lacking}, and images X and labels y were expected"
        )));
    };
    if images != labels.len() {
        return Err(fault(format!(
            "X has {} images, and y has {} labels",
            grouped(images as u64),
            grouped(labels.len() as u64)
        )));
    }
    for image in split.pixels[first..].chunks_exact_mut(SHAPE.values()) {
        transpose(image);
    }
    for (index, label) in labels.into_iter().enumerate() {
        if !(1.0..=10.0).contains(&label) || label.fract() != 0.0 {
            return Err(fault(format!(
                "label {} is {label}, and 1 to 10 was expected",
                grouped(index as u64)
            )));
        }
        split.labels.push(label as u32 % 10);
    }
    Ok(())
}

/// Turns the maps of an image, `[channel, column, row]` in memory, into rows of columns.
fn transpose(image: &mut [u8]) {
    let side = SHAPE.width;
    for map in image.chunks_exact_mut(side * side) {
        for row in 0..side {
            for column in row + 1..side {
                map.swap(row * side + column, column * side + row);
            }
        }
    }
}

/// The number of images of an array of that shape; a single image may lack the last dimension.
fn count_of(dimensions: &[usize]) -> Result<usize, String> {
    match dimensions {
        [32, 32, 3] => Ok(1),
        [32, 32, 3, images] if *images > 0 => Ok(*images),
        other => {
            let lengths: Vec<String> = other.iter().map(usize::to_string).collect();
            Err(format!("X is {}, and 32x32x3xIMAGES was expected", lengths.join("x")))
        }
    }
}

/// The number of images of a file, which stands before them.
fn images_in(files: &dyn FileSystem, file: &Path) -> Result<usize, DataError> {
    let fault = |rule: String| DataError::path(file, rule, damage_remedy());
    let start = (files.start(file, START)).map_err(|error| DataError::unreadable(file, &error))?;
    for variable in Variables::open(&start).map_err(fault)? {
        let variable = variable.map_err(fault)?;
        if variable.name == "X" {
            return count_of(&variable.dimensions).map_err(fault);
        }
    }
    Err(fault(
        "it has no variable X at its start, and images X were expected".to_owned(),
    ))
}

/// The folder that holds the files: `path` itself, or in it the one that `data fetch` makes.
///
/// # Errors
/// `path` is not a folder, or one of the files that are read is not there.
fn locate(options: &Options<'_>, files: &dyn FileSystem, path: &Path) -> Result<PathBuf, DataError> {
    check_folder(files, path, &remedy())?;
    let own = path.join(FILES.folder);
    let folder = if is_folder(files, &own) { own } else { path.to_owned() };
    for name in training_files(options).iter().chain(&[TEST_FILE]) {
        let file = folder.join(name);
        if !is_file(files, &file) {
            return Err(missing(files, &file, "file", &remedy()));
        }
    }
    Ok(folder)
}

/// Where to get the files.
fn remedy() -> String {
    format!(
        "leave path out and download it with `densenet-bench data fetch {NAME}`, or get the files of format 2 from {} and \
         name their folder",
        FILES.base
    )
}

/// Where the files are there, but damaged: `data fetch` leaves a folder alone that is there already.
fn damage_remedy() -> String {
    format!("remove or rename its folder, leave path out, and download it with `densenet-bench data fetch {NAME}`")
}
