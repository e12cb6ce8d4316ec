//! A folder of images: `train/CLASS/IMAGE` and `test/CLASS/IMAGE`.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::image_file::{LARGEST_FILE, LARGEST_SIDE, decode};
use super::set::{DataSet, Split, check_limit};
use super::{memory, parallel};
use crate::files::read_bounded;
use crate::formats::ablation::DataSettings;
use crate::network::Shape;

const LAYOUT: &str = "lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE";

/// The classes and images of a folder, in the data set's order, not yet decoded.
#[derive(Debug)]
pub(super) struct Listing {
    /// The folders' names, sorted by their bytes.
    pub classes: Vec<OsString>,
    /// The training images, sorted by class, then by the bytes of the file's name: the file and its label.
    pub train: Vec<(PathBuf, u32)>,
    /// The test images, likewise.
    pub test: Vec<(PathBuf, u32)>,
}

/// One image after its resizing.
pub(super) fn shape(size: usize) -> Shape {
    Shape {
        channels: 3,
        height: size,
        width: size,
    }
}

/// Reads, decodes and resizes the images under `path`, on `threads` threads. Only those within the limits are decoded.
///
/// # Errors
/// Those of [`list`], a limit beyond its split, images that do not fit into `available` bytes of memory, a file that
/// cannot be read, and the first file in the data set's order that does not decode.
pub(super) fn load(
    path: &Path,
    settings: &DataSettings,
    threads: usize,
    available: Option<u64>,
) -> Result<DataSet, DataError> {
    let listing = list(path)?;
    let size = settings.image_size;
    let shape = shape(size);
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
    let first = |files: Vec<(PathBuf, u32)>, limit: Option<usize>, key| -> Result<Vec<(PathBuf, u32)>, DataError> {
        let limit = limit.unwrap_or(files.len());
        check_limit(limit, files.len(), &thing, key)?;
        Ok(files.into_iter().take(limit).collect())
    };
    let train = first(listing.train, settings.train_limit, "data.train-limit")?;
    let test = first(listing.test, settings.test_limit, "data.test-limit")?;
    memory::check(
        "data.image-size",
        &thing,
        train.len() + test.len(),
        shape.values(),
        available,
        smaller,
    )?;
    let split = |files: &[(PathBuf, u32)]| -> Result<Split, DataError> {
        let mut pixels = memory::allocate("data.image-size", &thing, files.len(), shape.values(), smaller)?;
        parallel::fill_chunks(&mut pixels, shape.values(), threads, |index, pixels| {
            let file = &files[index].0;
            let bytes = read_bounded(file, LARGEST_FILE).map_err(|error| unreadable(file, &error))?;
            let image = decode(&bytes, size as u32).map_err(|reason| {
                let remedy = "replace the image, or remove it";
                DataError::path(file, format!("it does not decode as PNG or JPEG: {reason}"), remedy)
            })?;
            pixels.copy_from_slice(&image);
            Ok(())
        })?;
        let labels = files.iter().map(|(_, label)| *label).collect();
        Ok(Split { pixels, labels })
    };
    let (train, test) = (split(&train)?, split(&test)?);
    let classes = listing
        .classes
        .iter()
        .map(|class| class.to_string_lossy().into_owned())
        .collect();
    Ok(DataSet::new("folder", shape, classes, 255.0, train, test))
}

/// Lists the classes and images under `path`.
///
/// # Errors
/// A folder that is missing, no class, a class in one split alone, a class without images, or a file that is no image;
/// hidden files and those that file managers leave are passed over.
pub(super) fn list(path: &Path) -> Result<Listing, DataError> {
    check_folder(path, LAYOUT)?;
    let (train_folder, test_folder) = (path.join("train"), path.join("test"));
    let train_classes = class_folders(&train_folder)?;
    let test_classes = class_folders(&test_folder)?;
    // What test/ lacks is named before what train/ lacks.
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
        let mut files = Vec::new();
        for (label, class) in train_classes.iter().enumerate() {
            let images = class_images(&folder.join(class))?;
            files.extend(images.into_iter().map(|file| (file, label as u32)));
        }
        Ok(files)
    };
    Ok(Listing {
        train: images(&train_folder)?,
        test: images(&test_folder)?,
        classes: train_classes,
    })
}

/// Checks that `path` is a folder that is there.
///
/// # Errors
/// It is not there, cannot be looked at, or is a file.
pub(super) fn check_folder(path: &Path, remedy: &str) -> Result<(), DataError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::path(path, "it is no folder", remedy)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(DataError::path(path, "there is no such folder", remedy))
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The names of the classes' folders, sorted by their bytes.
fn class_folders(folder: &Path) -> Result<Vec<OsString>, DataError> {
    check_folder(folder, LAYOUT)?;
    let names = entries(folder)?;
    for name in &names {
        if !folder.join(name).is_dir() {
            return Err(DataError::path(
                &folder.join(name),
                "it is no folder, and a class was expected",
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
fn class_images(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let files: Vec<PathBuf> = entries(folder)?.iter().map(|name| folder.join(name)).collect();
    for file in &files {
        let extension = file
            .extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let is_image = extension.is_some_and(|extension| ["png", "jpg", "jpeg"].contains(&extension.as_str()));
        if !is_image || !file.is_file() {
            return Err(DataError::path(
                file,
                "it is no image, and files ending in .png, .jpg or .jpeg were expected",
                "move it out of the data set, or convert it",
            ));
        }
    }
    if files.is_empty() {
        return Err(DataError::path(
            folder,
            "the class has no images",
            "add some, or remove the class from both splits",
        ));
    }
    Ok(files)
}

/// The names in a folder, sorted by their bytes, without those that are passed over.
fn entries(folder: &Path) -> Result<Vec<OsString>, DataError> {
    let unreadable = |error: std::io::Error| unreadable(folder, &error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if !is_passed_over(&name) {
            names.push(name);
        }
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

/// Hidden files, and what file managers leave.
fn is_passed_over(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.starts_with('.') || ["thumbs.db", "ehthumbs.db", "desktop.ini"].contains(&name.as_str())
}

fn unreadable(path: &Path, error: &std::io::Error) -> DataError {
    DataError::path(
        path,
        format!("it cannot be read: {error}"),
        "check the file and its permissions",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_file_managers_leave_is_passed_over() {
        for name in [".DS_Store", ".hidden.png", "Thumbs.db", "desktop.ini"] {
            assert!(is_passed_over(OsStr::new(name)), "{name}");
        }
        assert!(!is_passed_over(OsStr::new("notes.txt")));
    }
}
