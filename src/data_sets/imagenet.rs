//! ImageNet, the classification images of ILSVRC 2012 (Russakovsky and others, *ImageNet large scale visual recognition
//! challenge*, International Journal of Computer Vision, 2015): `train/WNID/*.JPEG` and `val/WNID/*.JPEG`.
//!
//! The folders are as torchvision's users lay them out, the validation images sorted into their classes; a class is
//! named by its WordNet ID, and labels are the IDs' order, as torchvision's weights have them. Fewer classes or images,
//! such as ImageNet-100, are read too: a remark says how many there are.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::file_system::{FileSystem, missing};
use super::folder;
use super::folder_listing::list;
use super::known::{ByHand, Finding, KnownSet};
use super::options::Options;
use super::set::DataSet;
use crate::network::Shape;
use crate::words::{first_ten, grouped};

const NAME: &str = "imagenet";

/// The side of the squares that networks are trained and tested on (section 4.3 of the DenseNet paper).
pub(super) const IMAGE_SIZE: usize = 224;

/// Pixels of a test image's short side before the square is cut out, as in torchvision's recipes and fb.resnet.torch.
pub(super) const RESIZE: usize = 256;

const CLASSES: usize = 1000;
const TRAINING_IMAGES: usize = 1_281_167;
const TEST_IMAGES: usize = 50_000;

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: folder::KEYS,
    channels: |_| folder::CHANNELS,
    outline,
    load,
    known: Some(KnownSet {
        name: NAME,
        about: "photographs of ILSVRC 2012, resized and cut as the ablation file has it",
        image: Some("3x224x224"),
        classes: Some(CLASSES),
        images: Some((TRAINING_IMAGES, TEST_IMAGES)),
        licence: "for non-commercial research and education only; each user accepts its terms; not redistributed",
        home: "https://image-net.org/download.php",
        files: None,
        by_hand: Some(ByHand {
            rule: "it is not downloaded: its terms have to be accepted by each user, and do not allow redistribution",
            remedy: "accept them at https://image-net.org/download.php, lay the images out as train/WNID/IMAGE.JPEG and \
                     val/WNID/IMAGE.JPEG, and check them with `densenet-bench data verify imagenet --path DIR`",
            folder: "train",
            verify,
        }),
    }),
};

/// The outline of the files under `data.path`; where they are not there, that of the whole data set, which takes no file
/// to know.
fn outline(options: &Options<'_>, files: &dyn FileSystem) -> Result<Outline, DataError> {
    let whole = |remarks| Outline {
        shape: Shape::square(folder::CHANNELS, options.image_size),
        classes: CLASSES,
        train_images: TRAINING_IMAGES,
        test_images: TEST_IMAGES,
        remarks,
    };
    let Some(path) = options.path else {
        return whole(Vec::new()).within_limits(options, NAME);
    };
    if matches!(files.entry(path), Err(error) if error.kind() == ErrorKind::NotFound) {
        let rule = missing(files, path, "folder", "").rule;
        let remark = format!(
            "{}: {rule}; the images are counted as those of the whole {NAME}",
            path.display()
        );
        return whole(vec![remark]).within_limits(options, NAME);
    }
    let (mut outline, classes) = folder::outline(options, files)?;
    check_names(path, &classes)?;
    if classes.len() != CLASSES {
        outline.remarks.push(format!(
            "{}: it has {} of the {} classes of {NAME}",
            path.display(),
            grouped(classes.len() as u64),
            grouped(CLASSES as u64)
        ));
    }
    Ok(outline)
}

/// Lists the images, as [`folder::load`] does.
///
/// # Errors
/// Those of [`folder::load`], and classes that are not named as ImageNet's.
fn load(request: &Request<'_>) -> Result<DataSet, DataError> {
    let data = folder::load(request, NAME)?;
    let classes: Vec<OsString> = data.classes.iter().map(OsString::from).collect();
    check_names(request.options.folder()?, &classes)?;
    Ok(data)
}

/// Whether a folder's name is a WordNet ID: `n` and eight digits.
fn is_wordnet_id(name: &OsString) -> bool {
    let digits = name.as_encoded_bytes().strip_prefix(b"n");
    digits.is_some_and(|digits| digits.len() == 8 && digits.iter().all(u8::is_ascii_digit))
}

/// Checks that classes are named as ImageNet's.
fn check_names(path: &Path, classes: &[OsString]) -> Result<(), DataError> {
    let others: Vec<_> = (classes.iter())
        .filter(|class| !is_wordnet_id(class))
        .map(|class| class.to_string_lossy())
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(DataError::path(
        path,
        format!(
            "its classes are WordNet IDs, such as n01440764, and not {}",
            first_ten(&others)
        ),
        "write dataset = \"folder\" for images of other classes",
    ))
}

/// Counts the classes and images under `path`; no image is decoded.
///
/// # Errors
/// Folders that are laid out otherwise, and files that cannot be used.
fn verify(files: &dyn FileSystem, path: &Path) -> Result<Vec<Finding>, DataError> {
    let listing = list(files, path)?;
    check_names(path, &listing.classes)?;
    let counted = |thing, found: usize, expected: usize, what: &str| Finding {
        thing,
        is_right: found == expected,
        text: match found == expected {
            true => format!("{} {what}", grouped(found as u64)),
            false => format!(
                "{} {what}, and {} were expected",
                grouped(found as u64),
                grouped(expected as u64)
            ),
        },
    };
    Ok(vec![
        counted("classes", listing.classes.len(), CLASSES, "classes"),
        counted("train", listing.train.len(), TRAINING_IMAGES, "images"),
        counted("val", listing.test.len(), TEST_IMAGES, "images"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wordnet_id_is_n_and_eight_digits() {
        for (name, is_id) in [
            ("n01440764", true),
            ("n0144076", false),
            ("N01440764", false),
            ("n0144076x", false),
            ("cat", false),
        ] {
            assert_eq!(is_wordnet_id(&name.into()), is_id, "{name}");
        }
    }

    #[test]
    fn classes_with_other_names_are_refused_with_the_data_set_that_takes_them() {
        let names = ["n01440764", "cat", "dog"].map(OsString::from);
        assert_eq!(check_names(Path::new("p"), &names[..1]), Ok(()));
        assert_eq!(
            check_names(Path::new("p"), &names).unwrap_err().to_string(),
            "p: its classes are WordNet IDs, such as n01440764, and not cat and dog; write dataset = \"folder\" for images \
             of other classes"
        );
    }
}
