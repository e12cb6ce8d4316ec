//! A result folder: the ablation as run, and a folder for each trial.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::checkpoints::Checkpoints;
use super::lock::{Lock, LockError};
use super::record::{TrialRecord, TrialResult};
use crate::files::{named, read_bounded, remove_unfinished, sync_parent, write_whole};
use crate::formats::ablation::FormatError;
use crate::formats::tables::{self, Status};
use crate::host::{Difference, Environment};

/// Why a result folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refuses; the path is in the message.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Another run holds the folder.
    #[error(
        "{folder}: another `densenet-bench run` is running in this folder ({holder}); wait for it, or choose another --out"
    )]
    Held {
        /// The folder.
        folder: String,
        /// Who holds it: host, process, since when.
        holder: String,
    },
    /// The ablation that the folder keeps breaks a rule of its format.
    #[error("{0}")]
    Ablation(#[from] FormatError),
    /// A file that densenet-bench wrote is damaged.
    #[error("{file}: {rule}; {remedy}")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        rule: String,
        /// What to do.
        remedy: String,
    },
}

/// The run's environment: at the top that of the last run that trained, in a trial's folder its own.
pub(super) const ENVIRONMENT: &str = "environment.json";

pub(super) const RECORD: &str = "trial.json";
pub(super) const RESULT: &str = "result.json";
pub(super) const WEIGHTS: &str = "weights.safetensors";

/// How long a process that is being killed may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `scripts/compare-pytorch` leaves.
const COMPARISON: [&str; 3] = ["peers.csv", "peer_samples.csv", "peers.md"];

/// `results/NAME/`.
#[derive(Clone, Debug)]
pub struct ResultFolder {
    root: PathBuf,
}

impl ResultFolder {
    /// The folder of an ablation under `out`; nothing is created yet.
    pub fn new(out: &Path, ablation: &str) -> Self {
        Self {
            root: out.join(ablation),
        }
    }

    /// A folder that is already there.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ablation as it was run.
    pub(super) fn ablation_file(&self) -> PathBuf {
        self.root.join("ablation.toml")
    }

    /// `trials/ID/`.
    pub fn trial(&self, trial: &str) -> PathBuf {
        self.root.join("trials").join(trial)
    }

    /// The weights that a trial has ended with.
    pub fn weights(&self, trial: &str) -> PathBuf {
        self.trial(trial).join(WEIGHTS)
    }

