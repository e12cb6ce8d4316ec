//! What a result folder holds, as one value: the ablation, the tables' rows, and what of these cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use super::ablation::Ablation;
use super::correctness;
use super::loss_curves::LossCurves;
use super::tables::{
    BatchRow, BoundaryRow, CorrectnessRow, EpochRow, PeerRow, ProfileRow, Row, SampleRow, StepRow, TableError,
    TrialRow, each_row, leading_rows, whole_lines,
};

/// Errors are shares of images: two that differ by more than rounding are two.
const SAME_ERROR: f64 = 1e-9;

/// An ablation's results, complete or partial.
#[derive(Clone, Debug)]
pub struct Study {
    /// The ablation as it was run.
    pub ablation: Ablation,
    /// `trials.csv`.
    pub trials: Vec<TrialRow>,
    /// `epochs.csv`.
    pub epochs: Vec<EpochRow>,
    /// `correctness.csv`; each row says what its checksum says.
    pub correctness: Vec<CorrectnessRow>,
    /// `batches.csv`.
    pub batches: Vec<BatchRow>,
    /// `boundaries.csv`.
    pub boundaries: Vec<BoundaryRow>,
    /// `profile.csv`.
    pub profile: Vec<ProfileRow>,
    /// `peers.csv`.
    pub peers: Vec<PeerRow>,
    /// The losses of `steps.csv`, where it was asked for.
    pub losses: LossCurves,
    /// `samples.csv`, where it was asked for.
    pub samples: Vec<SampleRow>,
    /// What is broken in the tables.
    pub damage: Vec<Damage>,
}

/// How a table with a row for each step, which may be long, is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongTable {
    /// It is not opened.
    #[default]
    Skip,
    /// It is checked, and its rows are dropped.
    Check,
    /// Its rows are kept.
    Read,
}

/// A long table.
pub struct LongFile {
    /// Its name for messages.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its whole lines, of which there is one at least.
    pub lines: Box<dyn Read>,
}

/// How the long tables are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongTables {
    /// `steps.csv`.
    pub steps: LongTable,
    /// `samples.csv`.
    pub samples: LongTable,
}

/// A damaged table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong, and where.
    pub fault: TableError,
    /// Whether rows that were asked for are missing from the study because of it.
    pub loses_rows: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.loses_rows {
            true => "the rows from there on are left out",
            false => "no plot and no summary needs it",
        };
        write!(
            f,
            "{}; {effect}; run the ablation again to rewrite the table",
            self.fault
        )
    }
}

impl Study {
    /// A study without rows.
    pub fn new(ablation: Ablation) -> Self {
        Self {
            ablation,
            trials: Vec::new(),
            epochs: Vec::new(),
            correctness: Vec::new(),
            batches: Vec::new(),
            boundaries: Vec::new(),
            profile: Vec::new(),
            peers: Vec::new(),
            losses: LossCurves::default(),
            samples: Vec::new(),
            damage: Vec::new(),
        }
    }

    /// The study of an ablation and the tables beside it. `file` gives a table's name for messages and its bytes, none
    /// where there is no such table; `stream` gives the whole lines of a long one, which is never in memory as a whole. A last
    /// row that is torn, as in the table of a run that was killed, is not damage.
    ///
    /// # Errors
    /// Those of `file` and `stream`.
    pub fn read<E>(
        ablation: Ablation,
        long: LongTables,
        mut file: impl FnMut(&str) -> Result<Option<(String, Vec<u8>)>, E>,
        mut stream: impl FnMut(&str) -> Result<Option<LongFile>, E>,
    ) -> Result<Self, E> {
        let mut study = Self::new(ablation);
        let damage = &mut study.damage;
        study.trials = rows(damage, file(TrialRow::FILE)?);
        study.epochs = rows(damage, file(EpochRow::FILE)?);
        study.correctness = correctness_rows(damage, file(CorrectnessRow::FILE)?);
        study.batches = rows(damage, file(BatchRow::FILE)?);
        study.boundaries = rows(damage, file(BoundaryRow::FILE)?);
        study.profile = rows(damage, file(ProfileRow::FILE)?);
        study.peers = rows(damage, file(PeerRow::FILE)?);
        if long.steps != LongTable::Skip
            && let Some(file) = stream(StepRow::FILE)?
        {
            let mut losses = LossCurves::of_table(file.bytes);
            long_table(damage, long.steps, file, &mut |row| losses.add(row));
            losses.finish();
            study.losses = losses;
        }
        if long.samples != LongTable::Skip
            && let Some(file) = stream(SampleRow::FILE)?
        {
            long_table(damage, long.samples, file, &mut |row| study.samples.push(row));
        }
        study.leave_out_contradictions();
        Ok(study)
    }

