//! A folder of images: `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_system::{FileSystem, check_folder, is_file, is_folder};
use super::image_file::{LARGEST_FILE, LARGEST_SIDE, decode};
use super::options::Options;
use super::set::{DataSet, Split};
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

const LAYOUT: &str = "lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE";

/// The classes and images of a folder, in the data set's order, not yet decoded.
#[derive(Debug)]
struct Listing {
    /// The folders' names, sorted by their bytes.
    classes: Vec<OsString>,
    /// The training images, sorted by class, then by the bytes of the file's name: the file and its label.
    train: Vec<(PathBuf, u32)>,
    /// The test images, likewise.
    test: Vec<(PathBuf, u32)>,
}

fn outline(options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
    let path = options.folder()?;
    let listing = list(files, path)?;
    let all = Outline {
        shape: Shape::square(CHANNELS, options.image_size),
        classes: listing.classes.len(),
        train_images: listing.train.len(),
        test_images: listing.test.len(),
    };
    all.within_limits(options, &path.display().to_string())
}

/// Reads, decodes and resizes the images. Only those within the limits are decoded.
///
/// # Errors
/// Those of [`list`], a limit beyond its split, images that do not fit into the available memory, a file that cannot be
/// read, and the first file in the data set's order that does not decode.
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
    let split = |images: &[(PathBuf, u32)]| -> Result<Split, DataError> {
        let mut pixels = allocation::allocate("data.image-size", &thing, images.len(), shape.values(), smaller)?;
        parallel::fill_chunks(&mut pixels, shape.values(), request.threads, |index, pixels| {
            let file = &images[index].0;
            let bytes = (files.read(file, LARGEST_FILE)).map_err(|error| DataError::unreadable(file, &error))?;
            let image = decode(&bytes, size as u32).map_err(|reason| {
                let remedy = "replace the image, or remove it";
                DataError::path(file, format!("not a readable PNG or JPEG file: {reason}"), remedy)
            })?;
            pixels.copy_from_slice(&image);
            Ok(())
        })?;
        let labels = images.iter().map(|(_, label)| *label).collect();
        Ok(Split { pixels, labels })
    };
    let (train, test) = (split(train)?, split(test)?);
    let classes = listing
        .classes
        .iter()
        .map(|class| class.to_string_lossy().into_owned())
        .collect();
    Ok(DataSet::new(NAME, shape, classes, 255.0, train, test))
}

/// Lists the classes and images under `path`.
///
/// # Errors
/// A folder that is missing, no class, a class in one split alone, a class without images, or a file that is not an image;
/// hidden files and those that file managers leave are skipped.
fn list(files: &dyn FileSystem, path: &Path) -> Result<Listing, DataError> {
    check_folder(files, path, LAYOUT)?;
    let (train_folder, test_folder) = (path.join("train"), path.join("test"));
    let train_classes = class_folders(files, &train_folder)?;
    let test_classes = class_folders(files, &test_folder)?;
    // Classes missing from test/ are reported before those missing from train/.
    for (classes, others, folder, other_folder) in [
        (&train_classes, &test_classes, &train_folder, &test_folder),
        (&test_classes, &train_classes, &test_folder, &train_folder),
    ] {
        if let Some(class) = classes.iter().find(|class| !others.contains(class)) {
            return Err(DataError::path(
                &other_folder.join(class),
                format!("the class is missing: {} has it", folder.display()),
                "both splits need every class; add its images, or remove the class from the other split",
            ));
        }
    }
    let images = |folder: &Path| -> Result<Vec<(PathBuf, u32)>, DataError> {
        let mut all = Vec::new();
        for (label, class) in train_classes.iter().enumerate() {
            let images = class_images(files, &folder.join(class))?;
            all.extend(images.into_iter().map(|file| (file, label as u32)));
        }
        Ok(all)
    };
    Ok(Listing {
        train: images(&train_folder)?,
        test: images(&test_folder)?,
        classes: train_classes,
    })
}

/// The names of the classes' folders, sorted by their bytes.
fn class_folders(files: &dyn FileSystem, folder: &Path) -> Result<Vec<OsString>, DataError> {
    check_folder(files, folder, LAYOUT)?;
    let names = entries(files, folder)?;
    for name in &names {
        if !is_folder(files, &folder.join(name)) {
            return Err(DataError::path(
                &folder.join(name),
                "it is not a folder, and a class was expected",
                LAYOUT,
            ));
        }
    }
    if names.is_empty() {
        return Err(DataError::path(folder, "there is no class", LAYOUT));
    }
    Ok(names)
}

/// The images of a class, sorted by the bytes of their names.
fn class_images(files: &dyn FileSystem, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let images: Vec<PathBuf> = (entries(files, folder)?.iter()).map(|name| folder.join(name)).collect();
    for file in &images {
        let extension = file
            .extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let is_image = extension.is_some_and(|extension| ["png", "jpg", "jpeg"].contains(&extension.as_str()));
        if !is_image || !is_file(files, file) {
            return Err(DataError::path(
                file,
                "it is not an image, and files ending in .png, .jpg or .jpeg were expected",
                "move it out of the data set, or convert it",
            ));
        }
    }
    if images.is_empty() {
        return Err(DataError::path(
            folder,
            "the class has no images",
            "add some, or remove the class from both splits",
        ));
    }
    Ok(images)
}

/// The names in a folder, sorted by their bytes, without those that are skipped.
fn entries(files: &dyn FileSystem, folder: &Path) -> Result<Vec<OsString>, DataError> {
    let mut names = (files.names(folder)).map_err(|error| DataError::unreadable(folder, &error))?;
    names.retain(|name| !is_skipped(name));
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

/// Hidden files, and the leftovers of file managers.
fn is_skipped(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.starts_with('.') || ["thumbs.db", "ehthumbs.db", "desktop.ini"].contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_file_managers_files_are_skipped() {
        for name in [".DS_Store", ".hidden.png", "Thumbs.db", "desktop.ini"] {
            assert!(is_skipped(OsStr::new(name)), "{name}");
        }
        assert!(!is_skipped(OsStr::new("notes.txt")));
    }
}
