//! The tables at the top of a result folder, derived from those of the trials.

use super::experiment::Trial;
use super::folder::{FolderError, ResultFolder, read_if_there};
use super::joined_table::JoinedTable;
use super::record::TrialRecord;
use crate::files::write_whole;
use crate::formats::tables::{self, CorrectnessRow, EpochRow, Row, Status, StepRow, TrialRow};

/// The tables at the top, derived from the trials'.
pub struct Derived {
    /// Those of `trials.csv`.
    pub rows: Vec<TrialRow>,
    /// Damaged per-trial tables, and what is wrong with each.
    pub damaged: Vec<String>,
}

impl ResultFolder {
    /// Writes `trials.csv`, `steps.csv`, `epochs.csv` and `correctness.csv` from the trials' own rows, in the ablation's order.
    /// A table that has these rows already is left alone.
    ///
    /// # Errors
    /// Whatever the system says, or a trial's record that cannot be read.
    pub fn derive_tables(&self, trials: &[Trial]) -> Result<Derived, FolderError> {
        let mut rows = Vec::with_capacity(trials.len());
        for trial in trials {
            let id = &trial.record.trial;
            // The variant's name is the ablation's of today; device and threads are those it ran with.
            let started = self.record(id)?;
            let record = TrialRecord {
                variant: trial.record.variant.clone(),
                ablation: trial.record.ablation.clone(),
                ..started.unwrap_or_else(|| trial.record.clone())
            };
            rows.push(record.row(self.result(id)?.as_ref()));
        }
        write_whole(&self.root().join(TrialRow::FILE), &tables::write_rows(&rows)?)?;
        let mut damaged = self.join_rows::<StepRow>(&rows, |row| row.steps, |row, variant| row.variant = variant)?;
        damaged.extend(self.join_rows::<EpochRow>(&rows, |row| row.epochs, |row, variant| row.variant = variant)?);
        damaged.extend(self.join_rows::<CorrectnessRow>(&rows, |_| 1, |row, variant| row.variant = variant)?);
        Ok(Derived { rows, damaged })
    }

    /// One table from the files of that name in the trials' folders. A last row that is torn (its trial is being
    /// written, or was killed) is left out; so are the rows of a trial after any other fault, which is reported. A trial
    /// that has ended well has as many rows as `expected` of it.
    ///
    /// Rows that the table has already are taken over as they are: of a long run's steps, only those of the running trial
    /// are read as rows again. Of all trials' rows those of one are in memory.
    fn join_rows<T: Row>(
        &self,
        trials: &[TrialRow],
        expected: impl Fn(&TrialRow) -> usize,
        rename: impl Fn(&mut T, String),
    ) -> Result<Vec<String>, FolderError> {
        let header = tables::write_rows::<T>(&[])?;
        let mut joined = JoinedTable::begin(&self.root().join(T::FILE), &header)?;
        let mut damaged = Vec::new();
        for trial in trials {
            let own = self.trial(&trial.trial).join(T::FILE);
            let Some(bytes) = read_if_there(&own, u64::MAX)?.and_then(tables::whole_lines) else {
                continue;
            };
            let part = bytes.strip_prefix(&header[..]);
            let is_known = part.map_or(Ok(false), |part| joined.has_next(part))?;
            let count = match part.filter(|_| is_known) {
                // The table's rows of a trial have one variant's name: where that of the first stands, all do.
                Some(part) if is_named::<T>(&header, part, &trial.variant, &rename)? => {
                    joined.add(part)?;
                    tables::row_ends(part).count()
                }
                _ => {
                    let (mut rows, fault) = tables::leading_rows::<T>(&bytes, &own.display().to_string());
                    damaged.extend(fault.map(|fault| format!("{fault}; the rows before it are in the table")));
                    for row in &mut rows {
                        rename(row, trial.variant.clone());
                    }
                    joined.add(&tables::appended_rows(&rows)?)?;
                    rows.len()
                }
            };
            let expected = expected(trial);
            if count < expected && trial.status == Status::Ok {
                let rule = format!("it has {count} of the {expected} rows of a finished trial");
                damaged.push(format!(
                    "{}: {rule}; remove the trial's folder to run it again",
                    own.display()
                ));
            }
        }
        joined.finish()?;
        Ok(damaged)
    }
}

