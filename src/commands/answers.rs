//! `answers`: what a network gives for a batch. Not for people: `scripts/compare-pytorch` calls it before anything is timed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::training;
use serde_json::json;

use super::losses::Given;
use super::{Failure, Outcome, print_json};

/// Print a batch's logits, and in training its loss and the gradients' norm (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {
    /// The measurement whose settings decide
    spec: PathBuf,
    /// The initial weights
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The batch
    #[arg(long, value_name = "FILE")]
    batches: PathBuf,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let given = Given::read(&arguments.spec, &arguments.weights, &arguments.batches)?;
    let answers = training::answers(&given.model, given.spec.mode, &given.batches)
        .ok_or_else(|| Failure::Input(format!("{}: it holds no batch", arguments.batches.display())))?;
    print_json(&json!({
        "status": "ok",
        "error": "",
        "logits": answers.logits,
        "loss": answers.loss,
        "gradient_norm": answers.gradient_norm,
    }))?;
    Ok(ExitCode::SUCCESS)
}
