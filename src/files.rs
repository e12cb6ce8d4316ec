//! File operations that the standard library lacks: bounded reads, writing whole, folder synchronisation, file identity.

mod exclusive;
mod output;
mod place;
mod stream;
mod target;
mod whole;

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::data_sets::{Child, ChildKind, Entry, FileSystem};
pub use exclusive::create_exclusively;
pub use output::Output;
pub use place::{holding, limit, named};
pub use stream::WholeFile;
pub use whole::{remove_unfinished, sync_parent, write_whole};

/// Reads a file of at most `limit` bytes. One whose metadata says that it is longer is not read; a device or a pipe,
/// whose length is unknown, is read up to the limit.
///
/// # Errors
/// Whatever the system says, and [`io::ErrorKind::FileTooLarge`]; the path is not in the message.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let rule = format!("larger than the {limit}-byte limit for this kind of file");
        io::Error::new(io::ErrorKind::FileTooLarge, rule)
    };
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// Reads a text of at most `limit` bytes.
///
/// # Errors
/// Those of [`read_bounded`], and [`io::ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let bytes = read_bounded(path, limit)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The files of this machine.
pub struct LocalFiles;

impl FileSystem for LocalFiles {
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let metadata = std::fs::metadata(path)?;
        Ok(match metadata.file_type() {
            kind if kind.is_dir() => Entry::Folder,
            kind if kind.is_file() => Entry::File(metadata.len()),
            _ => Entry::Other,
        })
    }

    fn children(&self, folder: &Path) -> io::Result<Vec<Child>> {
        let child = |entry: std::fs::DirEntry| {
            let kind = match entry.file_type()? {
                kind if kind.is_dir() => ChildKind::Folder,
                kind if kind.is_file() => ChildKind::File,
                kind if kind.is_symlink() => ChildKind::Link,
                _ => ChildKind::Other,
            };
            let name = entry.file_name();
            Ok(Child { name, kind })
        };
        std::fs::read_dir(folder)?.map(|entry| child(entry?)).collect()
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        std::fs::read_link(path).ok()
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        path.canonicalize()
    }

    fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>> {
        read_bounded(file, limit)
    }

    fn start(&self, file: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(file)?.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn modified(&self, file: &Path) -> Option<u128> {
        let modified = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()?;
        modified
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .map(|time| time.as_nanos())
    }
}

/// `path` with the home folder in place of a `~` at its start, as a shell has it; another path as it is. Of other users'
/// folders (`~anna`) nothing is known.
///
/// # Errors
/// The home folder is not known: the rule.
pub fn expand_home(path: &Path) -> Result<PathBuf, String> {
    expand_home_with(path, std::env::var_os("HOME").map(PathBuf::from))
}

fn expand_home_with(path: &Path, home: Option<PathBuf>) -> Result<PathBuf, String> {
    let Ok(below) = path.strip_prefix("~") else {
        return Ok(path.to_owned());
    };
    match home.filter(|home| !home.as_os_str().is_empty()) {
        Some(home) if below.as_os_str().is_empty() => Ok(home),
        Some(home) => Ok(home.join(below)),
        None => Err("it starts with ~, the home folder, and HOME is not set".to_owned()),
    }
}

/// Synchronises a folder to disk: after a power cut a renamed file could otherwise have its old name.
///
/// # Errors
/// Whatever the system says; the path is not in the message.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        // Only Unix opens folders as files.
        false => Ok(()),
    }
}

/// Whether both metadata are of the same file, even if it was renamed. Only Unix can know; elsewhere `true`.
#[cfg(unix)]
pub fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether both metadata are of the same file, even if it was renamed. Only Unix can know; elsewhere `true`.
#[cfg(not(unix))]
pub fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read_and_a_longer_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345678").unwrap();
        assert_eq!(read_bounded(&path, 8).unwrap(), b"12345678");
        let error = read_bounded(&path, 7).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "larger than the 7-byte limit for this kind of file");
    }

    #[test]
    fn a_file_that_claims_to_be_huge_is_refused_from_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        // Nothing is on the disk, and no memory could hold it.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(
            read_bounded(&path, 1 << 20).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[test]
    fn a_tilde_at_the_start_is_the_home_folder() {
        let expanded = |path: &str| expand_home_with(Path::new(path), Some("/home/anna".into())).unwrap();
        for (path, to) in [
            ("~", "/home/anna"),
            ("~/", "/home/anna"),
            ("~/data/x", "/home/anna/data/x"),
            ("~bob/x", "~bob/x"),
            ("a/~/x", "a/~/x"),
            ("/~", "/~"),
        ] {
            assert_eq!(expanded(path).as_os_str(), to, "{path}");
        }
        for home in [None, Some(PathBuf::new())] {
            assert!(expand_home_with(Path::new("~/x"), home.clone()).is_err());
            assert_eq!(expand_home_with(Path::new("x"), home), Ok("x".into()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_read_up_to_the_limit() {
        let error = read_bounded(Path::new("/dev/zero"), 1 << 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[cfg(unix)]
    #[test]
    fn a_renamed_file_is_the_same_and_a_new_file_of_its_old_name_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, b"1").unwrap();
        let opened = File::open(&old).unwrap().metadata().unwrap();
        std::fs::rename(&old, &new).unwrap();
        std::fs::write(&old, b"2").unwrap();
        assert!(is_same_file(&opened, &new.metadata().unwrap()));
        assert!(!is_same_file(&opened, &old.metadata().unwrap()));
        sync_folder(folder.path()).unwrap();
    }
}
