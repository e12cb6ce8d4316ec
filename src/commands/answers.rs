//! `answers`: what a network gives for a batch. Not for people: `scripts/compare-pytorch` calls it before anything is timed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::files::write_whole;
use densenet_bench::formats::weights;
use densenet_bench::training;
use serde_json::json;

use super::shared::PeerFiles;
use super::{Failure, Outcome, print_json};

/// Print a batch's logits, and in training its loss and the gradients' norm (called by scripts/compare-pytorch and scripts/gpu-report)
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    files: PeerFiles,
    /// Also write the gradients there, as safetensors under the parameters' names; there are none in evaluation
    #[arg(long, value_name = "FILE")]
    gradients: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let given = arguments.files.read()?;
    let answers = training::answers(&given.model, given.spec.mode, &given.batches)
        .ok_or_else(|| Failure::Input(format!("{}: it holds no batch", arguments.files.batches.display())))?;
    if let (Some(path), Some(gradients)) = (&arguments.gradients, &answers.gradients) {
        let bytes = weights::write(gradients).map_err(Failure::work)?;
        write_whole(path, &bytes).map_err(|error| Failure::Work(format!("{}: {error}", path.display())))?;
    }
    print_json(&json!({
        "status": "ok",
        "error": "",
        "logits": answers.logits,
        "loss": answers.loss,
        "gradient_norm": answers.gradient_norm(),
    }))?;
    Ok(ExitCode::SUCCESS)
}
