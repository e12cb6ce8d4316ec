//! The partial file of a download.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::checksums;
use super::error::FetchError;
use super::step::{Doing, Progress, Step};
use crate::data_sets::Download;
use crate::files::is_same_file;

/// A partial file, locked for this process while it is open. It outlives the process, so that the next fetch resumes
/// it.
pub(super) struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    /// Opens or creates the partial file of `download` in `folder`.
    ///
    /// # Errors
    /// Another process has locked it, or the system refuses.
    pub(super) fn open(folder: &Path, download: &Download) -> Result<Self, FetchError> {
        let path = folder.join(format!(".fetching-{}.part", download.file));
        let failed = |error: io::Error| FetchError::system(&path, "opened", &error).before_the_start();
        // Between opening and locking, the process that had it may finish and remove it: then there is a newer one.
        loop {
            // A link in its place would make us write to its target.
            if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
                return Err(FetchError::input(
                    path.display().to_string(),
                    "it is not a regular file, and the download is written to it",
                    "remove it, or take another folder with --to",
                ));
            }
            let file = (OpenOptions::new().read(true).write(true).create(true).truncate(false))
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(FetchError::work(
                        path.display().to_string(),
                        "another process is downloading to it",
                        "wait until it ends, or take another folder with --to",
                    ));
                }
                // Some network file systems have no locks; the checksum decides there as well.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            if is_at(&file, &path).map_err(failed)? {
                return Ok(Self { file, path });
            }
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> Result<u64, FetchError> {
        let metadata = self.file.metadata().map_err(|error| self.failed("read", &error))?;
        Ok(metadata.len())
    }

    /// Empties the file, to start over.
    pub(super) fn clear(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(|error| self.failed("cleared", &error))
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        (self.file.seek(SeekFrom::End(0)))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(|error| self.failed("written", &error))
    }

    /// Verifies the checksum of the whole file. A file with the wrong one is removed.
    ///
    /// # Errors
    /// The checksum is wrong, or the file cannot be read.
    pub(super) fn check(
        &mut self,
        download: &Download,
        origin: &str,
        progress: Progress<'_>,
    ) -> Result<(), FetchError> {
        let total = self.len()?;
        let mut report = |done| {
            progress(Step {
                doing: Doing::Checking,
                file: download.file,
                done,
                total,
            });
        };
        let found = (self.file.rewind())
            .and_then(|()| checksums::checksum_of(&mut self.file, &mut report))
            .map_err(|error| self.failed("read", &error))?;
        if found == download.sha256 {
            return Ok(());
        }
        self.remove();
        Err(FetchError::work(
            origin,
            format!(
                "its SHA-256 is {found}, and that of {} is {}; the download was removed, nothing was unpacked",
                download.file, download.sha256
            ),
            "run the command again to download all of it, or name another source with --from DIR|URL",
        ))
    }

    /// The whole file from its start.
    pub(super) fn reader(&mut self) -> Result<&mut File, FetchError> {
        match self.file.rewind() {
            Ok(()) => Ok(&mut self.file),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    /// Removes the file, still locked, so that no other process resumes it.
    pub(super) fn remove(&self) {
        // One that cannot be removed is overwritten by the next fetch.
        let _ = std::fs::remove_file(&self.path);
    }

    fn failed(&self, done: &str, error: &io::Error) -> FetchError {
        FetchError::system(&self.path, done, error)
    }
}

impl Drop for Part {
    /// Removes an empty file: there is nothing to resume.
    fn drop(&mut self) {
        let is_empty = self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty && is_at(&self.file, &self.path).unwrap_or(false) {
            self.remove();
        }
    }
}

/// Whether the open file is the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (open, there) = (file.metadata()?, path.symlink_metadata());
    Ok(there.is_ok_and(|there| is_same_file(&open, &there)))
}
