//! Where the splits of a folder of images are: `train/` and `test/`, or `val/` in its place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::file_system::{ChildKind, DANGLING_REMEDY, FileSystem, check_folder, is_archive, is_folder};
use super::image_name::{FileKind, file_kind};
use super::image_walk::{Found, children, is_skipped, resolve};
use crate::words::{first_ten, joined};

/// The remedy where nothing better can be said.
pub(super) const LAYOUT: &str = "lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE";

/// The names of the folder with the images to train on, in lower case; an earlier one wins.
const TRAIN: &[&str] = &["train", "training"];

/// The names of the folder with the images to test on, likewise.
const TEST: &[&str] = &["test", "testing", "val", "valid", "validation"];

/// The folders of the two splits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Splits {
    /// The one with the images to train on.
    pub train: PathBuf,
    /// The one with the images to test on.
    pub test: PathBuf,
    /// What the user should know of the choice.
    pub remarks: Vec<String>,
}

/// What is in the folder of a data set, by what it is.
#[derive(Default)]
struct Contents {
    folders: Vec<OsString>,
    images: Vec<OsString>,
    other_files: Vec<OsString>,
    /// Links that lead to nothing, each with the rule.
    dangling: Vec<(OsString, String)>,
}

impl Contents {
    fn read(files: &dyn FileSystem, folder: &Path) -> Result<Self, DataError> {
        let mut contents = Self::default();
        for child in children(files, folder)? {
            if is_skipped(&child.name) {
                continue;
            }
            match resolve(files, &folder.join(&child.name), child.kind) {
                Found::Folder { .. } => contents.folders.push(child.name),
                Found::File if file_kind(&child.name) == FileKind::NoImage => contents.other_files.push(child.name),
                Found::File => contents.images.push(child.name),
                Found::Bad(rule, _) if child.kind == ChildKind::Link => contents.dangling.push((child.name, rule)),
                Found::Bad(..) => {}
            }
        }
        Ok(contents)
    }

    /// The folders of one of these names, whatever the case, the wanted one first.
    fn of_names(&self, names: &[&str]) -> Vec<&OsString> {
        ranked(self.folders.iter(), names)
            .into_iter()
            .map(|(_, folder)| folder)
            .collect()
    }

    /// Checks that no link to nothing and no file stands where the folder of a split is wanted.
    fn check(&self, path: &Path, names: &[&str]) -> Result<(), DataError> {
        let best = ranked(self.folders.iter(), names).first().map(|(rank, _)| *rank);
        let dangling = ranked(self.dangling.iter().map(|(name, _)| name), names);
        if let Some((rank, name)) = dangling.first()
            && best.is_none_or(|best| *rank < best)
        {
            let rule = self
                .dangling
                .iter()
                .find(|(other, _)| other == *name)
                .map(|(_, rule)| rule.as_str());
            return Err(DataError::path(
                &path.join(name),
                rule.unwrap_or_default(),
                DANGLING_REMEDY,
            ));
        }
        match ranked(self.other_files.iter(), names).first() {
            Some((_, name)) if best.is_none() => Err(DataError::path(&path.join(name), "it is not a folder", LAYOUT)),
            _ => Ok(()),
        }
    }
}

/// The place among `names`, and whether it is in other letters: the exact name comes first.
type Rank = (usize, bool);

/// Those of `found` that are one of `names`, whatever the case, the wanted one first.
fn ranked<'a>(found: impl Iterator<Item = &'a OsString>, names: &[&str]) -> Vec<(Rank, &'a OsString)> {
    let rank = |name: &OsString| {
        let lower = name.to_string_lossy().to_lowercase();
        let place = names.iter().position(|name| *name == lower)?;
        Some((place, name.to_string_lossy() != lower))
    };
    let mut ranked: Vec<(Rank, &OsString)> = found.filter_map(|name| Some((rank(name)?, name))).collect();
    ranked.sort();
    ranked
}

fn shown(names: &[OsString]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    first_ten(&names)
}

/// The splits under `path`.
///
/// # Errors
/// `path` is not a folder, or has no folder for one of the splits: the message says what is there instead.
pub(super) fn splits(files: &dyn FileSystem, path: &Path) -> Result<Splits, DataError> {
    check_folder(files, path, LAYOUT)?;
    let contents = Contents::read(files, path)?;
    let (train, tests) = (contents.of_names(TRAIN), contents.of_names(TEST));
    contents.check(path, TRAIN)?;
    contents.check(path, TEST)?;
    let Some(train) = train.first() else {
        return Err(without_train(files, path, &contents, !tests.is_empty()));
    };
    let train = path.join(train);
    let shared = |test: &&&OsString| shares_a_class(files, &train, &path.join(test));
    let Some(first) = tests.first() else {
        let in_place: Vec<String> = TEST[2..].iter().map(|name| format!("{name}/")).collect();
        return Err(DataError::path(
            &path.join("test"),
            format!("there is no such folder, nor {}", joined(&in_place, "or")),
            format!(
                "put the images to test on into test/CLASS/IMAGE: {} has those to train on",
                train.display()
            ),
        ));
    };
    // ImageNet's test/ has images without classes: val/ is what everyone tests on.
    let chosen = tests.iter().find(shared).unwrap_or(first);
    let remarks = remarks(path, chosen, &tests);
    Ok(Splits {
        test: path.join(chosen),
        train,
        remarks,
    })
}

