//! `measurement`: one round of a measurement, in the process that `run` starts for it. Not for people.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::measurement::{RoundSpec, measure};
use densenet_bench::visible;

use super::shared::worker::configure_worker;
use super::{Failure, Outcome, print};

/// Run one round of a measurement and print its result as JSON on one line (started by `run`)
#[derive(Args)]
pub struct Arguments {
    /// The spec, as JSON
    spec: PathBuf,
    /// The ID of the parent process
    #[arg(long)]
    parent: Option<u32>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    configure_worker(arguments.parent)?;
    let named = |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", arguments.spec.display()));
    let bytes = std::fs::read(&arguments.spec).map_err(|error| named(&error))?;
    let spec: RoundSpec = serde_json::from_slice(&bytes).map_err(|error| named(&error))?;
    let result = measure(&spec).map_err(Failure::work)?;
    let line = serde_json::to_string(&result).map_err(Failure::work)?;
    print(&visible::escape_json(&format!("{line}\n")))?;
    Ok(ExitCode::SUCCESS)
}
