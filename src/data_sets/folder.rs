//! A folder of images: `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

use std::path::PathBuf;
use std::sync::Arc;

use super::allocation;
use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_images::{FileImages, ImageFile, Room};
use super::file_system::{Entry, FileSystem};
use super::folder_listing::list;
use super::image_file::{Fit, LARGEST_SIDE};
use super::images::Images;
use super::listing::{Listed, Lister};
use super::options::Options;
use super::set::DataSet;
use crate::network::Shape;

const NAME: &str = "folder";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path", "data.image-size", "data.resize"],
    channels: |_| CHANNELS,
    outline,
    load,
    known: None,
};

/// Red, green and blue.
const CHANNELS: usize = 3;

/// Decoded images are kept in up to one part in so many of the memory that is available: the network needs some too.
const SHARE_OF_MEMORY: u64 = 2;

fn outline(options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
    let path = options.folder()?;
    let listing = list(files, path)?;
    let all = Outline {
        shape: Shape::square(CHANNELS, options.image_size),
        classes: listing.classes.len(),
        train_images: listing.train.len(),
        test_images: listing.test.len(),
        remarks: listing.remarks,
    };
    all.within_limits(options, &path.display().to_string())
}

/// Lists the images within the limits. Each is read, decoded and resized when it is asked for.
///
/// # Errors
/// Those of [`list`], a limit beyond its split, an image size of which not one image fits into the available memory, and
/// a file that is not there any more.
fn load(request: &Request<'_>) -> Result<DataSet, DataError> {
    let (options, files) = (&request.options, &*request.files);
    let path = options.folder()?;
    let listing = list(files, path)?;
    let size = options.image_size;
    let shape = Shape::square(CHANNELS, size);
    let thing = path.display().to_string();
    if size == 0 || size > LARGEST_SIDE as usize {
        return Err(DataError::new(
            "data.image-size",
            thing,
            format!("image-size is {size}"),
            format!("write a size from 1 to {LARGEST_SIDE}"),
        ));
    }
    let memory = request.available_memory;
    allocation::check(
        "data.image-size",
        &thing,
        1,
        shape.values(),
        memory,
        "write a smaller image-size",
    )?;
    let (train_images, test_images) = options.limited(listing.train.len(), listing.test.len(), &thing)?;
    let needed = (train_images + test_images) as u64 * shape.values() as u64;
    let room = Arc::new(Room::new(
        memory.map_or(u64::MAX, |memory| memory / SHARE_OF_MEMORY),
        needed,
    ));
    let fit = Fit {
        size: size as u32,
        short_side: options.resize.map(|side| side as u32),
    };
    let mut made_of = vec![size, listing.classes.len(), train_images];
    // The listings of folders without it stay what they were.
    made_of.extend(options.resize);
    let mut lister = Lister::new(&made_of);
    let mut split = |images: Vec<(PathBuf, u32)>, limit: usize| -> Result<Images, DataError> {
        let labels: Vec<u32> = images.iter().map(|(_, label)| *label).collect();
        let mut chosen = Vec::with_capacity(limit);
        for index in options.limit_order.choose(&labels, limit) {
            let (file, label) = &images[index];
            let bytes = match files.entry(file) {
                Ok(Entry::File(bytes)) => bytes,
                Ok(_) => return Err(DataError::path(file, "it is not a file any more", "run again")),
                Err(error) => return Err(DataError::unreadable(file, &error)),
            };
            lister.add(Listed {
                name: file.strip_prefix(path).unwrap_or(file).as_os_str().as_encoded_bytes(),
                bytes,
                label: *label,
                modified: files.modified(file),
            });
            chosen.push((
                ImageFile {
                    path: file.clone(),
                    bytes,
                },
                *label,
            ));
        }
        let (chosen, labels) = chosen.into_iter().unzip();
        let images = FileImages::new(
            Arc::clone(&request.files),
            chosen,
            fit,
            request.threads,
            Arc::clone(&room),
        );
        Ok(Images::in_files(images, labels))
    };
    let (train, test) = (split(listing.train, train_images)?, split(listing.test, test_images)?);
    let classes = listing
        .classes
        .iter()
        .map(|class| class.to_string_lossy().into_owned())
        .collect();
    Ok(DataSet {
        listing: Some(lister.finish(path)),
        ..DataSet::new(NAME, shape, classes, 255.0, train, test)
    })
}
