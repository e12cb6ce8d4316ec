//! The status of a folder's trials, without their data: planned, started, running, ended or stale.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::claims::Claimant;
use super::experiment::Trial;
use super::folder::{FolderError, RECORD, ResultFolder};
use super::identity::identity;
use super::record::{TrialRecord, TrialResult};
use crate::files::named;
use crate::formats::ablation::{Ablation, Settings};

/// One trial of a folder or of its ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialStatus {
    /// Its identity; none where it is not known before the start, since it follows from a file of weights.
    pub trial: Option<String>,
    /// The variant's name, the ablation's of today.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// What it was started with, if it was.
    pub record: Option<TrialRecord>,
    /// How it ended, if it has.
    pub result: Option<TrialResult>,
    /// Steps before its newest checkpoint.
    pub saved_steps: Option<usize>,
    /// Who has claimed it.
    pub holder: Option<Claimant>,
    /// Whether the ablation no longer has it. It is kept, and not run again.
    pub stale: bool,
}

/// The trials of an ablation in its order, and then those that the folder has of earlier versions of it; `holders` are those
/// of the folder's claims. What cannot be read is reported to `report`, and the others are returned.
///
/// # Errors
/// A folder that cannot be read.
pub fn overview(
    folder: &ResultFolder,
    ablation: &Ablation,
    holders: &BTreeMap<String, Claimant>,
    report: &mut dyn FnMut(String),
) -> Result<Vec<TrialStatus>, FolderError> {
    let mut started = started_trials(folder, report)?;
    let mut trials = Vec::new();
    for variant in &ablation.variants {
        let seeds = variant.settings.train.as_ref().map_or(&[][..], |train| &train.seeds);
        for &seed in seeds {
            let id = planned_identity(&variant.settings, seed, &started);
            let record = id.as_ref().and_then(|id| started.remove(id));
            let trial = TrialStatus {
                trial: id.clone(),
                variant: variant.name.clone(),
                seed,
                ..of(folder, id.as_deref(), record, holders, report)
            };
            trials.push(trial);
        }
    }
    for (id, record) in started {
        let trial = TrialStatus {
            stale: true,
            variant: record.variant.clone(),
            seed: record.seed,
            ..of(folder, Some(&id), Some(record), holders, report)
        };
        trials.push(trial);
    }
    Ok(trials)
}

/// The trials that a folder has and `planned` has not.
pub fn count_stale(folder: &ResultFolder, planned: &[Trial]) -> usize {
    let planned: BTreeSet<&str> = planned.iter().map(|trial| trial.record.trial.as_str()).collect();
    let entries = fs::read_dir(folder.root().join("trials"))
        .into_iter()
        .flatten()
        .flatten();
    let started = entries.filter(|entry| entry.path().join(RECORD).is_file());
    started
        .filter(|entry| !entry.file_name().to_str().is_some_and(|name| planned.contains(name)))
        .count()
}

fn of(
    folder: &ResultFolder,
    id: Option<&str>,
    record: Option<TrialRecord>,
    holders: &BTreeMap<String, Claimant>,
    report: &mut dyn FnMut(String),
) -> TrialStatus {
    let started = id.filter(|_| record.is_some());
    let result = started
        .map_or(Ok(None), |id| folder.result(id))
        .unwrap_or_else(|error| {
            report(error.to_string());
            None
        });
    TrialStatus {
        trial: id.map(str::to_owned),
        variant: String::new(),
        seed: 0,
        result,
        saved_steps: started.and_then(|id| folder.checkpoints(id).steps().ok().flatten()),
        holder: id.and_then(|id| holders.get(id)).cloned(),
        record,
        stale: false,
    }
}

/// The identity of a variant's trial. Where it starts from a file of weights, that of one which was started with the same
/// settings.
fn planned_identity(settings: &Settings, seed: u64, started: &BTreeMap<String, TrialRecord>) -> Option<String> {
    if settings.weights.is_none() {
        return Some(identity(settings, seed, None));
    }
    let checksums = started.values().map(|record| record.starting_weights_sha256.as_deref());
    let identities = checksums.map(|checksum| identity(settings, seed, checksum));
    identities.into_iter().find(|id| started.contains_key(id))
}

/// The records of all trials that have been started, whatever the ablation is today.
fn started_trials(
    folder: &ResultFolder,
    report: &mut dyn FnMut(String),
) -> Result<BTreeMap<String, TrialRecord>, FolderError> {
    let all = folder.root().join("trials");
    let entries = match fs::read_dir(&all) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(named(&all, &error).into()),
    };
    let mut records = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        if !entry.path().is_dir() {
            continue;
        }
        let id = entry.file_name().to_string_lossy().into_owned();
        match folder.record(&id) {
            Ok(Some(record)) => drop(records.insert(id, record)),
            Ok(None) => {}
            Err(error) => report(error.to_string()),
        }
    }
    Ok(records)
}
