//! The result folder as `run` takes it up: held, set aside where asked, checked against what is to go on.

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::tables::Status;
use densenet_bench::host::Environment;
use densenet_bench::trials::{FolderError, Lock, ResultFolder, Trial};

use crate::commands::{Failure, say};

/// Holds the result folder, emptied for `--fresh`, until the value is dropped.
pub fn hold(folder: &ResultFolder, fresh: bool) -> Result<Lock, Failure> {
    let there = folder.root().exists();
    let held = folder.hold().map_err(unusable)?;
    if !(fresh && there) {
        return Ok(held);
    }
    if let Some(aside) = folder.set_aside().map_err(unusable)? {
        say(&format!("the old results are kept in {}", aside.display()));
    }
    folder.hold().map_err(unusable)
}

/// A result folder that cannot be used before anything has been started.
pub fn unusable(error: FolderError) -> Failure {
    Failure::Input(match error {
        FolderError::System(error) => format!("{error}; or name a folder that can be written with --out"),
        error => error.to_string(),
    })
}

/// The trials that have no final numbers yet. A finished one on other data is an error: its numbers are another
/// experiment's. So is one that was begun where its numbers could not be gone on with.
pub fn unfinished<'a>(
    folder: &ResultFolder,
    trials: &[&'a Trial],
    environment: &Environment,
    device: BackendDevice,
) -> Result<Vec<&'a Trial>, Failure> {
    let mut todo = Vec::new();
    for trial in trials {
        let id = &trial.record.trial;
        if !folder.has_status(id, Status::Ok).map_err(Failure::input)? {
            let record = &trial.record;
            let surroundings = environment.of_process(device, &record.settings.run, record.threads);
            let going_on = folder.check_going_on(record, &surroundings);
            going_on.map_err(Failure::input)?;
            todo.push(*trial);
            continue;
        }
        // A process that was killed between its result and this has left them.
        let _ = folder.checkpoints(id).remove();
        let record = folder.record(id).map_err(Failure::input)?;
        if record.is_some_and(|record| record.data_fingerprint != trial.record.data_fingerprint) {
            return Err(Failure::Input(format!(
                "{}: trial {id} ({}, seed {}) was trained on other data than are there now; start over with --fresh",
                folder.root().display(),
                trial.record.variant,
                trial.record.seed
            )));
        }
    }
    Ok(todo)
}