    /// Holds `trials.csv` against `correctness.csv`, which has the same trials' test errors image by image: a row that
    /// says something else, or is not there, is damage.
    fn leave_out_contradictions(&mut self) {
        let line = |index: usize| index as u64 + 2;
        let other = |line: u64, reason: String| Damage {
            fault: TableError::Other {
                file: TrialRow::FILE.to_owned(),
                line,
                reason,
            },
            loses_rows: true,
        };
        let by_image: BTreeMap<&str, &CorrectnessRow> =
            self.correctness.iter().map(|row| (row.trial.as_str(), row)).collect();
        let contradicts = |row: &TrialRow| {
            let images = by_image.get(row.trial.as_str())?;
            let counted = correctness::error(images)?;
            let said = row.final_test_error?;
            ((said - counted).abs() > SAME_ERROR).then(|| {
                format!(
                    "{}, seed {}: its final_test_error is {said}, and {} has {counted} of it",
                    row.variant,
                    row.seed,
                    CorrectnessRow::FILE
                )
            })
        };
        let first = self.trials.iter().map(contradicts).enumerate();
        if let Some((index, reason)) = first.filter_map(|(index, reason)| Some((index, reason?))).next() {
            self.damage.push(other(line(index), reason));
            self.trials.truncate(index);
            return;
        }
        let known: BTreeSet<&str> = self.trials.iter().map(|row| row.trial.as_str()).collect();
        let missing = self.correctness.iter().find(|row| !known.contains(row.trial.as_str()));
        // A fault that was found before may be why they are missing.
        if let Some(row) = missing.filter(|_| self.damage.is_empty()) {
            let reason = format!(
                "{}, seed {}: it has no row, and one in {}",
                row.variant,
                row.seed,
                CorrectnessRow::FILE
            );
            self.damage.push(other(line(self.trials.len()), reason));
        }
    }
}

/// Gives the rows of a long table to `keep`, unless it is only checked.
fn long_table<T: Row>(damage: &mut Vec<Damage>, long: LongTable, file: LongFile, keep: &mut dyn FnMut(T)) {
    let is_read = long == LongTable::Read;
    let mut each = |row: T| {
        if is_read {
            keep(row);
        }
    };
    let fault = each_row(file.lines, &file.name, &mut each);
    damage.extend(fault.map(|fault| Damage {
        fault,
        loses_rows: is_read,
    }));
}

/// The rows before the first fault, which is noted.
fn rows<T: Row>(damage: &mut Vec<Damage>, file: Option<(String, Vec<u8>)>) -> Vec<T> {
    let Some((name, bytes)) = file.and_then(whole) else {
        return Vec::new();
    };
    let (rows, fault) = leading_rows(&bytes, &name);
    damage.extend(fault.map(|fault| Damage {
        fault,
        loses_rows: true,
    }));
    rows
}

/// The same, where each row has a checksum.
fn correctness_rows(damage: &mut Vec<Damage>, file: Option<(String, Vec<u8>)>) -> Vec<CorrectnessRow> {
    let name = file.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
    let (rows, fault) = correctness::checked(rows(damage, file), &name);
    damage.extend(fault.map(|fault| Damage {
        fault,
        loses_rows: true,
    }));
    rows
}

/// The lines of a table that are whole; none where not even the header is, as in one that was just started.
fn whole((name, bytes): (String, Vec<u8>)) -> Option<(String, Vec<u8>)> {
    Some((name, whole_lines(bytes)?))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Cursor;
    use std::path::Path;

    use super::super::ablation::parse;
    use super::super::tables::{WholeLines, write_rows};
    use super::*;

    fn ablation() -> Ablation {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n";
        parse(text, Path::new("x.toml")).unwrap()
    }

    /// A table of steps of which the third is damaged.
    fn steps() -> Vec<u8> {
        let row = |step| StepRow {
            trial: "t".to_owned(),
            variant: "base".to_owned(),
            seed: 0,
            epoch: 0,
            step,
            loss: 2.5,
            learning_rate: 0.1,
        };
        let rows: Vec<StepRow> = (0..5).map(row).collect();
        let text = String::from_utf8(write_rows(&rows).unwrap()).unwrap();
        text.replace(",2,2.5", ",two,2.5").into_bytes()
    }

    fn study(steps: LongTable, table: &[u8]) -> (Study, Vec<String>) {
        let mut opened = Vec::new();
        let long = LongTables {
            steps,
            samples: LongTable::Skip,
        };
        let stream = |file: &str| {
            opened.push(file.to_owned());
            let table = Cursor::new(table.to_vec());
            let lines = WholeLines::of(table).unwrap().filter(|_| file == StepRow::FILE);
            Ok(lines.map(|lines| LongFile {
                name: format!("x/{file}"),
                bytes: 0,
                lines: Box::new(lines),
            }))
        };
        let Ok(study) = Study::read::<Infallible>(ablation(), long, |_| Ok(None), stream);
        (study, opened)
    }

    #[test]
    fn step_rows_are_kept_only_on_request() {
        let (skipped, opened) = study(LongTable::Skip, &steps());
        assert!(skipped.damage.is_empty() && !opened.contains(&StepRow::FILE.to_owned()));
        assert!(!opened.contains(&SampleRow::FILE.to_owned()));
        let (checked, opened) = study(LongTable::Check, &steps());
        assert!(checked.losses.is_empty() && opened.contains(&StepRow::FILE.to_owned()));
        assert_eq!(
            checked.damage[0].to_string(),
            "x/steps.csv: line 4, column 'step': 'two' is wrong: invalid digit found in string; no plot and no summary needs \
             it; run the ablation again to rewrite the table"
        );
        let (read, _) = study(LongTable::Read, &steps());
        assert_eq!(read.losses.of("t").unwrap().points, [(0, 2.5), (1, 2.5)]);
        assert!(read.damage[0].loses_rows, "{:?}", read.damage);
    }

    #[test]
    fn a_torn_last_row_is_not_damage() {
        let whole = String::from_utf8(steps()).unwrap().replace("two", "2");
        for end in 0..=whole.len() {
            for long in [LongTable::Check, LongTable::Read] {
                let (study, _) = study(long, &whole.as_bytes()[..end]);
                assert_eq!(study.damage, [], "{long:?}, cut at {end}");
            }
        }
    }
}
