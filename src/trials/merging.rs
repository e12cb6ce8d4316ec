//! Joining result folders: the trials and measurements of several become those of one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{FolderError, ResultFolder, create_all, read_if_there};
use super::record::{TrialRecord, TrialResult};
use crate::files::named;
use crate::formats::tables::{CorrectnessRow, Row, Status, StepRow};

/// What a folder has of a trial.
struct Version<'a> {
    folder: &'a ResultFolder,
    record: TrialRecord,
    result: Option<TrialResult>,
    saved_steps: usize,
}

/// What merging comes to, before anything is copied.
pub struct Merging<'a> {
    into: &'a ResultFolder,
    /// Folders to be copied, each with where it goes.
    copies: Vec<(PathBuf, PathBuf)>,
    /// The trials that the folder will have.
    pub trials: usize,
    /// Of them those that have ended well.
    pub finished: usize,
    /// The measurements that it will have.
    pub measurements: usize,
}

/// The names in a trial's folder that are no part of the trial.
fn is_left_out(name: &str) -> bool {
    name == ".lock" || name.starts_with(".writing-")
}

impl<'a> Merging<'a> {
    /// Finds which folder each trial and each measurement is taken from; `into` is one of them, before the others. Of a trial that
    /// several have, one that has ended well is taken, else the one with the most saved steps; of a measurement the one with
    /// the most rounds.
    ///
    /// # Errors
    /// Two different results of one trial, or one trial on two different data; a record that cannot be read.
    pub fn of(sources: &'a [ResultFolder], into: &'a ResultFolder) -> Result<Self, FolderError> {
        let mut trials: BTreeMap<String, Version<'a>> = BTreeMap::new();
        for folder in std::iter::once(into).chain(sources) {
            for id in names_in(&folder.root().join("trials"))? {
                let Some(other) = Version::of(folder, &id)? else {
                    continue;
                };
                match trials.get_mut(&id) {
                    None => drop(trials.insert(id, other)),
                    Some(version) => {
                        version.check_same(&other)?;
                        if other.rank() > version.rank() {
                            *version = other;
                        }
                    }
                }
            }
        }
        let mut measurements: BTreeMap<String, (usize, &ResultFolder)> = BTreeMap::new();
        for folder in std::iter::once(into).chain(sources) {
            let all = folder.root().join("measurements");
            for id in names_in(&all)? {
                let files = names_in(&all.join(&id))?.len();
                let there = measurements.entry(id).or_insert((files, folder));
                if files > there.0 {
                    *there = (files, folder);
                }
            }
        }
        let is_elsewhere = |folder: &ResultFolder| folder.root() != into.root();
        let of_trials = trials.iter().filter(|(_, version)| is_elsewhere(version.folder));
        let of_trials = of_trials.map(|(id, version)| (version.folder.trial(id), into.trial(id)));
        let of_measurements = measurements.iter().filter(|(_, (_, folder))| is_elsewhere(folder));
        let of_measurements = of_measurements.map(|(id, (_, folder))| {
            let of = |folder: &ResultFolder| folder.root().join("measurements").join(id);
            (of(folder), of(into))
        });
        Ok(Self {
            into,
            copies: of_trials.chain(of_measurements).collect(),
            trials: trials.len(),
            finished: trials.values().filter(|version| version.is_finished()).count(),
            measurements: measurements.len(),
        })
    }

    /// Copies what is taken from elsewhere; `progress` is told how many of how many folders have been. Each appears whole, in
    /// place of the one that it is taken instead of.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn copy(&self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), FolderError> {
        for (index, (from, to)) in self.copies.iter().enumerate() {
            progress(index, self.copies.len());
            create_all(to.parent().unwrap_or(self.into.root()))?;
            let half = to.with_extension("merging");
            remove(&half)?;
            copy_folder(from, &half)?;
            remove(to)?;
            fs::rename(&half, to).map_err(|error| named(to, &error))?;
        }
        Ok(())
    }
}

impl<'a> Version<'a> {
    fn of(folder: &'a ResultFolder, id: &str) -> Result<Option<Self>, FolderError> {
        let Some(record) = folder.record(id)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            folder,
            result: folder.result(id)?,
            saved_steps: folder.checkpoints(id).steps()?.unwrap_or(0),
            record,
        }))
    }

    fn is_finished(&self) -> bool {
        self.result.as_ref().is_some_and(|result| result.status == Status::Ok)
    }

    /// The higher, the more of the trial is there.
    fn rank(&self) -> (bool, usize, bool) {
        (self.is_finished(), self.saved_steps, self.result.is_some())
    }

    /// Checks that two versions of a trial are one: the same data, and of two that have ended well the same result.
    fn check_same(&self, other: &Self) -> Result<(), FolderError> {
        let record = &self.record;
        let fault = |rule: String| FolderError::Broken {
            file: other.folder.trial(&record.trial).display().to_string(),
            rule: format!("{} seed {} {rule}", record.variant, record.seed),
            remedy: "find out which is right, and remove the other trial's folder".to_owned(),
        };
        let own = self.folder.trial(&record.trial);
        if record.data_fingerprint != other.record.data_fingerprint {
            let rule = format!("was trained on other data than in {}", own.display());
            return Err(fault(rule));
        }
        let (Some(one), Some(two)) = (&self.result, &other.result) else {
            return Ok(());
        };
        if !(self.is_finished() && other.is_finished()) {
            return Ok(());
        }
        let differing = match () {
            () if one.weights_sha256 != two.weights_sha256 => "weights",
            () if numbers(one) != numbers(two) => "final numbers",
            () if self.bytes_of(StepRow::FILE)? != other.bytes_of(StepRow::FILE)? => "steps",
            () if self.bytes_of(CorrectnessRow::FILE)? != other.bytes_of(CorrectnessRow::FILE)? => "answers",
            () => return Ok(()),
        };
        let rule = format!("has another result than in {}: its {differing} differ", own.display());
        Err(fault(rule))
    }

    fn bytes_of(&self, file: &str) -> Result<Option<Vec<u8>>, FolderError> {
        read_if_there(&self.folder.trial(&self.record.trial).join(file), u64::MAX)
    }
}

/// The numbers of a result that repeat to the last bit, as bits.
fn numbers(result: &TrialResult) -> [Option<u64>; 6] {
    [
        result.final_train_loss,
        result.final_train_error,
        result.final_validation_loss,
        result.final_validation_error,
        result.final_test_loss,
        result.final_test_error,
    ]
    .map(|number| number.map(f64::to_bits))
}

/// The names of a folder's entries, in order; none where it is not there. What a copy was being made of is no entry.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named(folder, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| named(folder, &error))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !is_left_out(&name) && !name.ends_with(".merging") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(folder, &error)),
        _ => Ok(()),
    }
}

/// Copies a folder with all that is in it. Links are left out: no run makes any.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to).map_err(|error| named(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| named(from, &error))? {
        let entry = entry.map_err(|error| named(from, &error))?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let (from, to) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            copy_folder(&from, &to)?;
        } else if kind.is_file() && !is_left_out(&name.to_string_lossy()) {
            fs::copy(&from, &to).map_err(|error| named(&from, &error))?;
        }
    }
    Ok(())
}