    /// Whether the folder keeps another ablation than this.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn keeps_another(&self, ablation: &str) -> Result<bool, FolderError> {
        let before = read_if_there(&self.ablation_file(), LONGEST_RECORD)?;
        Ok(before.is_some_and(|before| before != ablation.as_bytes()))
    }

    /// Creates the folder and keeps the ablation file as it was run. Where that is another than before, a comparison
    /// with PyTorch is set aside, since nothing in it could be derived anew.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn create(&self, ablation: &str) -> Result<(), FolderError> {
        create_all(&self.root.join("trials"))?;
        if self.keeps_another(ablation)? {
            self.set_comparison_aside()?;
        }
        write_whole(&self.ablation_file(), ablation.as_bytes())?;
        Ok(())
    }

    /// Moves a comparison with PyTorch to `peers.1`, `peers.2`, …: it is another ablation's now.
    fn set_comparison_aside(&self) -> Result<(), FolderError> {
        let there = COMPARISON
            .map(|name| self.root.join(name))
            .into_iter()
            .filter(|path| path.exists());
        let there: Vec<PathBuf> = there.collect();
        let free = (1u32..)
            .map(|number| self.root.join(format!("peers.{number}")))
            .find(|path| !path.exists());
        if let (false, Some(aside)) = (there.is_empty(), free) {
            create_all(&aside)?;
            for path in there {
                let name = path.file_name().unwrap_or_default();
                fs::rename(&path, aside.join(name)).map_err(|error| named(&path, &error))?;
            }
        }
        Ok(())
    }

    /// Holds a trial's folder as its process does. The process of a run that was killed ends at once, but not before it:
    /// it is waited for.
    ///
    /// # Errors
    /// Another process is running the trial, or whatever the system says.
    pub fn hold_trial(&self, trial: &str) -> Result<Lock, FolderError> {
        let folder = self.trial(trial);
        let lock = Lock::take_within(&folder, PATIENCE).map_err(|error| self.held_or(error))?;
        remove_unfinished(&folder, Duration::ZERO);
        remove_unfinished(&folder.join("checkpoints"), Duration::ZERO);
        Ok(lock)
    }

    pub(super) fn held_or(&self, error: LockError) -> FolderError {
        match error {
            LockError::Held(holder) => FolderError::Held {
                folder: self.root.display().to_string(),
                holder: holder.to_string(),
            },
            LockError::System(error) => error.into(),
        }
    }

    /// Moves an older folder of that name aside, to `NAME.1`, `NAME.2`, …; returns the new path.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn set_aside(&self) -> Result<Option<PathBuf>, FolderError> {
        if !self.root.exists() {
            return Ok(None);
        }
        let aside = (1u32..)
            .map(|number| self.root.with_extension(number.to_string()))
            .find(|path| !path.exists())
            .ok_or_else(|| io::Error::other(format!("{}: no name is left to set it aside", self.root.display())))?;
        fs::rename(&self.root, &aside).map_err(|error| named(&self.root, &error))?;
        Ok(Some(aside))
    }

    /// Starts or resumes a trial: its folder has its record, and no result. One that has no checkpoint starts over.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin(&self, record: &TrialRecord, environment: &Environment) -> Result<(), FolderError> {
        let folder = self.trial(&record.trial);
        if self.resumable(&record.trial)?.is_some() {
            self.forget_result(&record.trial)?;
        } else {
            if folder.exists() {
                // The process of a run that was killed just now may still be writing there.
                drop(self.hold_trial(&record.trial)?);
            }
            remove_all(&folder)?;
            create_all(&folder)?;
            sync_parent(&folder).map_err(|error| named(&folder, &error))?;
            write_json(&folder.join(ENVIRONMENT), environment)?;
        }
        write_json(&folder.join(RECORD), record)
    }

    /// The record of a trial that has a checkpoint to resume from.
    fn resumable(&self, trial: &str) -> Result<Option<TrialRecord>, FolderError> {
        match self.checkpoints(trial).exist()? {
            true => self.record(trial),
            false => Ok(None),
        }
    }

    /// Removes a trial's result: it is running again.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn forget_result(&self, trial: &str) -> Result<(), FolderError> {
        let path = self.trial(trial).join(RESULT);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&path, &error).into()),
            _ => Ok(()),
        }
    }

    /// A trial's checkpoints.
    pub fn checkpoints(&self, trial: &str) -> Checkpoints {
        Checkpoints::of(&self.trial(trial))
    }

    /// Whether this program, on this machine and with these data, may resume a trial: only where the numbers would be
    /// those of a trial that was never stopped.
    ///
    /// # Errors
    /// What differs, and what resumes the trial; or a record that cannot be read.
    pub fn check_can_resume(&self, record: &TrialRecord, environment: &Environment) -> Result<(), FolderError> {
        let Some(started) = self.resumable(&record.trial)? else {
            return Ok(());
        };
        let folder = self.trial(&record.trial);
        let environment_then = self.trial_environment(&record.trial)?;
        let mut differences = started.differences(record);
        if let Some(then) = environment_then {
            differences.extend(then.machine_differences(environment));
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(FolderError::Broken {
            file: folder.display().to_string(),
            rule: format!(
                "{} seed {} was started {}; resuming here would mix results of both",
                record.variant,
                record.seed,
                Difference::all_in_words(&differences)
            ),
            remedy: format!(
                "resume it {}, remove this folder to start the trial over, or start all over with --fresh",
                Difference::way_of_all(&differences)
            ),
        })
    }

    /// Records the run's environment at the top.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn record_environment(&self, environment: &Environment) -> Result<(), FolderError> {
        write_json(&self.root.join(ENVIRONMENT), environment)
    }

    /// Takes over the environment at the top of another folder where this one has none: that of the last run that started.
    ///
    /// # Errors
    /// A file that cannot be read, or whatever the system says.
    pub fn adopt_environment(&self, others: &[Self]) -> Result<(), FolderError> {
        if self.environment()?.is_some() {
            return Ok(());
        }
        let mut environments = Vec::new();
        for other in others {
            environments.extend(other.environment()?);
        }
        environments.sort_by(|one, two| one.started.cmp(&two.started));
        environments.last().map_or(Ok(()), |last| self.record_environment(last))
    }

    /// The environment of the last run that trained or measured something.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn environment(&self) -> Result<Option<Environment>, FolderError> {
        read_json(&self.root.join(ENVIRONMENT))
    }

    /// The environment in which a trial was started.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn trial_environment(&self, trial: &str) -> Result<Option<Environment>, FolderError> {
        read_json(&self.trial(trial).join(ENVIRONMENT))
    }

    /// The record of a trial that has been started.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn record(&self, trial: &str) -> Result<Option<TrialRecord>, FolderError> {
        read_json(&self.trial(trial).join(RECORD))
    }

    /// How a trial ended, if it has.
    ///
    /// # Errors
    /// A result that cannot be read.
    pub fn result(&self, trial: &str) -> Result<Option<TrialResult>, FolderError> {
        read_json(&self.trial(trial).join(RESULT))
    }

    /// Records how a trial ended.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn end(&self, trial: &str, result: &TrialResult) -> Result<(), FolderError> {
        write_json(&self.trial(trial).join(RESULT), result)
    }

    /// Whether a trial has a result of this status.
    ///
    /// # Errors
    /// A result that cannot be read.
    pub fn has_status(&self, trial: &str, status: Status) -> Result<bool, FolderError> {
        Ok(self.result(trial)?.is_some_and(|result| result.status == status))
    }
}

impl From<tables::TableError> for FolderError {
    fn from(error: tables::TableError) -> Self {
        FolderError::System(io::Error::other(error))
    }
}

pub(super) fn create_all(path: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(|error| named(path, &error))?;
    Ok(())
}

fn remove_all(path: &Path) -> Result<(), FolderError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(path, &error).into()),
        _ => Ok(()),
    }
}

/// Records are some kilobytes; those of a measurement hold every step's time.
const LONGEST_RECORD: u64 = 64 << 20;

pub(super) fn read_if_there(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, FolderError> {
    match read_bounded(path, longest) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path, &error).into()),
    }
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    text.push(b'\n');
    write_whole(path, &text)?;
    Ok(())
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    let Some(bytes) = read_if_there(path, LONGEST_RECORD)? else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&bytes).map_err(|error| FolderError::Broken {
        file: path.display().to_string(),
        rule: format!("it cannot be read ({error})"),
        remedy: "remove this file and run again".to_owned(),
    })?;
    Ok(Some(value))
}
