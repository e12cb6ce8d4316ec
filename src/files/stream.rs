//! Files that are written whole or not at all, a piece at a time.

use std::fs::Metadata;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::place::{holding, named};
use super::sync_folder;
use super::target::{Target, refused};
use super::whole::{keep_owner, temporary_in};

/// A file that takes the place of another, as [`super::write_whole`] writes it, when it is finished: its bytes are never held in
/// memory together. One that is dropped before leaves nothing.
pub struct WholeFile {
    path: PathBuf,
    there: Option<Metadata>,
    writer: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file that will have this path.
    ///
    /// # Errors
    /// A path that leads to a device or a pipe, or whatever the system says; the path is in the message.
    pub fn begin(path: &Path) -> io::Result<Self> {
        match Target::of(path)? {
            Target::File { path, there } => {
                let temporary = temporary_in(holding(&path)).map_err(|error| named(&path, &error))?;
                Ok(Self {
                    path,
                    there,
                    writer: BufWriter::new(temporary),
                })
            }
            Target::Descriptor { .. } | Target::Stream(_) => Err(refused(
                path,
                "it is a device or a pipe, and must be a file; move it away",
            )),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Whatever the system says; what was there before stays.
    pub fn finish(self) -> io::Result<()> {
        let Self { path, there, writer } = self;
        finished(&path, there.as_ref(), writer).map_err(|error| named(&path, &error))
    }
}

fn finished(path: &Path, there: Option<&Metadata>, writer: BufWriter<NamedTempFile>) -> io::Result<()> {
    let temporary = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(there) = there {
        // In a folder that several users write to, whole matters more than whose.
        let _ = keep_owner(temporary.as_file(), there);
        temporary.as_file().set_permissions(there.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(holding(path))
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_appears_when_it_is_finished_and_one_that_is_not_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.csv");
        fs::write(&path, "before").unwrap();
        let mut file = WholeFile::begin(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        let mut file = WholeFile::begin(&path).unwrap();
        for _ in 0..100_000 {
            file.write_all(b"piece\n").unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        file.finish().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 600_000);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
