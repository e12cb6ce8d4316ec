//! The measurements of a result folder: `measurements/ID/` with what was asked for and a file for each round.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::profile_rows::profile_rows;
use super::ratios::batch_rows;
use super::record::{MeasurementRecord, RoundResult, RoundSpec};
use super::rows::MeasurementRounds;
use crate::files::{named, write_whole};
use crate::formats::tables::{self, BatchRow, BoundaryRow, PhaseRow, ProfileRow, Row, SampleRow, Status};
use crate::host::Environment;
use crate::trials::{FolderError, ResultFolder, read_json, write_json};

/// The part of a result folder that measurements own.
#[derive(Clone, Debug)]
pub struct Measurements<'a> {
    folder: &'a ResultFolder,
}

impl<'a> Measurements<'a> {
    /// Those of a result folder.
    pub fn of(folder: &'a ResultFolder) -> Self {
        Self { folder }
    }

    fn all(&self) -> PathBuf {
        self.folder.root().join("measurements")
    }

    fn own(&self, record: &MeasurementRecord) -> PathBuf {
        self.all().join(&record.measurement)
    }

    /// Whether every round of a measurement has ended well.
    ///
    /// # Errors
    /// A result that cannot be read.
    pub fn is_whole(&self, record: &MeasurementRecord) -> Result<bool, FolderError> {
        Ok(are_whole(&self.rounds(record)?))
    }

