//! `export`: a trial's weights as safetensors with torchvision's names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::formats::tables::Status;
use densenet_bench::formats::weights;
use densenet_bench::trials::{ResultFolder, TrialRecord, sha256, starting_weights};

use super::{Failure, Outcome, output_at};

/// Export a trial's weights as safetensors, with torchvision's names
#[derive(Args)]
#[command(after_help = "\
Example:
  densenet-bench export results/growth/trials/0123456789abcdef --weights k12.safetensors")]
pub struct Arguments {
    /// The trial's folder, results/NAME/trials/ID
    trial: PathBuf,
    /// The file to write; - is standard output
    #[arg(long, value_name = "OUT.safetensors")]
    weights: PathBuf,
    /// The weights that training started from, rather than those it ended with
    #[arg(long)]
    initial: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let output = output_at(&arguments.weights, &[])?;
    let (folder, id) = located(&arguments.trial)?;
    let record = folder
        .record(&id)
        .map_err(Failure::input)?
        .ok_or_else(|| no_trial(&arguments.trial))?;
    let bytes = if arguments.initial {
        initial(&record)?
    } else {
        let result = folder.result(&id).map_err(Failure::input)?;
        if result.as_ref().is_none_or(|result| result.status != Status::Ok) {
            return Err(Failure::Input(format!(
                "{}: the trial has not finished, so it has no final weights; run it first, or add --initial",
                arguments.trial.display()
            )));
        }
        let path = folder.weights(&id);
        let again = |rule: String| {
            let own = folder.trial(&id);
            let remedy = format!("remove {} and run again", own.display());
            Failure::Input(format!("{}: {rule}; {remedy}", path.display()))
        };
        let bytes = std::fs::read(&path).map_err(|error| again(error.to_string()))?;
        if result.is_some_and(|result| result.weights_sha256 != sha256(&bytes)) {
            return Err(again(
                "its checksum is not the recorded one: the file was changed or damaged".to_owned(),
            ));
        }
        bytes
    };
    output.write(&bytes).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
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

fn initial(record: &TrialRecord) -> Result<Vec<u8>, Failure> {
    let graph = record
        .settings
        .model
        .graph(record.input, record.classes)
        .map_err(Failure::input)?;
    let initial = starting_weights(
        &record.settings,
        record.starting_weights_sha256.as_deref(),
        record.seed,
        &graph,
    )
    .map_err(Failure::input)?;
    weights::write(&initial).map_err(Failure::work)
}
