//! How data sets read files: the caller says where they are.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::DataError;

/// An entry at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file of this many bytes.
    File(u64),
    /// A pipe or a device.
    Other,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The name.
    pub name: OsString,
    /// What has it.
    pub kind: ChildKind,
}

/// What has a name in a folder, as the folder itself says: no link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A link to something, or to nothing.
    Link,
    /// A pipe or a device.
    Other,
}

/// Files and folders by path, links followed but where it says otherwise.
pub trait FileSystem: Send + Sync {
    /// The entry at `path`.
    ///
    /// # Errors
    /// Whatever the system says; [`ErrorKind::NotFound`] where there is nothing.
    fn entry(&self, path: &Path) -> io::Result<Entry>;

    /// What is in a folder, in any order.
    ///
    /// # Errors
    /// Whatever the system says.
    fn children(&self, folder: &Path) -> io::Result<Vec<Child>>;

    /// What the link at `path` leads to, as it is written there; none where there is no link.
    fn link(&self, path: &Path) -> Option<PathBuf>;

    /// The path without a link in it: the same for all paths that lead to one place.
    ///
    /// # Errors
    /// Whatever the system says.
    fn real(&self, path: &Path) -> io::Result<PathBuf>;

    /// The bytes of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Whatever the system says, and [`ErrorKind::FileTooLarge`].
    fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The first bytes of a file, at most `length`.
    ///
    /// # Errors
    /// Whatever the system says.
    fn start(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.read(file, u64::MAX)?;
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// When a file was last written, in nanoseconds since 1970; none where the system does not say.
    fn modified(&self, _file: &Path) -> Option<u128> {
        None
    }
}

/// Whether a folder is at `path`.
pub(super) fn is_folder(files: &dyn FileSystem, path: &Path) -> bool {
    matches!(files.entry(path), Ok(Entry::Folder))
}

/// Whether a file is at `path`.
pub(super) fn is_file(files: &dyn FileSystem, path: &Path) -> bool {
    matches!(files.entry(path), Ok(Entry::File(_)))
}

/// Checks that `path` is a folder.
///
/// # Errors
/// It is missing, a link to nothing, inaccessible, a file or an archive.
pub(super) fn check_folder(files: &dyn FileSystem, path: &Path, remedy: &str) -> Result<(), DataError> {
    match files.entry(path) {
        Ok(Entry::Folder) => Ok(()),
        Ok(_) if is_archive(path) => Err(DataError::path(
            path,
            "it is an archive, and a folder was expected",
            "unpack it, and name the folder that it unpacks to",
        )),
        Ok(_) => Err(DataError::path(path, "it is not a folder", remedy)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(files, path, "folder", remedy)),
        Err(error) => Err(DataError::unreadable(path, &error)),
    }
}

/// That nothing is at `path`, where a `wanted` (folder or file) was expected; or that it leads through a link to nothing.
pub(super) fn missing(files: &dyn FileSystem, path: &Path, wanted: &str, remedy: &str) -> DataError {
    let dangles = |place: &Path| {
        let is_missing = || matches!(files.entry(place), Err(error) if error.kind() == ErrorKind::NotFound);
        files.link(place).filter(|_| is_missing())
    };
    match path.ancestors().find_map(|place| Some((place, dangles(place)?))) {
        Some((place, target)) => DataError::path(place, dangling(&target), DANGLING_REMEDY),
        None => {
            let rule = format!("there is no such {wanted}");
            match unexpanded(path) {
                Some(part) => {
                    let remedy = format!("'{part}' is taken as it is: write the path in full, or with ~/ at its start");
                    DataError::path(path, rule, remedy)
                }
                None => DataError::path(path, rule, remedy),
            }
        }
    }
}

/// The part of a path that a shell would replace by something else, and this program does not: `$HOME`, `~anna`.
fn unexpanded(path: &Path) -> Option<String> {
    let parts = path.iter().map(|part| part.to_string_lossy());
    let is_one = |part: &std::borrow::Cow<'_, str>| part.contains('$') || part.starts_with('~');
    parts.into_iter().find(is_one).map(std::borrow::Cow::into_owned)
}

/// That a link leads to nothing.
pub(super) fn dangling(target: &Path) -> String {
    format!("it is a link to {}, which is not there", target.display())
}

/// What to do about a link that leads to nothing.
pub(super) const DANGLING_REMEDY: &str = "mount or restore what it leads to, or remove the link";

/// Whether a file's name is that of an archive.
pub(super) fn is_archive(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let endings = [
        ".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar", ".gz",
    ];
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    /// Files in memory; every parent of a file is a folder.
    #[derive(Default)]
    pub struct MemoryFiles(pub BTreeMap<PathBuf, Vec<u8>>);

    impl FileSystem for MemoryFiles {
        fn entry(&self, path: &Path) -> io::Result<Entry> {
            match self.0.get(path) {
                Some(bytes) => Ok(Entry::File(bytes.len() as u64)),
                None if self.0.keys().any(|file| file.starts_with(path)) => Ok(Entry::Folder),
                None => Err(ErrorKind::NotFound.into()),
            }
        }

        fn children(&self, folder: &Path) -> io::Result<Vec<Child>> {
            let below = self.0.keys().filter_map(|file| file.strip_prefix(folder).ok());
            let mut children: Vec<Child> = below
                .filter_map(|rest| {
                    let mut parts = rest.components();
                    let name = parts.next()?.as_os_str().to_owned();
                    let kind = match parts.next() {
                        Some(_) => ChildKind::Folder,
                        None => ChildKind::File,
                    };
                    Some(Child { name, kind })
                })
                .collect();
            children.dedup();
            Ok(children)
        }

        fn link(&self, _: &Path) -> Option<PathBuf> {
            None
        }

        fn real(&self, path: &Path) -> io::Result<PathBuf> {
            Ok(path.to_owned())
        }

        fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>> {
            let bytes = self.0.get(file).ok_or(ErrorKind::NotFound)?;
            match bytes.len() as u64 > limit {
                true => Err(ErrorKind::FileTooLarge.into()),
                false => Ok(bytes.clone()),
            }
        }
    }

    #[test]
    fn only_a_folder_passes_for_one() {
        let files = MemoryFiles(BTreeMap::from([
            (PathBuf::from("a/b"), vec![1]),
            (PathBuf::from("a/images.tar.GZ"), vec![1]),
        ]));
        assert_eq!(check_folder(&files, Path::new("a"), "do"), Ok(()));
        let message = |path: &str| check_folder(&files, Path::new(path), "do").unwrap_err().to_string();
        assert_eq!(message("a/b"), "a/b: it is not a folder; do");
        assert_eq!(message("c"), "c: there is no such folder; do");
        for (path, part) in [("a/$HOME/c", "$HOME"), ("~anna/c", "~anna")] {
            assert_eq!(
                message(path),
                format!(
                    "{path}: there is no such folder; '{part}' is taken as it is: write the path in full, or with ~/ at its \
                     start"
                )
            );
        }
        assert_eq!(
            message("a/images.tar.GZ"),
            "a/images.tar.GZ: it is an archive, and a folder was expected; unpack it, and name the folder that it unpacks \
             to"
        );
        assert!(is_folder(&files, Path::new("a")) && is_file(&files, Path::new("a/b")));
        assert_eq!(files.children(Path::new("a")).unwrap()[0].name, "b");
        assert_eq!(files.read(Path::new("a/b"), 1).unwrap(), [1]);
    }
}
