//! A folder of images: `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

use std::path::PathBuf;

use super::bad_files::BadFiles;
use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_system::FileSystem;
use super::folder_listing::list;
use super::image_file::{LARGEST_FILE, LARGEST_SIDE, decode};
use super::options::Options;
use super::set::{DataSet, Split};
use super::stand_in::stand_in;
use super::{allocation, parallel};
use crate::network::Shape;

const NAME: &str = "folder";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path", "data.image-size"],
    channels: |_| CHANNELS,
    outline,
    load,
    known: None,
};

/// Red, green and blue.
const CHANNELS: usize = 3;

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

/// Reads, decodes and resizes the images. Only those within the limits are decoded.
///
/// # Errors
/// Those of [`list`], a limit beyond its split, images that do not fit into the available memory, and files that cannot be
/// read or decoded: the first ten in the data set's order, and their count.
fn load(request: &Request<'_>) -> Result<DataSet, DataError> {
    let (options, files) = (&request.options, request.files);
    let path = options.folder()?;
    let listing = list(files, path)?;
    let size = options.image_size;
    let shape = Shape::square(CHANNELS, size);
    let thing = path.display().to_string();
    let smaller = "write a smaller image-size or a limit";
    if size == 0 || size > LARGEST_SIDE as usize {
        return Err(DataError::new(
            "data.image-size",
            thing,
            format!("image-size is {size}"),
            format!("write a size from 1 to {LARGEST_SIDE}"),
        ));
    }
    let (train_images, test_images) = options.limited(listing.train.len(), listing.test.len(), &thing)?;
    let (train, test) = (&listing.train[..train_images], &listing.test[..test_images]);
    allocation::check(
        "data.image-size",
        &thing,
        train.len() + test.len(),
        shape.values(),
        request.available_memory,
        smaller,
    )?;
    let bad = BadFiles::default();
    let split = |images: &[(PathBuf, u32)], first: usize| -> Result<Split, DataError> {
        let mut pixels = allocation::allocate("data.image-size", &thing, images.len(), shape.values(), smaller)?;
        parallel::fill_chunks(&mut pixels, shape.values(), request.threads, |index, pixels| {
            let file = &images[index].0;
            let order = first + index;
            let bytes = match files.read(file, LARGEST_FILE) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let error = DataError::unreadable(file, &error);
                    bad.add(order, file, error.rule, error.remedy);
                    return Ok(());
                }
            };
            match decode(&bytes, size as u32) {
                Ok(image) => pixels.copy_from_slice(&image),
                Err(reason) => {
                    let (rule, remedy) = stand_in(&bytes).unwrap_or_else(|| {
                        let rule = format!("not a readable PNG or JPEG file: {reason}");
                        (rule, "replace the image, or remove it")
                    });
                    bad.add(order, file, rule, remedy);
                }
            }
            Ok::<(), DataError>(())
        })?;
        let labels = images.iter().map(|(_, label)| *label).collect();
        Ok(Split { pixels, labels })
    };
    let (train, test) = (split(train, 0)?, split(test, train.len())?);
    bad.check(path)?;
    let classes = listing
        .classes
        .iter()
        .map(|class| class.to_string_lossy().into_owned())
        .collect();
    Ok(DataSet::new(NAME, shape, classes, 255.0, train, test))
}
