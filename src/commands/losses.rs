//! `losses`: the losses of training steps on given batches. Not for people: `scripts/compare-pytorch` calls it.

use std::process::ExitCode;

use clap::Args;
use densenet_bench::training;
use serde_json::json;

use super::shared::PeerFiles;
use super::{Outcome, print_json};

/// Train on given batches and print each step's loss (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    files: PeerFiles,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let given = arguments.files.read()?;
    let losses = training::losses(
        given.model,
        &given.spec.settings.run,
        &given.spec.optimizer(),
        &given.batches,
    );
    print_json(&json!({"status": "ok", "error": "", "losses": losses}))?;
    Ok(ExitCode::SUCCESS)
}
