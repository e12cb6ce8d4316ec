//! How data sets read files: the caller says where they are.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;

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

/// Files and folders by path, links followed.
pub trait FileSystem: Sync {
    /// The entry at `path`.
    ///
    /// # Errors
    /// Whatever the system says; [`ErrorKind::NotFound`] where there is nothing.
    fn entry(&self, path: &Path) -> io::Result<Entry>;

    /// The names in a folder, in any order.
    ///
    /// # Errors
    /// Whatever the system says.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// The bytes of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Whatever the system says, and [`ErrorKind::FileTooLarge`].
    fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>>;
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
/// It is missing, inaccessible or a file.
pub(super) fn check_folder(files: &dyn FileSystem, path: &Path, remedy: &str) -> Result<(), DataError> {
    match files.entry(path) {
        Ok(Entry::Folder) => Ok(()),
        Ok(_) => Err(DataError::path(path, "it is not a folder", remedy)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(DataError::path(path, "there is no such folder", remedy))
        }
        Err(error) => Err(DataError::unreadable(path, &error)),
    }
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

        fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
            let below = self.0.keys().filter_map(|file| file.strip_prefix(folder).ok());
            let mut names: Vec<OsString> = below
                .filter_map(|rest| Some(rest.components().next()?.as_os_str().to_owned()))
                .collect();
            names.dedup();
            Ok(names)
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
        let files = MemoryFiles(BTreeMap::from([(PathBuf::from("a/b"), vec![1])]));
        assert_eq!(check_folder(&files, Path::new("a"), "do"), Ok(()));
        let message = |path: &str| check_folder(&files, Path::new(path), "do").unwrap_err().to_string();
        assert_eq!(message("a/b"), "a/b: it is not a folder; do");
        assert_eq!(message("c"), "c: there is no such folder; do");
        assert!(is_folder(&files, Path::new("a")) && is_file(&files, Path::new("a/b")));
        assert_eq!(files.names(Path::new("a")).unwrap(), ["b"]);
        assert_eq!(files.read(Path::new("a/b"), 1).unwrap(), [1]);
    }
}
