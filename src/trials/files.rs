//! Files that are there whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Writes a file by way of a temporary one beside it: written, synchronised, renamed.
///
/// # Errors
/// Whatever the system says; the path is in the message, and what was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe is written into: a file in its place would take it from everybody else.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return std::fs::write(path, bytes);
    }
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".writing-")
        .tempfile_in(folder)
        .map_err(named)?;
    temporary.write_all(bytes).map_err(named)?;
    temporary.as_file().sync_all().map_err(named)?;
    make_readable(temporary.as_file()).map_err(named)?;
    temporary.persist(path).map_err(|error| named(error.error))?;
    Ok(())
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
    fn an_error_names_the_file() {
        let error = write_whole(Path::new("no-such-folder/table.csv"), b"").unwrap_err();
        assert!(error.to_string().starts_with("no-such-folder/table.csv: "), "{error}");
    }
}
