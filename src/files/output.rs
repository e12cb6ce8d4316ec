//! Where a verb writes what its user asked for: a file, whatever a path leads to, or standard output.

use std::io;
use std::path::{Path, PathBuf};

use super::place::{holding, named};
use super::target::{Target, refused};
use super::whole::{InPlace, temporary_in, write, write_stdout};

/// A place that a user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `-`, or any path that leads to where standard output goes: nothing else is to be printed there.
    Stdout,
    /// Any other path.
    Path(PathBuf),
}

impl Output {
    /// Finds where a path leads, and checks that it can be written to, before the work that makes the bytes. Nothing
    /// that is there is touched.
    ///
    /// # Errors
    /// A folder, a socket, links in a circle, a folder that is not there, what may not be written; with the remedy.
    pub fn at(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let target = Target::of(path)?;
        if let Target::Descriptor { number: 1, .. } = target {
            return Ok(Self::Stdout);
        }
        if is_where_stdout_goes(path) {
            return Ok(Self::Stdout);
        }
        if let Target::File { path: file, there } = target {
            let place = match there {
                // What its owner has protected is not replaced either.
                Some(_) => std::fs::OpenOptions::new().write(true).open(file).map(drop),
                None => temporary_in(holding(&file)).map(drop),
            };
            place.map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    refused(path, &format!("{error}; make it writable, or name another file"))
                }
                _ => named(path, &error),
            })?;
        }
        Ok(Self::Path(path.to_owned()))
    }

    /// Writes the bytes: a file whole or not at all where its folder allows it, else in place.
    ///
    /// # Errors
    /// Whatever the system says, with the path.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => write_stdout(bytes).map_err(|error| named(Path::new("stdout"), &error)),
            Self::Path(path) => write(path, bytes, InPlace::WhereItMust),
        }
    }

    /// Whether this is the file of that path.
    pub fn is_file(&self, other: &Path) -> bool {
        let Self::Path(path) = self else { return false };
        match (path.canonicalize(), other.canonicalize()) {
            (Ok(own), Ok(other)) => own == other,
            _ => false,
        }
    }
}

/// Whether standard output goes into the file or pipe of that path, as with `--logits x.csv >x.csv`. A terminal or a
/// device takes both.
#[cfg(unix)]
fn is_where_stdout_goes(path: &Path) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    let stdout = stdout.and_then(|descriptor| std::fs::File::from(descriptor).metadata());
    match (std::fs::metadata(path), stdout) {
        (Ok(there), Ok(stdout)) => {
            let kind = there.file_type();
            (kind.is_file() || kind.is_fifo()) && super::is_same_file(&there, &stdout)
        }
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_where_stdout_goes(_: &Path) -> bool {
    false
}
