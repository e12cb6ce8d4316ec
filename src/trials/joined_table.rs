//! A table at the top that is put together from the trials' own, a trial at a time, beside the one that is there.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crate::files::{WholeFile, named};

/// The table that is being written. Neither it nor the one that is there is held in memory: both may have gigabytes.
pub struct JoinedTable {
    path: PathBuf,
    new: WholeFile,
    there: There,
    /// Whether all that was written so far is what is there.
    is_same: bool,
}

/// The table that is there, behind what has been found in it so far.
struct There {
    /// None where there is no table, and behind the first part of it that the new one has not.
    file: Option<BufReader<File>>,
    /// Bytes that were read and not found yet.
    ahead: Vec<u8>,
}

impl JoinedTable {
    /// Begins a table with that header.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin(path: &Path, header: &[u8]) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => Some(BufReader::with_capacity(1 << 16, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(named(path, &error)),
        };
        let mut table = Self {
            path: path.to_owned(),
            is_same: file.is_some(),
            new: WholeFile::begin(path)?,
            there: There {
                file,
                ahead: Vec::new(),
            },
        };
        table.add(header)?;
        Ok(table)
    }

    /// Whether the table that is there goes on with these bytes: they were checked when they were put there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn has_next(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.there.begins_with(bytes).map_err(|error| named(&self.path, &error))
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.has_next(bytes)? {
            true => drop(self.there.ahead.drain(..bytes.len())),
            false => {
                self.is_same = false;
                self.there.file = None;
                self.there.ahead.clear();
            }
        }
        self.new.write_all(bytes).map_err(|error| named(&self.path, &error))
    }

    /// Puts the table in its place, unless the same is there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn finish(mut self) -> io::Result<()> {
        let is_at_its_end = self.is_same && !self.has_next(&[0])? && self.there.ahead.is_empty();
        match is_at_its_end {
            true => Ok(()),
            false => self.new.finish(),
        }
    }
}

impl There {
    fn begins_with(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Some(file) = &mut self.file else {
            return Ok(bytes.is_empty());
        };
        let missing = bytes.len().saturating_sub(self.ahead.len());
        file.take(missing as u64).read_to_end(&mut self.ahead)?;
        Ok(self.ahead.starts_with(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Writes these parts over a table; what is there then, and whether the file is another.
    fn joined(there: Option<&str>, parts: &[&str]) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let file = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.ino());
        if let Some(there) = there {
            fs::write(&path, there).unwrap();
        }
        let before = file(&path);
        let mut table = JoinedTable::begin(&path, b"h\n").unwrap();
        for part in parts {
            table.add(part.as_bytes()).unwrap();
        }
        table.finish().unwrap();
        (fs::read_to_string(&path).unwrap(), file(&path) != before)
    }

    #[test]
    fn a_table_is_replaced_only_where_it_changes() {
        assert_eq!(joined(None, &["a\n", "b\n"]), ("h\na\nb\n".to_owned(), true));
        assert_eq!(
            joined(Some("h\na\nb\n"), &["a\n", "b\n"]),
            ("h\na\nb\n".to_owned(), false)
        );
        for other in ["", "h\n", "h\na\n", "h\na\nb\nc\n", "g\na\nb\n", "h\nb\na\n"] {
            assert_eq!(
                joined(Some(other), &["a\n", "b\n"]),
                ("h\na\nb\n".to_owned(), true),
                "{other:?}"
            );
        }
    }
}
