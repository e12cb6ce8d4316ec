//! The images of one class: those in its folder and in the folders below it, as torchvision's `ImageFolder` finds them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::error::DataError;
use super::file_system::{Child, ChildKind, DANGLING_REMEDY, Entry, FileSystem, dangling};
use super::image_name::{FileKind, file_kind};
use super::stand_in::stand_in_at;

/// Folders and files of file managers, archives and file systems, in lower case, which belong to no class.
const LEFTOVERS: &[&str] = &[
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__macosx",
    "@eadir",
    "lost+found",
    "$recycle.bin",
    "system volume information",
];

/// Whether a name is hidden, or a leftover of a file manager.
pub(super) fn is_skipped(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    name.starts_with('.') || LEFTOVERS.contains(&name.as_str())
}

/// What a name in a folder leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A folder; whether by way of a link.
    Folder {
        /// Whether by way of a link.
        linked: bool,
    },
    /// A file.
    File,
    /// What cannot be read: the rule and the remedy.
    Bad(String, &'static str),
}

/// Follows a link, if it is one.
pub(super) fn resolve(files: &dyn FileSystem, path: &Path, kind: ChildKind) -> Found {
    let bad = |rule: &str, remedy| Found::Bad(rule.to_owned(), remedy);
    let neither = || bad("it is neither a file nor a folder", "remove it");
    match kind {
        ChildKind::Folder => Found::Folder { linked: false },
        ChildKind::File => Found::File,
        ChildKind::Other => neither(),
        ChildKind::Link => match files.entry(path) {
            Ok(Entry::Folder) => Found::Folder { linked: true },
            Ok(Entry::File(_)) => Found::File,
            Ok(Entry::Other) => neither(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let target = files.link(path).unwrap_or_default();
                Found::Bad(dangling(&target), DANGLING_REMEDY)
            }
            Err(error) => Found::Bad(
                format!("it is a link that cannot be followed: {error}"),
                "repair or remove the link",
            ),
        },
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// What is in a folder, sorted by the bytes of the names.
pub(super) fn children(files: &dyn FileSystem, folder: &Path) -> Result<Vec<Child>, DataError> {
    let mut children = (files.children(folder)).map_err(|error| DataError::unreadable(folder, &error))?;
    children.sort_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
    Ok(children)
}

/// The files that a walk passes over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Those that are no images by their names: how many, by their endings in lower case.
    pub endings: BTreeMap<String, usize>,
    /// Hidden files with an image's ending.
    pub hidden_images: usize,
    /// The first of these.
    pub hidden_image: Option<PathBuf>,
}

impl Skipped {
    fn add(&mut self, path: &Path, name: &OsStr) {
        if !is_skipped(name) {
            let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy());
            let ending = ending.map_or_else(
                || "without an ending".to_owned(),
                |ending| format!(".{}", ending.to_lowercase()),
            );
            *self.endings.entry(ending).or_default() += 1;
        } else if file_kind(name) != FileKind::NoImage {
            self.hidden_images += 1;
            self.hidden_image.get_or_insert_with(|| path.to_owned());
        }
    }
}

/// A walk over the classes of a data set.
pub(super) struct Walk<'a> {
    /// Where files are read.
    pub files: &'a dyn FileSystem,
    /// What cannot be used.
    pub bad: BadFiles,
    /// What is passed over.
    pub skipped: Skipped,
    /// The files that were seen, which gives bad ones their order.
    seen: usize,
}

/// A folder's own images.
struct Leaf {
    /// From the class's folder on; empty for it.
    below: PathBuf,
    names: Vec<OsString>,
}

impl<'a> Walk<'a> {
    /// A walk that has seen nothing yet.
    pub fn new(files: &'a dyn FileSystem) -> Self {
        Self {
            files,
            bad: BadFiles::default(),
            skipped: Skipped::default(),
            seen: 0,
        }
    }

