//! `answers`: what a network gives for a batch. Not for people: `scripts/compare-pytorch` calls it before anything is timed.

use std::process::ExitCode;

use clap::Args;
use densenet_bench::training;
use serde_json::json;

use super::shared::PeerFiles;
use super::{Failure, Outcome, print_json};

/// Print a batch's logits, and in training its loss and the gradients' norm (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    files: PeerFiles,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let given = arguments.files.read()?;
    let answers = training::answers(&given.model, given.spec.mode, &given.batches)
        .ok_or_else(|| Failure::Input(format!("{}: it holds no batch", arguments.files.batches.display())))?;
    print_json(&json!({
        "status": "ok",
        "error": "",
        "logits": answers.logits,
        "loss": answers.loss,
        "gradient_norm": answers.gradient_norm,
    }))?;
    Ok(ExitCode::SUCCESS)
}
