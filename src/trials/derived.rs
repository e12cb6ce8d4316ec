//! The tables at the top of a result folder, derived from those of the trials.

use super::experiment::Trial;
use super::files::write_whole;
use super::folder::{FolderError, ResultFolder, read_if_there};
use super::record::TrialRecord;
use crate::formats::tables::{self, EpochRow, Row, Status, StepRow, TrialRow};

/// The tables at the top, derived from the trials'.
pub struct Derived {
    /// Those of `trials.csv`.
    pub rows: Vec<TrialRow>,
    /// Trials' tables that are not as they were written, each with its fault.
    pub damaged: Vec<String>,
}

impl ResultFolder {
    /// Writes `trials.csv`, `steps.csv` and `epochs.csv` from the trials' own rows, in the ablation's order.
    ///
    /// # Errors
    /// Whatever the system says, or a trial's record that cannot be read.
    pub fn derive_tables(&self, trials: &[Trial]) -> Result<Derived, FolderError> {
        let mut rows = Vec::with_capacity(trials.len());
        for trial in trials {
            let id = &trial.record.trial;
            // The variant's name is the ablation's of today; device and threads are those it ran with.
            let begun = self.record(id)?;
            let record = TrialRecord {
                variant: trial.record.variant.clone(),
                ablation: trial.record.ablation.clone(),
                ..begun.unwrap_or_else(|| trial.record.clone())
            };
            rows.push(record.row(self.result(id)?.as_ref()));
        }
        write_whole(&self.root().join(TrialRow::FILE), &tables::write_rows(&rows)?)?;
        let mut damaged = self.join_rows::<StepRow>(&rows, |row| row.steps, |row, variant| row.variant = variant)?;
        damaged.extend(self.join_rows::<EpochRow>(&rows, |row| row.epochs, |row, variant| row.variant = variant)?);
        Ok(Derived { rows, damaged })
    }

    /// One table from the files of that name in the trials' folders. A last row that is torn (its trial is being
    /// written, or was killed) is left out; so are the rows of a trial behind any other fault, which is told. A trial that
    /// has ended well has as many rows as `expected` of it.
    fn join_rows<T: Row>(
        &self,
        trials: &[TrialRow],
        expected: impl Fn(&TrialRow) -> usize,
        rename: impl Fn(&mut T, String),
    ) -> Result<Vec<String>, FolderError> {
        let mut joined = tables::write_rows::<T>(&[])?;
        let mut damaged = Vec::new();
        for trial in trials {
            let own = self.trial(&trial.trial).join(T::FILE);
            let Some(bytes) = read_if_there(&own, u64::MAX)? else {
                continue;
            };
            let whole = tables::whole_length(&bytes);
            if whole == 0 {
                continue;
            }
            let (mut rows, fault) = tables::leading_rows::<T>(&bytes[..whole], &own.display().to_string());
            damaged.extend(fault.map(|fault| format!("{fault}; the rows before it are in the table")));
            let expected = expected(trial);
            if rows.len() < expected && trial.status == Status::Ok {
                let rule = format!("it has {} of the {expected} rows of a finished trial", rows.len());
                damaged.push(format!(
                    "{}: {rule}; remove the trial's folder to run it again",
                    own.display()
                ));
            }
            for row in &mut rows {
                rename(row, trial.variant.clone());
            }
            joined.extend(tables::appended_rows(&rows)?);
        }
        write_whole(&self.root().join(T::FILE), &joined)?;
        Ok(damaged)
    }
}
