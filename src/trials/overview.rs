//! How the trials of a folder stand, without their data: which are planned, begun, at work, ended, and which are stale.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::folder::{FolderError, ResultFolder};
use super::identity::identity;
use super::lock::Holder;
use super::record::{TrialRecord, TrialResult};
use crate::formats::ablation::{Ablation, Settings};

/// One trial of a folder or of its ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its identity; none where that cannot be told before it is begun, since it follows from a file of weights.
    pub trial: Option<String>,
    /// The variant's name, the ablation's of today.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// What it began with, if it has begun.
    pub record: Option<TrialRecord>,
    /// How it ended, if it has.
    pub result: Option<TrialResult>,
    /// Steps that its newest checkpoint stands after.
    pub saved_steps: Option<usize>,
    /// The process at work on it.
    pub holder: Option<Holder>,
    /// Whether the ablation has it no more. It is kept, and not run again.
    pub stale: bool,
}

/// The trials of an ablation in its order, and then those that the folder has of earlier versions of it. What cannot be
/// read is told to `report`, and the others are there.
///
/// # Errors
/// A folder that cannot be read.
pub fn overview(
    folder: &ResultFolder,
    ablation: &Ablation,
    report: &mut dyn FnMut(String),
) -> Result<Vec<Standing>, FolderError> {
    let mut begun = begun_trials(folder, report)?;
    let mut standings = Vec::new();
    for variant in &ablation.variants {
        let seeds = variant.settings.train.as_ref().map_or(&[][..], |train| &train.seeds);
        for &seed in seeds {
            let id = planned_identity(&variant.settings, seed, &begun);
            let record = id.as_ref().and_then(|id| begun.remove(id));
            let standing = Standing {
                trial: id.clone(),
                variant: variant.name.clone(),
                seed,
                ..of(folder, id.as_deref(), record, report)
            };
            standings.push(standing);
        }
    }
    for (id, record) in begun {
        let standing = Standing {
            stale: true,
            variant: record.variant.clone(),
            seed: record.seed,
            ..of(folder, Some(&id), Some(record), report)
        };
        standings.push(standing);
    }
    Ok(standings)
}

fn of(
    folder: &ResultFolder,
    id: Option<&str>,
    record: Option<TrialRecord>,
    report: &mut dyn FnMut(String),
) -> Standing {
    let begun = id.filter(|_| record.is_some());
    let result = begun.map_or(Ok(None), |id| folder.result(id)).unwrap_or_else(|error| {
        report(error.to_string());
        None
    });
    Standing {
        trial: id.map(str::to_owned),
        variant: String::new(),
        seed: 0,
        result,
        saved_steps: begun.and_then(|id| folder.checkpoints(id).steps().ok().flatten()),
        holder: begun.and_then(|id| Holder::of(&folder.trial(id))),
        record,
        stale: false,
    }
}

/// The identity of a variant's trial. Where it starts from a file of weights, that of one which has begun with the same
/// settings.
fn planned_identity(settings: &Settings, seed: u64, begun: &BTreeMap<String, TrialRecord>) -> Option<String> {
    if settings.weights.is_none() {
        return Some(identity(settings, seed, None));
    }
    let sums = begun.values().map(|record| record.starting_weights_sha256.as_deref());
    let identities = sums.map(|sum| identity(settings, seed, sum));
    identities.into_iter().find(|id| begun.contains_key(id))
}

/// The records of all trials that have begun, whatever the ablation is today.
fn begun_trials(
    folder: &ResultFolder,
    report: &mut dyn FnMut(String),
) -> Result<BTreeMap<String, TrialRecord>, FolderError> {
    let all = folder.root().join("trials");
    let entries = match fs::read_dir(&all) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(super::files::named(&all, &error).into()),
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
