//! Files that are written whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::place::{holding, named};
use super::sync_folder;
use super::target::{Target, refused};

/// The prefix of files that are being written; one that is found later was never finished.
const UNFINISHED: &str = ".writing-";

/// Writes a file by way of a temporary one beside it: written, synchronised, renamed, and the folder synchronised, so
/// that also after a power cut the file is there whole, or the one before it is. A file that is replaced keeps its mode
/// and owner; a new one has the mode that the system's mask leaves. Links stay: what they lead to is replaced. A device
/// or a pipe is written into: a file in its place would take it from everybody else.
///
/// # Errors
/// Whatever the system says; the path is in the message, and a file that was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, InPlace::Never)
}

/// Whether a file is written in place where it cannot be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InPlace {
    /// It is whole at every moment, or the writing fails.
    Never,
    /// Its folder takes no new file, it is mounted by itself, or it is another user's.
    WhereItMust,
}

/// [`write_whole`], for a path whose file may have to be written in place.
pub(super) fn write(path: &Path, bytes: &[u8], in_place: InPlace) -> io::Result<()> {
    let written = match Target::of(path)? {
        Target::File { path, there } => write_file(&path, there.as_ref(), bytes, in_place),
        Target::Descriptor { number: 1, .. } => write_stdout(bytes),
        Target::Descriptor { number: 2, .. } => io::stderr().lock().write_all(bytes),
        Target::Descriptor { number, path: own } if is_for_reading(number) => {
            let rule = format!(
                "{} is open for reading; open it for writing, as with `{number}>FILE`",
                own.display()
            );
            return Err(refused(path, &rule));
        }
        Target::Descriptor { path, .. } | Target::Stream(path) => {
            // Behind a descriptor may be a file that has something in it already.
            let stream = OpenOptions::new().append(true).open(path);
            stream.and_then(|mut stream| stream.write_all(bytes))
        }
    };
    written.map_err(|error| named(path, &error))
}

/// Writes to standard output as it is open: at its place in a file, and also where the system cannot open it again.
pub(super) fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn write_file(path: &Path, there: Option<&Metadata>, bytes: &[u8], in_place: InPlace) -> io::Result<()> {
    match (replace(path, there, bytes, in_place), in_place) {
        (Err(Replacing::Impossible(_)), InPlace::WhereItMust) if there.is_some() => overwrite(path, bytes),
        (Err(Replacing::Impossible(error) | Replacing::Failed(error)), _) => Err(error),
        (Ok(()), _) => Ok(()),
    }
}

/// Why a file was not replaced.
enum Replacing {
    /// Another file cannot take its place.
    Impossible(io::Error),
    /// The bytes could not be written.
    Failed(io::Error),
}

fn replace(path: &Path, there: Option<&Metadata>, bytes: &[u8], in_place: InPlace) -> Result<(), Replacing> {
    let folder = holding(path);
    let mut temporary = temporary_in(folder).map_err(judged)?;
    temporary.as_file_mut().write_all(bytes).map_err(Replacing::Failed)?;
    if let Some(there) = there {
        match (keep_owner(temporary.as_file(), there), in_place) {
            (Err(error), InPlace::WhereItMust) => return Err(Replacing::Impossible(error)),
            // In a folder that several users write to, whole matters more than whose.
            (Err(_), InPlace::Never) | (Ok(()), _) => {}
        }
        let mode = temporary.as_file().set_permissions(there.permissions());
        mode.map_err(Replacing::Impossible)?;
    }
    temporary.as_file().sync_all().map_err(Replacing::Failed)?;
    temporary.persist(path).map_err(|error| judged(error.error))?;
    sync_folder(folder).map_err(Replacing::Failed)
}

/// Whether the system has no place for a new file, or no permission to have one.
fn judged(error: io::Error) -> Replacing {
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::ResourceBusy
        | io::ErrorKind::CrossesDevices => Replacing::Impossible(error),
        _ => Replacing::Failed(error),
    }
}

/// Writes over a file's own bytes: where this fails, it is neither what it was nor what it should be.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// A new file in a folder, of the mode that the system's mask leaves.
pub(super) fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|error| without_path(&error))
}

/// The system's own error, without the path of the temporary file, which is no help to a reader.
fn without_path(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let bare = text.split(" at path ").next().unwrap_or(&text);
    // The library keeps the code in words alone.
    let code = bare.strip_suffix(')').and_then(|text| text.rsplit_once("(os error "));
    match code.and_then(|(_, code)| code.parse().ok()) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), bare.to_owned()),
    }
}

/// Gives a file the owner of the one that it replaces.
#[cfg(unix)]
pub(super) fn keep_owner(file: &File, there: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    let user = (own.uid() != there.uid()).then_some(there.uid());
    let group = (own.gid() != there.gid()).then_some(there.gid());
    match (user, group) {
        (None, None) => Ok(()),
        _ => std::os::unix::fs::fchown(file, user, group),
    }
}

#[cfg(not(unix))]
pub(super) fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Whether a descriptor of this process can only be read from; its path would open what is behind it for writing.
fn is_for_reading(number: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 3 == 0)
}

/// Makes a new folder last: its name is an entry of its parent.
pub fn sync_parent(folder: &Path) -> io::Result<()> {
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Removes what processes that were killed had not finished writing into a folder: what is older than that, since other
/// verbs may be writing there now.
pub fn remove_unfinished(folder: &Path, older_than: Duration) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|time| time.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age >= older_than) || older_than.is_zero();
        if is_old {
            // One that cannot be removed takes some space and does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
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
    fn an_error_names_the_file() {
        let error = write_whole(Path::new("no-such-folder/table.csv"), b"").unwrap_err();
        assert!(error.to_string().starts_with("no-such-folder/table.csv: "), "{error}");
    }
}
