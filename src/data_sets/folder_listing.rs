//! The classes and images of a folder, in the data set's order, not yet decoded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::file_system::FileSystem;
use super::folder_layout::{LAYOUT, Splits, splits};
use super::image_name::{FileKind, file_kind};
use super::image_walk::{Found, Skipped, Walk, children, is_skipped, loop_rule, resolve};
use super::stand_in::folder_link_at;
use crate::words::{counted, first_ten, grouped};

/// The classes and images of a folder.
#[derive(Debug)]
pub(super) struct Listing {
    /// The folders' names, sorted by their bytes.
    pub classes: Vec<OsString>,
    /// The training images, sorted by class, then as [`Walk::images`] has them: the file and its label.
    pub train: Vec<(PathBuf, u32)>,
    /// The test images, likewise.
    pub test: Vec<(PathBuf, u32)>,
    /// What the user should know of what was found.
    pub remarks: Vec<String>,
}

/// Lists the classes and images under `path`.
///
/// # Errors
/// A folder that is missing, no class, a class in one split alone, a class without images, or files that cannot be used:
/// the first ten are named, and counted. Files that are no images by their names are skipped, as are hidden ones.
pub(super) fn list(files: &dyn FileSystem, path: &Path) -> Result<Listing, DataError> {
    let Splits {
        train: train_folder,
        test: test_folder,
        mut remarks,
    } = splits(files, path)?;
    let mut walk = Walk::new(files);
    let train_classes = class_folders(&mut walk, &train_folder, &mut remarks)?;
    let test_classes = class_folders(&mut walk, &test_folder, &mut remarks)?;
    if train_classes.is_empty() || test_classes.is_empty() {
        // Links that lead to nothing are why.
        walk.bad.check(path)?;
        let folder = if train_classes.is_empty() {
            &train_folder
        } else {
            &test_folder
        };
        return Err(without_classes(files, folder));
    }
    // Classes missing from test/ are reported before those missing from train/.
    for (classes, others, folder, other_folder) in [
        (&train_classes, &test_classes, &train_folder, &test_folder),
        (&test_classes, &train_classes, &test_folder, &train_folder),
    ] {
        check_same(classes, others, folder, other_folder)?;
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let mut empty = Vec::new();
    for (folder, images) in [(&train_folder, &mut train), (&test_folder, &mut test)] {
        for (label, class) in train_classes.iter().enumerate() {
            let class = folder.join(class);
            let found = walk.images(&class);
            if found.is_empty() {
                empty.push(class);
            }
            images.extend(found.into_iter().map(|file| (file, label as u32)));
        }
    }
    // Files that cannot be used may be why a class is empty.
    walk.bad.check(path)?;
    check_filled(path, &empty, &walk.skipped)?;
    remarks.extend(skipped_remarks(path, &walk.skipped));
    Ok(Listing {
        classes: train_classes,
        train,
        test,
        remarks,
    })
}

/// The names of the classes' folders, sorted by their bytes.
fn class_folders(walk: &mut Walk<'_>, folder: &Path, remarks: &mut Vec<String>) -> Result<Vec<OsString>, DataError> {
    let (mut classes, mut images, mut passed) = (Vec::new(), 0, Vec::new());
    for (order, child) in children(walk.files, folder)?.into_iter().enumerate() {
        let path = folder.join(&child.name);
        let found = resolve(walk.files, &path, child.kind);
        if is_skipped(&child.name) {
            if matches!(found, Found::Folder { .. }) {
                passed.push(format!("{}/", child.name.to_string_lossy()));
            }
            continue;
        }
        match found {
            Found::Folder { linked: true } if leads_back(walk.files, folder, &path) => {
                let target = walk.files.link(&path).unwrap_or_default();
                walk.bad.add(order, &path, loop_rule(&target), "remove the link");
            }
            Found::Folder { .. } => classes.push(child.name),
            Found::File if file_kind(&child.name) != FileKind::NoImage => images += 1,
            Found::File => {
                if let Some(text) = folder_link_at(walk.files, &path) {
                    let rule = format!("it holds the text '{text}': a link to a folder that was copied as text");
                    walk.bad.add(
                        order,
                        &path,
                        rule,
                        "copy the data set again with its links, or remove this file",
                    );
                }
            }
            Found::Bad(rule, remedy) => walk.bad.add(order, &path, rule, remedy),
        }
    }
    if images > 0 && !classes.is_empty() {
        remarks.push(format!(
            "{}: not read, as beside the classes' folders: {}",
            folder.display(),
            counted(images, "image")
        ));
    }
    if !passed.is_empty() {
        remarks.push(format!(
            "{}: not taken for classes: {}",
            folder.display(),
            first_ten(&passed)
        ));
    }
    Ok(classes)
}

/// Whether a link leads to a folder that it lies in.
fn leads_back(files: &dyn FileSystem, folder: &Path, link: &Path) -> bool {
    match (files.real(folder), files.real(link)) {
        (Ok(here), Ok(target)) => here.starts_with(target),
        _ => false,
    }
}

/// What a split without a class has instead.
fn without_classes(files: &dyn FileSystem, folder: &Path) -> DataError {
    let is_image = |name: &OsString| file_kind(name) != FileKind::NoImage && !is_skipped(name);
    let children = children(files, folder).unwrap_or_default();
    let images: Vec<OsString> = children.into_iter().map(|child| child.name).filter(is_image).collect();
    let Some(first) = images.first() else {
        return DataError::path(folder, "there is no class", LAYOUT);
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    DataError::path(
        folder,
        format!(
            "there is no class in it, but {}, such as {}",
            counted(images.len(), "image"),
            first.to_string_lossy()
        ),
        format!("put the images of each class into a folder of its name: {name}/CLASS/IMAGE"),
    )
}

/// Checks that every one of `classes`, those of `folder`, is one of `other_folder`'s.
fn check_same(classes: &[OsString], others: &[OsString], folder: &Path, other_folder: &Path) -> Result<(), DataError> {
    let missing: Vec<&OsString> = classes
        .iter()
        .filter(|class| others.binary_search_by(|other| bytes(other).cmp(bytes(class))).is_err())
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        [class] => Err(DataError::path(
            &other_folder.join(class),
            format!("the class is missing: {} has it", folder.display()),
            "both splits need every class; add its images, or remove the class from the other split",
        )),
        missing => {
            let names: Vec<_> = missing.iter().map(|class| class.to_string_lossy()).collect();
            Err(DataError::path(
                other_folder,
                format!(
                    "{} classes of {} are missing: {}",
                    grouped(missing.len() as u64),
                    folder.display(),
                    first_ten(&names)
                ),
                "both splits need every class; add their images, or remove the classes from the other split",
            ))
        }
    }
}

fn bytes(name: &OsString) -> &[u8] {
    name.as_encoded_bytes()
}

/// Checks that no class is empty.
fn check_filled(path: &Path, empty: &[PathBuf], skipped: &Skipped) -> Result<(), DataError> {
    let passed = match skipped_files(skipped) {
        Some(passed) => format!(" (skipped: {passed})"),
        None => String::new(),
    };
    match empty {
        [] => Ok(()),
        [class] => Err(DataError::path(
            class,
            format!("the class has no images{passed}"),
            "add some, or remove the class from both splits",
        )),
        classes => {
            let below = |class: &PathBuf| class.strip_prefix(path).unwrap_or(class).display().to_string();
            let names: Vec<String> = classes.iter().map(below).collect();
            Err(DataError::path(
                path,
                format!(
                    "{} classes' folders have no images: {}{passed}",
                    grouped(classes.len() as u64),
                    first_ten(&names)
                ),
                "add some, or remove the classes from both splits",
            ))
        }
    }
}

/// The files that are skipped for their names, in words: `3 .txt and 1 .gif`.
fn skipped_files(skipped: &Skipped) -> Option<String> {
    let endings: Vec<String> = (skipped.endings.iter())
        .map(|(ending, files)| format!("{} {ending}", grouped(*files as u64)))
        .collect();
    (!endings.is_empty()).then(|| first_ten(&endings))
}

fn skipped_remarks(path: &Path, skipped: &Skipped) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(files) = skipped_files(skipped) {
        remarks.push(format!(
            "{}: skipped in classes, as no images by their endings: {files}",
            path.display()
        ));
    }
    if let Some(first) = &skipped.hidden_image {
        let example = first.strip_prefix(path).unwrap_or(first).display();
        let files = counted(skipped.hidden_images, "hidden file");
        remarks.push(format!(
            "{}: skipped in classes: {files} with an image's ending, such as {example}",
            path.display()
        ));
    }
    remarks
}