/// Whether a class of `train` is one of `test`.
fn shares_a_class(files: &dyn FileSystem, train: &Path, test: &Path) -> bool {
    let folders = |folder: &Path| Contents::read(files, folder).map(|contents| contents.folders);
    match (folders(train), folders(test)) {
        (Ok(train), Ok(test)) => test.iter().any(|class| train.binary_search(class).is_ok()),
        _ => false,
    }
}

/// What to say where the images to test on are not simply those of `test/`.
fn remarks(path: &Path, chosen: &OsString, tests: &[&OsString]) -> Vec<String> {
    let chosen = chosen.to_string_lossy();
    let others: Vec<String> = (tests.iter())
        .map(|test| test.to_string_lossy())
        .filter(|test| *test != chosen)
        .map(|test| format!("{test}/"))
        .collect();
    match (chosen == "test", others.is_empty()) {
        (true, true) => Vec::new(),
        (false, true) => vec![format!(
            "{}: the images to test on are those of {chosen}/",
            path.display()
        )],
        (_, false) => vec![format!(
            "{}: the images to test on are those of {chosen}/; not read: {}",
            path.display(),
            joined(&others, "and")
        )],
    }
}

/// What is wrong with a folder that has no `train/`, and what to do with what it has.
fn without_train(files: &dyn FileSystem, path: &Path, contents: &Contents, has_test: bool) -> DataError {
    let error = |rule: String, remedy: String| DataError::path(path, rule, remedy);
    if has_test {
        return DataError::path(
            &path.join("train"),
            "there is no such folder",
            format!(
                "put the images to train on into train/CLASS/IMAGE: {} has those to test on only",
                path.display()
            ),
        );
    }
    let within = |folder: &&OsString| {
        let inside = Contents::read(files, &path.join(folder));
        inside.is_ok_and(|inside| !inside.of_names(TRAIN).is_empty())
    };
    if let Some(inner) = contents.folders.iter().find(within) {
        return error(
            "there is no train/ in it, but in the folder below".to_owned(),
            format!("write that folder as path: {}", path.join(inner).display()),
        );
    }
    if let Some(above) = above_a_split(files, path) {
        return error(
            "it is one split of a data set, and the folder that has both was expected".to_owned(),
            format!("write the folder above as path: {}", above.display()),
        );
    }
    if let Some(archive) = contents.other_files.iter().find(|file| is_archive(Path::new(file))) {
        return error(
            format!(
                "there is no train/ in it, but an archive: {}",
                archive.to_string_lossy()
            ),
            "unpack it there, and write the folder that has train/ as path".to_owned(),
        );
    }
    let has_images = |folder: &&OsString| {
        let inside = Contents::read(files, &path.join(folder));
        inside.is_ok_and(|inside| !inside.images.is_empty())
    };
    let classes: Vec<OsString> = contents.folders.iter().filter(has_images).cloned().collect();
    if !classes.is_empty() {
        return error(
            format!(
                "there is neither train/ nor test/ in it, but classes: {}",
                shown(&classes)
            ),
            "move the images to train on to train/CLASS/IMAGE, and those to test on to test/CLASS/IMAGE".to_owned(),
        );
    }
    if !contents.images.is_empty() {
        return error(
            format!(
                "there is neither train/ nor test/ in it, but images: {}",
                shown(&contents.images)
            ),
            format!("{LAYOUT}: a folder for each class"),
        );
    }
    let all: Vec<OsString> = [&contents.folders[..], &contents.other_files[..]].concat();
    match all.is_empty() {
        true => error("it is empty".to_owned(), LAYOUT.to_owned()),
        false => error(
            format!("there is neither train/ nor test/ in it, but {}", shown(&all)),
            LAYOUT.to_owned(),
        ),
    }
}

/// The folder above, where `path` is one of its splits and it has the other.
fn above_a_split(files: &dyn FileSystem, path: &Path) -> Option<PathBuf> {
    let real = files.real(path).ok()?;
    let name = real.file_name()?.to_string_lossy().to_lowercase();
    let others = match (TRAIN.contains(&name.as_str()), TEST.contains(&name.as_str())) {
        (true, _) => TEST,
        (_, true) => TRAIN,
        _ => return None,
    };
    let above = real.parent()?;
    let has = |other: &&&str| is_folder(files, &above.join(other));
    others.iter().find(has).map(|_| above.to_owned())
}
