//! A folder of images: `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::allocation;
use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_images::{FileImages, ImageFile, Room};
use super::file_system::{Entry, FileSystem};
use super::folder_listing::list;
use super::image_file::LARGEST_SIDE;
use super::images::Images;
use super::listing::{Listed, Lister, Listing};
use super::options::Options;
use super::set::DataSet;
use crate::network::Shape;

const NAME: &str = "folder";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: KEYS,
    channels: |_| CHANNELS,
    outline: |options, files| outline(options, files).map(|(outline, _)| outline),
    load: |request| load(request, NAME),
    known: None,
};

/// The keys of data sets whose images are in files of their own.
pub(super) const KEYS: &[&str] = &[
    "data.path",
    "data.image-size",
    "data.resize",
    "data.test-crops",
    "data.scaled-decoding",
];

/// Red, green and blue.
pub(super) const CHANNELS: usize = 3;

/// Decoded images are kept in up to one part in so many of the memory that is available: the network needs some too.
const SHARE_OF_MEMORY: u64 = 2;

/// The outline of the images under `data.path`, and the names of their classes.
///
/// # Errors
/// Those of [`list`], and a limit beyond its split.
pub(super) fn outline(options: &Options<'_>, files: &dyn FileSystem) -> Result<(Outline, Vec<OsString>), DataError> {
    let path = options.folder()?;
    let listing = list(files, path)?;
    let all = Outline {
        shape: Shape::square(CHANNELS, options.image_size),
        classes: listing.classes.len(),
        train_images: listing.train.len(),
        test_images: listing.test.len(),
        remarks: listing.remarks,
    };
    let within = all.within_limits(options, &path.display().to_string())?;
    Ok((within, listing.classes))
}

/// Lists the images within the limits, as the data set `name`. Each is read, decoded and resized when it is asked for.
///
/// # Errors
/// Those of [`list`], a limit beyond its split, an image size of which not one image fits into the available memory, and
/// a file that is not there any more.
pub(super) fn load(request: &Request<'_>, name: &str) -> Result<DataSet, DataError> {
    let (options, files) = (&request.options, &*request.files);
    let path = options.folder()?;
    let listing = list(files, path)?;
    let shape = Shape::square(CHANNELS, options.image_size);
    let thing = path.display().to_string();
    check_size(options, &thing, request.available_memory)?;
    let (train_images, test_images) = options.limited(listing.train.len(), listing.test.len(), &thing)?;
    let needed = (train_images + test_images) as u64 * shape.values() as u64;
    let room = (request.available_memory).map_or(u64::MAX, |memory| memory / SHARE_OF_MEMORY);
    let room = Arc::new(Room::new(room, needed));
    let mut lister = Lister::new(&made_of(options, listing.classes.len(), train_images));
    let mut split = |images: Vec<(PathBuf, u32)>, limit: usize| -> Result<Images, DataError> {
        let labels: Vec<u32> = images.iter().map(|(_, label)| *label).collect();
        let mut chosen = Vec::with_capacity(limit);
        for index in options.limit_order.choose(&labels, limit) {
            let (file, label) = &images[index];
            let bytes = length(files, file)?;
            lister.add(Listed {
                name: file.strip_prefix(path).unwrap_or(file).as_os_str().as_encoded_bytes(),
                bytes,
                label: *label,
                modified: files.modified(file),
            });
            let path = file.clone();
            chosen.push((ImageFile { path, bytes }, *label));
        }
        let (chosen, labels) = chosen.into_iter().unzip();
        let files = Arc::clone(&request.files);
        let images = FileImages::new(files, chosen, options.fitting(), request.threads, Arc::clone(&room));
        Ok(Images::in_files(images, labels))
    };
    let (train, test) = (split(listing.train, train_images)?, split(listing.test, test_images)?);
    let names = listing.classes.iter().map(|class| class.to_string_lossy().into_owned());
    let classes = names.collect();
    Ok(DataSet {
        listing: Some(Listing {
            is_cut: options.resize.is_some(),
            ..lister.finish(path)
        }),
        ..DataSet::new(name, shape, classes, 255.0, train, test)
    })
}

/// Checks that images have a size that is decoded, and that one fits into memory.
fn check_size(options: &Options<'_>, thing: &str, memory: Option<u64>) -> Result<(), DataError> {
    let size = options.image_size;
    if size == 0 || size > LARGEST_SIDE as usize {
        return Err(DataError::new(
            "data.image-size",
            thing,
            format!("image-size is {size}"),
            format!("write a size from 1 to {LARGEST_SIDE}"),
        ));
    }
    allocation::check(
        "data.image-size",
        thing,
        1,
        Shape::square(CHANNELS, size).values(),
        memory,
        "write a smaller image-size",
    )
}

/// The numbers that decide what is made of the files' bytes; keys that came later add to them where they are given.
fn made_of(options: &Options<'_>, classes: usize, train_images: usize) -> Vec<usize> {
    let mut numbers = vec![options.image_size, classes, train_images];
    if options.resize.is_some() || options.scaled_decoding {
        numbers.extend([options.resize.unwrap_or(0), usize::from(options.scaled_decoding)]);
    }
    numbers
}

/// The length of an image's file.
fn length(files: &dyn FileSystem, file: &Path) -> Result<u64, DataError> {
    match files.entry(file) {
        Ok(Entry::File(bytes)) => Ok(bytes),
        Ok(_) => Err(DataError::path(file, "it is not a file any more", "run again")),
        Err(error) => Err(DataError::unreadable(file, &error)),
    }
}
