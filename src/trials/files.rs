//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::files::sync_folder;

/// The prefix of files that are being written; one that is found later was never finished.
const UNFINISHED: &str = ".writing-";

/// Writes a file by way of a temporary one beside it: written, synchronised, renamed, and the folder synchronised, so
/// that also after a power cut the file is there whole, or the one before it is.
///
/// # Errors
/// Whatever the system says; the path is in the message, and what was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe is written into: a file in its place would take it from everybody else.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return std::fs::write(path, bytes).map_err(|error| named(path, &error));
    }
    let named = |error: io::Error| named(path, &error);
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)
        .map_err(|error| named(without_path(&error)))?;
    temporary.write_all(bytes).map_err(named)?;
    temporary.as_file().sync_all().map_err(named)?;
    make_readable(temporary.as_file()).map_err(named)?;
    temporary.persist(path).map_err(|error| named(error.error))?;
    sync_folder(folder).map_err(named)
}

/// The error without the path of the temporary file, which is no help to a reader.
fn without_path(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let bare = text.split(" at path ").next().unwrap_or(&text);
    io::Error::new(error.kind(), bare.to_owned())
}

/// A system's error with the path, and where there is one the remedy.
pub fn named(path: &Path, error: &io::Error) -> io::Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space and run the same command again: what was recorded before is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => "; make it writable",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{}: {error}{remedy}", path.display()))
}

/// Makes a new folder last: its name is an entry of its parent.
pub fn sync_parent(folder: &Path) -> io::Result<()> {
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Removes what processes that were killed had not finished writing into a folder: what is older than that, since other
/// verbs may be writing there now.
pub fn remove_unfinished(folder: &Path, older_than: Duration) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|time| time.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age >= older_than) || older_than.is_zero();
        if is_old {
            // One that cannot be removed takes some space and does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Temporary files are private to their owner; results are as readable as any other file.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_unfinished_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".writing-abc", "table.csv", "writing-abc"] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        remove_unfinished(folder.path(), Duration::from_secs(3600));
        assert!(folder.path().join(".writing-abc").exists());
        remove_unfinished(folder.path(), Duration::ZERO);
        assert!(!folder.path().join(".writing-abc").exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        remove_unfinished(&folder.path().join("no-such-folder"), Duration::ZERO);
    }

    #[test]
    fn a_full_disk_is_an_error_with_a_remedy() {
        let error = named(Path::new("a/steps.csv"), &io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(
            error.to_string(),
            "a/steps.csv: no storage space; free some space and run the same command again: what was recorded before is \
             kept"
        );
    }

    #[test]
    fn an_error_names_the_file() {
        let error = write_whole(Path::new("no-such-folder/table.csv"), b"").unwrap_err();
        assert!(error.to_string().starts_with("no-such-folder/table.csv: "), "{error}");
    }
}