    /// The images of the class in `folder`, in `ImageFolder`'s order: folder by folder, sorted by the bytes of their
    /// paths, and within each by the bytes of the name. Links are followed. What cannot be used is added to `bad`.
    pub fn images(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut leaves = Vec::new();
        self.visit(folder, Path::new(""), &mut Vec::new(), &mut leaves);
        // By the whole path as text, in which '-' comes before '/': not by its parts.
        leaves.sort_by(|a, b| bytes(&a.below).cmp(bytes(&b.below)));
        let paths = leaves.iter().flat_map(|leaf| {
            let folder = match leaf.below.as_os_str().is_empty() {
                true => folder.to_owned(),
                false => folder.join(&leaf.below),
            };
            leaf.names.iter().map(move |name| folder.join(name))
        });
        paths.collect()
    }

    /// Adds the images of one folder to `leaves`, and those of the folders below it. `trail` has the folders from which
    /// a link led here, without links in their paths.
    fn visit(&mut self, folder: &Path, below: &Path, trail: &mut Vec<PathBuf>, leaves: &mut Vec<Leaf>) {
        let inside = match children(self.files, folder) {
            Ok(inside) => inside,
            Err(error) => return self.bad.add(self.seen, folder, error.rule, error.remedy),
        };
        let mut names = Vec::new();
        for Child { name, kind } in inside {
            let path = folder.join(&name);
            if is_skipped(&name) {
                self.skipped.add(&path, &name);
                continue;
            }
            self.seen += 1;
            match resolve(self.files, &path, kind) {
                Found::Bad(rule, remedy) => self.bad.add(self.seen, &path, rule, remedy),
                Found::File => match file_kind(&name) {
                    FileKind::Image => match stand_in_at(self.files, &path) {
                        Some((rule, remedy)) => self.bad.add(self.seen, &path, rule, remedy),
                        None => names.push(name),
                    },
                    FileKind::OtherImage => self.bad.add(
                        self.seen,
                        &path,
                        "it is an image of a kind that is not read: PNG and JPEG are",
                        "convert it to PNG or JPEG, or move it out of the data set",
                    ),
                    FileKind::NoImage => self.skipped.add(&path, &name),
                },
                Found::Folder { linked } => {
                    let leads_back = linked.then(|| self.follow(folder, &path, trail));
                    if let Some(Err((rule, remedy))) = leads_back {
                        self.bad.add(self.seen, &path, rule, remedy);
                        continue;
                    }
                    self.visit(&path, &below.join(&name), trail, leaves);
                    if linked {
                        trail.pop();
                    }
                }
            }
        }
        if !names.is_empty() {
            let below = below.to_owned();
            leaves.push(Leaf { below, names });
        }
    }

    /// Notes on the trail that a link from `folder` is followed.
    ///
    /// # Errors
    /// It leads back to a folder that it lies in, and would be followed without end: the rule and the remedy.
    fn follow(&self, folder: &Path, link: &Path, trail: &mut Vec<PathBuf>) -> Result<(), (String, String)> {
        let real = |path: &Path| {
            self.files.real(path).map_err(|error| {
                let error = DataError::unreadable(path, &error);
                (error.rule, error.remedy)
            })
        };
        let (here, target) = (real(folder)?, real(link)?);
        if trail.iter().chain([&here]).any(|place| place.starts_with(&target)) {
            return Err((loop_rule(&target), "remove the link".to_owned()));
        }
        trail.push(here);
        Ok(())
    }
}

/// That a link leads back to a folder that it lies in.
pub(super) fn loop_rule(target: &Path) -> String {
    format!(
        "it is a link to {}, which it lies in itself: it would be followed without end",
        target.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_leftovers_are_skipped() {
        for name in [
            ".DS_Store",
            ".hidden.png",
            "Thumbs.db",
            "desktop.ini",
            "@eaDir",
            "__MACOSX",
        ] {
            assert!(is_skipped(OsStr::new(name)), "{name}");
        }
        assert!(!is_skipped(OsStr::new("notes.txt")));
    }
}
