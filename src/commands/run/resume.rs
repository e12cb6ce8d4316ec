//! The result folder as `run` finds it: locked, set aside where asked, checked against the trials to be resumed.

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::tables::Status;
use densenet_bench::host::Environment;
use densenet_bench::trials::{FolderError, Membership, ResultFolder, Sharing, Trial, foreign_file};

use super::{Failure, say};

/// Joins the result folder, emptied for `--fresh`, until the value is dropped.
pub fn join(folder: &ResultFolder, sharing: Sharing, doing: &str, fresh: bool) -> Result<Membership, Failure> {
    let there = folder.root().exists();
    if let Some(file) = foreign_file(folder.root()).filter(|_| !fresh) {
        return Err(Failure::Input(format!(
            "{}: this file would be replaced, and its folder has no ablation.toml, so no run has made it; name another folder with \
             --out, or move the file away",
            file.display()
        )));
    }
    let joined = folder.join(sharing, doing).map_err(unusable)?;
    if !(fresh && there) {
        return Ok(joined);
    }
    if let Some(aside) = folder.set_aside().map_err(unusable)? {
        say(&format!("the old results are kept in {}", aside.display()));
    }
    folder.join(sharing, doing).map_err(unusable)
}

/// A result folder that cannot be used before anything has been started.
pub fn unusable(error: FolderError) -> Failure {
    Failure::Input(match error {
        FolderError::System(error) => {
            let error = error.to_string();
            // An error of the system's may come with a remedy of its own.
            let or = if error.contains("; ") { "or " } else { "" };
            format!("{error}; {or}name a folder that can be written with --out")
        }
        error => error.to_string(),
    })
}

/// The indices of the trials that have no final numbers yet. A finished one on other data is an error: its numbers are
/// another experiment's. Also an error: a started trial that cannot be resumed here with identical results.
pub fn unfinished(
    folder: &ResultFolder,
    trials: Vec<(usize, &Trial)>,
    environment: &Environment,
    device: BackendDevice,
) -> Result<Vec<usize>, Failure> {
    let mut todo = Vec::new();
    for (index, trial) in trials {
        let record = &trial.record;
        if is_finished(folder, trial)? {
            // A process that was killed between its result and this has left them.
            let _ = folder.checkpoints(&record.trial).remove();
            continue;
        }
        let here = environment.of_process(device, &record.settings.run, record.threads);
        folder.check_can_resume(record, &here).map_err(Failure::input)?;
        todo.push(index);
    }
    Ok(todo)
}

/// The same in a folder that several runs share. Whether a trial can be resumed here is asked when its turn comes: another
/// machine may be at it, and one that cannot be does not keep the others.
pub fn left_of_shared(folder: &ResultFolder, trials: Vec<(usize, &Trial)>) -> Result<Vec<usize>, Failure> {
    let mut todo = Vec::new();
    for (index, trial) in trials {
        if !is_finished(folder, trial)? {
            todo.push(index);
        }
    }
    Ok(todo)
}

fn is_finished(folder: &ResultFolder, trial: &Trial) -> Result<bool, Failure> {
    let record = &trial.record;
    let id = &record.trial;
    if !folder.has_status(id, Status::Ok).map_err(Failure::input)? {
        return Ok(false);
    }
    let recorded = folder.record(id).map_err(Failure::input)?;
    if recorded.is_some_and(|recorded| recorded.data_fingerprint != record.data_fingerprint) {
        return Err(Failure::Input(format!(
            "{}: trial {id} ({}, seed {}) was trained on other data; start over with --fresh",
            folder.root().display(),
            record.variant,
            record.seed
        )));
    }
    Ok(true)
}
