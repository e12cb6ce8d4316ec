//! A trial that a verb is given by its folder, and the weights that it has ended with.

use std::path::{Path, PathBuf};

use densenet_bench::formats::tables::Status;
use densenet_bench::trials::{ResultFolder, TrialRecord, sha256};

use super::failure::Failure;

/// A trial of a result folder.
pub struct NamedTrial {
    /// The path that the user wrote.
    named: PathBuf,
    /// The result folder.
    pub folder: ResultFolder,
    /// The trial's identity.
    pub id: String,
    /// What the trial is.
    pub record: TrialRecord,
}

impl NamedTrial {
    /// The trial of a folder, `results/NAME/trials/ID`.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        let (folder, id) = located(path)?;
        let record = folder
            .record(&id)
            .map_err(Failure::input)?
            .ok_or_else(|| no_trial(path))?;
        Ok(Self {
            named: path.to_owned(),
            folder,
            id,
            record,
        })
    }

    /// The safetensors bytes of the weights that it has ended with, their checksum verified. `remedy` is for a trial that
    /// has not finished.
    pub fn final_weights(&self, remedy: &str) -> Result<Vec<u8>, Failure> {
        let result = self.folder.result(&self.id).map_err(Failure::input)?;
        if result.as_ref().is_none_or(|result| result.status != Status::Ok) {
            return Err(Failure::Input(format!(
                "{}: the trial has not finished, so it has no final weights; {remedy}",
                self.named.display()
            )));
        }
        let path = self.folder.weights(&self.id);
        let again = |rule: String| {
            let own = self.folder.trial(&self.id);
            let remedy = format!("remove {} and run again", own.display());
            Failure::Input(format!("{}: {rule}; {remedy}", path.display()))
        };
        let bytes = std::fs::read(&path).map_err(|error| again(error.to_string()))?;
        if result.is_some_and(|result| result.weights_sha256 != sha256(&bytes)) {
            return Err(again(
                "its checksum is not the recorded one: the file was changed or damaged".to_owned(),
            ));
        }
        Ok(bytes)
    }
}

/// A trial's folder, split into the result folder and the trial's identity.
fn located(trial: &Path) -> Result<(ResultFolder, String), Failure> {
    let canonical = trial.canonicalize().map_err(|_| no_trial(trial))?;
    let id = canonical.file_name().map(|name| name.to_string_lossy().into_owned());
    let trials = canonical.parent().filter(|folder| folder.ends_with("trials"));
    let root = trials.and_then(Path::parent);
    match (root, id) {
        (Some(root), Some(id)) => Ok((ResultFolder::at(root), id)),
        _ => Err(no_trial(trial)),
    }
}

fn no_trial(trial: &Path) -> Failure {
    Failure::Input(format!(
        "{}: this is not a trial's folder; name one, such as results/NAME/trials/ID (`run --list` prints the IDs)",
        trial.display()
    ))
}