    /// Starts or resumes a measurement: its folder, its record and its environment exist afterwards, and rounds that did
    /// not end well are removed, so that they are tried again. Its identity holds the processor and the program, so the
    /// rounds that are there are theirs. Returns the rounds that have ended well.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn begin(
        &self,
        record: &MeasurementRecord,
        environment: &Environment,
    ) -> Result<Vec<Option<RoundResult>>, FolderError> {
        let own = self.own(record);
        let mut rounds = self.rounds(record)?;
        if are_whole(&rounds) {
            return Ok(rounds);
        }
        fs::create_dir_all(&own).map_err(|error| named(&own, &error))?;
        write_json(&own.join("environment.json"), environment)?;
        write_json(&own.join(RECORD), record)?;
        for (round, result) in rounds.iter_mut().enumerate() {
            if result.as_ref().is_some_and(|result| result.status != Status::Ok) {
                let path = own.join(round_file(round));
                fs::remove_file(&path).map_err(|error| named(&path, &error))?;
                *result = None;
            }
        }
        Ok(rounds)
    }

    /// Writes a round's spec for its process; returns its path and that of the file for the process's stderr.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin_round(&self, record: &MeasurementRecord, spec: &RoundSpec) -> Result<(PathBuf, PathBuf), FolderError> {
        let own = self.own(record);
        fs::create_dir_all(&own).map_err(|error| named(&own, &error))?;
        let path = own.join("spec.json");
        write_json(&path, spec)?;
        Ok((path, own.join("stderr.txt")))
    }

    /// Records how a round ended.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn end_round(&self, record: &MeasurementRecord, round: usize, result: &RoundResult) -> Result<(), FolderError> {
        write_json(&self.own(record).join(round_file(round)), result)
    }

    /// The rounds that have ended.
    ///
    /// # Errors
    /// A result that cannot be read.
    pub fn rounds(&self, record: &MeasurementRecord) -> Result<Vec<Option<RoundResult>>, FolderError> {
        let own = self.own(record);
        (0..record.rounds)
            .map(|round| read_json(&own.join(round_file(round))))
            .collect()
    }

    /// Starts a search for the largest batch; `record` names it. The results of earlier searches stay.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin_search(&self, record: &MeasurementRecord, environment: &Environment) -> Result<(), FolderError> {
        let own = self.own(record);
        fs::create_dir_all(&own).map_err(|error| named(&own, &error))?;
        write_json(&own.join("environment.json"), environment)?;
        write_json(&own.join(RECORD), record)
    }

    /// Records what a search for the largest batch found: one result for each limit that was given, and one without.
    /// A search that was interrupted does not replace one that was not.
    ///
    /// # Errors
    /// Whatever the system says, or an earlier result that cannot be read.
    pub fn end_search(
        &self,
        record: &MeasurementRecord,
        given_limit: Option<u64>,
        row: &BoundaryRow,
    ) -> Result<(), FolderError> {
        let name = given_limit.map_or_else(|| "all".to_owned(), |limit| limit.to_string());
        let path = self.own(record).join(format!("{BOUNDARY}{name}.json"));
        let earlier: Option<BoundaryRow> = read_json(&path)?;
        if row.status != Status::Ok && earlier.is_some_and(|earlier| earlier.status == Status::Ok) {
            return Ok(());
        }
        write_json(&path, row)
    }

    /// What the searches of a record found, by the names of their files.
    fn searches(&self, record: &MeasurementRecord) -> Result<Vec<BoundaryRow>, FolderError> {
        let own = self.own(record);
        let Ok(entries) = fs::read_dir(&own) else {
            return Ok(Vec::new());
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(BOUNDARY))
        });
        paths.sort();
        let rows: Result<Vec<Option<BoundaryRow>>, FolderError> = paths.iter().map(|path| read_json(path)).collect();
        Ok(rows?.into_iter().flatten().collect())
    }

    /// The environment of the first measurement, by their folders' names, whose spec is the one sought.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn environment(
        &self,
        is_sought: impl Fn(&MeasurementRecord) -> bool,
    ) -> Result<Option<Environment>, FolderError> {
        let mut found = self.recorded()?;
        found.retain(|record| is_sought(record));
        found.sort_by(|a, b| a.measurement.cmp(&b.measurement));
        match found.first() {
            Some(record) => read_json(&self.own(record).join("environment.json")),
            None => Ok(None),
        }
    }

    /// Writes `batches.csv`, `samples.csv` and `phases.csv` from the rounds, in the order of `planned`; what was
    /// measured on other devices or with other threads, by the same processor and program, follows. What is no longer
    /// planned is left out, and so is what another processor or program measured ([`Self::of_others`]).
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn derive_tables(&self, planned: &[MeasurementRecord]) -> Result<Vec<BatchRow>, FolderError> {
        let measured = self.measured(planned)?;
        let batches: Vec<BatchRow> = batch_rows(&measured);
        let samples: Vec<SampleRow> = measured.iter().flat_map(MeasurementRounds::sample_rows).collect();
        let phases: Vec<PhaseRow> = measured.iter().flat_map(MeasurementRounds::phase_rows).collect();
        self.write(&batches)?;
        self.write(&samples)?;
        self.write(&phases)?;
        Ok(batches)
    }

    /// Writes `boundaries.csv` from the searches, in the order of `planned`, the records that name each.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn derive_boundaries(&self, planned: &[MeasurementRecord]) -> Result<Vec<BoundaryRow>, FolderError> {
        let others = self.recorded()?;
        let mut rows = Vec::new();
        for record in planned {
            for own in same_cell(record, planned, &others) {
                for row in self.searches(&own)? {
                    rows.push(BoundaryRow {
                        variant: record.spec.variant.clone(),
                        ..row
                    });
                }
            }
        }
        self.write(&rows)?;
        Ok(rows)
    }

    /// Writes `profile.csv` from the rounds of the profiles that have been started, in the order of `planned`; a folder
    /// without any has no such table.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn derive_profile(&self, planned: &[MeasurementRecord]) -> Result<Vec<ProfileRow>, FolderError> {
        let mut measured = self.measured(planned)?;
        measured.retain(|measured| measured.rounds.iter().any(Option::is_some));
        let rows: Vec<ProfileRow> = measured.iter().flat_map(profile_rows).collect();
        if !rows.is_empty() || self.folder.root().join(ProfileRow::FILE).exists() {
            self.write(&rows)?;
        }
        Ok(rows)
    }

    fn write<T: Row>(&self, rows: &[T]) -> Result<(), FolderError> {
        write_whole(&self.folder.root().join(T::FILE), &tables::write_rows(rows)?)?;
        Ok(())
    }

    fn measured(&self, planned: &[MeasurementRecord]) -> Result<Vec<MeasurementRounds>, FolderError> {
        let others = self.recorded()?;
        let mut measured = Vec::new();
        for record in planned {
            for mut own in same_cell(record, planned, &others) {
                // The variant's name is the ablation's of today.
                own.spec.variant.clone_from(&record.spec.variant);
                let rounds = self.rounds(&own)?;
                measured.push(MeasurementRounds { record: own, rounds });
            }
        }
        Ok(measured)
    }

    /// The measurements that are there of these cells and of another processor or program than these.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn of_others(&self, planned: &[MeasurementRecord]) -> Result<Vec<MeasurementRecord>, FolderError> {
        let mut recorded = self.recorded()?;
        recorded.retain(|record| {
            planned.iter().any(|own| own.cell == record.cell) && !planned.iter().any(|own| own.is_comparable(record))
        });
        Ok(recorded)
    }

    /// Every measurement that has been started.
    ///
    /// # Errors
    /// Whatever the system says, or a file that cannot be read.
    pub fn recorded(&self) -> Result<Vec<MeasurementRecord>, FolderError> {
        let all = self.all();
        let entries = match fs::read_dir(&all) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(named(&all, &error).into()),
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| named(&all, &error))?.path().join(RECORD);
            records.extend(read_json::<MeasurementRecord>(&path)?);
        }
        // A folder's order is the system's.
        records.sort_by(|a, b| (&a.spec.device, a.spec.threads).cmp(&(&b.spec.device, b.spec.threads)));
        Ok(records)
    }
}

fn are_whole(rounds: &[Option<RoundResult>]) -> bool {
    let is_good = |round: &Option<RoundResult>| round.as_ref().is_some_and(|round| round.status == Status::Ok);
    rounds.iter().all(is_good)
}

const RECORD: &str = "measurement.json";
const BOUNDARY: &str = "boundary-";

fn round_file(round: usize) -> String {
    format!("round-{round}.json")
}

/// A planned measurement, as recorded if it has been started, and those of the same cell on other devices or with other
/// threads that no other variant has planned for itself.
fn same_cell(
    of: &MeasurementRecord,
    planned: &[MeasurementRecord],
    recorded: &[MeasurementRecord],
) -> Vec<MeasurementRecord> {
    let is_planned = |record: &MeasurementRecord| planned.iter().any(|other| other.measurement == record.measurement);
    let (own, others): (Vec<_>, Vec<_>) = recorded
        .iter()
        .filter(|record| of.is_comparable(record))
        .filter(|record| record.measurement == of.measurement || !is_planned(record))
        .cloned()
        .partition(|record| record.measurement == of.measurement);
    let own = own.into_iter().next().unwrap_or_else(|| of.clone());
    [own].into_iter().chain(others).collect()
}
