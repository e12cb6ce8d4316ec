//! `export`: a trial's weights as safetensors with torchvision's names.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::formats::weights;
use densenet_bench::trials::{TrialRecord, starting_weights};

use super::shared::NamedTrial;
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
    let trial = NamedTrial::at(&arguments.trial)?;
    let bytes = match arguments.initial {
        true => initial(&trial.record)?,
        false => trial.final_weights("run it first, or add --initial")?,
    };
    output.write(&bytes).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
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
