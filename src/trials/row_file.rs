//! A table in a trial's folder: rows are appended while it trains, and repaired where it is resumed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::{named, write_whole};
use crate::formats::tables::{self, Row};

/// A table in a trial's folder, open for appending.
pub struct RowFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole rows and the header.
    length: u64,
}

/// The rows that a trial's folder has of a table, up to the first that is not whole. A last row that is torn is not
/// reported: its process was killed, or the disk was full. Any other fault is passed to `report`.
///
/// # Errors
/// A file that cannot be read.
pub fn rows_there<T: Row>(trial: &Path, report: &mut dyn FnMut(String)) -> io::Result<Vec<T>> {
    let path = trial.join(T::FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named(&path, &error)),
    };
    let Some(whole) = tables::whole_lines(bytes) else {
        return Ok(Vec::new());
    };
    let (rows, fault) = tables::leading_rows(&whole, &path.display().to_string());
    if let Some(fault) = fault {
        report(format!("damaged table: {fault}; the rows before it are kept"));
    }
    Ok(rows)
}

impl RowFile {
    /// Makes the table hold these rows and nothing else, and opens it for more. It is a new file: a process that was suspended,
    /// and does not know yet that the trial is not its own any more, has the old one open.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open_with<T: Row>(trial: &Path, rows: &[T]) -> io::Result<Self> {
        let path = trial.join(T::FILE);
        let bytes = tables::write_rows(rows).map_err(io::Error::other)?;
        write_whole(&path, &bytes)?;
        let file = OpenOptions::new().append(true).open(&path);
        Ok(Self {
            file: file.map_err(|error| named(&path, &error))?,
            length: bytes.len() as u64,
            path,
        })
    }

    /// Appends rows. Where that fails, what was written of them is taken back.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn append<T: Row>(&mut self, rows: &[T]) -> io::Result<()> {
        let bytes = tables::appended_rows(rows).map_err(io::Error::other)?;
        if let Err(error) = self.file.write_all(&bytes) {
            // Where this fails as well, the torn row is repaired when the trial is resumed.
            let _ = self.file.set_len(self.length);
            return Err(named(&self.path, &error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Synchronises the rows to disk, so that they survive a power cut.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| named(&self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tables::StepRow;

    fn row(step: usize) -> StepRow {
        StepRow {
            trial: "t".to_owned(),
            variant: "base".to_owned(),
            seed: 0,
            epoch: 0,
            step,
            loss: 1.0 / (step + 1) as f64,
            learning_rate: 0.1,
        }
    }

    #[test]
    fn a_table_continues_after_the_rows_that_are_kept_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.csv");
        let rows: Vec<StepRow> = (0..4).map(row).collect();
        let whole = tables::write_rows(&rows).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let there = rows_there::<StepRow>(folder.path(), &mut |_| {}).unwrap();
            let kept = there.len().min(2);
            let mut table = RowFile::open_with(folder.path(), &there[..kept]).unwrap();
            table.append(&rows[kept..]).unwrap();
            table.sync().unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "torn at {length}");
        }
    }

    #[test]
    fn a_table_that_is_not_there_has_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(rows_there::<StepRow>(folder.path(), &mut |_| {}).unwrap(), []);
    }

    #[test]
    fn a_table_that_is_damaged_in_its_middle_keeps_the_rows_before_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<StepRow> = (0..4).map(row).collect();
        let text = String::from_utf8(tables::write_rows(&rows).unwrap()).unwrap();
        fs::write(folder.path().join("steps.csv"), text.replace(",2,", ",two,")).unwrap();
        let mut reports = Vec::new();
        let there = rows_there::<StepRow>(folder.path(), &mut |report| reports.push(report)).unwrap();
        assert_eq!(there, rows[..2]);
        assert!(
            reports.len() == 1 && reports[0].contains("steps.csv: line 4"),
            "{reports:?}"
        );
    }
}