/// Whether the first of a trial's rows has the variant's name of today.
fn is_named<T: Row>(
    header: &[u8],
    part: &[u8],
    variant: &str,
    rename: impl Fn(&mut T, String),
) -> Result<bool, FolderError> {
    let first = &part[..tables::row_ends(part).next().unwrap_or(0)];
    let mut rows = tables::leading_rows::<T>(&[header, first].concat(), T::FILE).0;
    for row in &mut rows {
        rename(row, variant.to_owned());
    }
    Ok(tables::appended_rows(&rows)? == first)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::experiment::{Experiment, prepare};
    use super::super::record::TrialResult;
    use super::*;
    use crate::formats::ablation::parse;

    fn experiment() -> Experiment {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1]\n\
                    [train]\nsteps = 3\nseeds = [0, 1]\n";
        prepare(parse(text, Path::new("x.toml")).unwrap(), 1, None).unwrap()
    }

    fn rows(trial: &Trial, steps: usize) -> Vec<StepRow> {
        let row = |step| StepRow {
            trial: trial.record.trial.clone(),
            variant: trial.record.variant.clone(),
            seed: trial.record.seed,
            epoch: 0,
            step,
            loss: if step == 0 { f64::NAN } else { 1.0 / step as f64 },
            learning_rate: 0.1,
        };
        (0..steps).map(row).collect()
    }

    /// A folder whose first trial has so many steps, and whose second has one and a torn one.
    fn place(steps: usize) -> (tempfile::TempDir, ResultFolder, Experiment) {
        let (root, experiment) = (tempfile::tempdir().unwrap(), experiment());
        let folder = ResultFolder::at(root.path());
        for trial in &experiment.trials {
            fs::create_dir_all(folder.trial(&trial.record.trial)).unwrap();
        }
        put(
            &folder,
            &experiment.trials[0],
            &tables::write_rows(&rows(&experiment.trials[0], steps)).unwrap(),
        );
        let torn = tables::write_rows(&rows(&experiment.trials[1], 2)).unwrap();
        put(&folder, &experiment.trials[1], &torn[..torn.len() - 3]);
        (root, folder, experiment)
    }

    fn put(folder: &ResultFolder, trial: &Trial, table: &[u8]) {
        fs::write(folder.trial(&trial.record.trial).join("steps.csv"), table).unwrap();
    }

    /// The table's bytes, and which file they stand in: one that is replaced is another.
    fn steps(folder: &ResultFolder) -> (Vec<u8>, u64) {
        use std::os::unix::fs::MetadataExt;
        let path = folder.root().join("steps.csv");
        (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().ino())
    }

    #[test]
    fn the_table_of_steps_is_replaced_only_where_a_trial_has_new_rows() {
        let (_root, folder, experiment) = place(1);
        folder.derive_tables(&experiment.trials).unwrap();
        let first = steps(&folder);
        let expected = [rows(&experiment.trials[0], 1), rows(&experiment.trials[1], 1)].concat();
        assert_eq!(first.0, tables::write_rows(&expected).unwrap());
        folder.derive_tables(&experiment.trials).unwrap();
        assert_eq!(steps(&folder), first);

        let gained = rows(&experiment.trials[0], 3);
        put(&folder, &experiment.trials[0], &tables::write_rows(&gained).unwrap());
        folder.derive_tables(&experiment.trials).unwrap();
        let second = steps(&folder);
        let expected = [gained, rows(&experiment.trials[1], 1)].concat();
        assert_eq!(second.0, tables::write_rows(&expected).unwrap());
        assert_ne!(second.1, first.1);
    }

    #[test]
    fn rows_that_are_taken_over_have_the_variants_name_of_today() {
        let (_root, folder, mut experiment) = place(2);
        folder.derive_tables(&experiment.trials).unwrap();
        let before = String::from_utf8(steps(&folder).0).unwrap();
        experiment.trials[0].record.variant = "renamed".to_owned();
        for _ in 0..2 {
            folder.derive_tables(&experiment.trials).unwrap();
            let after = String::from_utf8(steps(&folder).0).unwrap();
            let first = &experiment.trials[0].record.trial;
            assert_eq!(
                after,
                before.replace(&format!("{first},base,"), &format!("{first},renamed,"))
            );
        }
    }

    #[test]
    fn a_damaged_table_is_named_each_time_and_its_rows_before_the_fault_are_kept() {
        let (_root, folder, experiment) = place(3);
        let whole = String::from_utf8(tables::write_rows(&rows(&experiment.trials[0], 3)).unwrap()).unwrap();
        put(
            &folder,
            &experiment.trials[0],
            whole.replace(",2,0.5", ",two,0.5").as_bytes(),
        );
        let mut expected = rows(&experiment.trials[0], 2);
        expected.extend(rows(&experiment.trials[1], 1));
        for _ in 0..2 {
            let derived = folder.derive_tables(&experiment.trials).unwrap();
            assert_eq!(steps(&folder).0, tables::write_rows(&expected).unwrap());
            assert!(
                matches!(&derived.damaged[..], [fault] if fault.contains("line 4, column 'step': 'two'")),
                "{:?}",
                derived.damaged
            );
        }
    }

    #[test]
    fn a_finished_trial_with_too_few_rows_is_named_each_time() {
        let (_root, folder, experiment) = place(2);
        let id = &experiment.trials[0].record.trial;
        folder.end(id, &TrialResult::unfinished(Status::Ok, "")).unwrap();
        for _ in 0..2 {
            let derived = folder.derive_tables(&experiment.trials).unwrap();
            assert!(
                matches!(&derived.damaged[..], [fault] if fault.contains("it has 2 of the 3 rows of a finished trial")),
                "{:?}",
                derived.damaged
            );
        }
    }
}
