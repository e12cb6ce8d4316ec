//! `steadiness`: whether rounds of steps were taken in a steady state. Not for people: `scripts/compare-pytorch` calls it.

use std::process::ExitCode;

use clap::Args;
use densenet_bench::statistics::stability;

use super::{Failure, Outcome, print};

/// Read measurements from standard input as JSON, each a list of rounds of steps in nanoseconds; print a warning for each
/// (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Outcome {
    let measurements: Vec<Vec<Vec<f64>>> = serde_json::from_reader(std::io::stdin().lock())
        .map_err(|error| Failure::Input(format!("standard input: {error}")))?;
    let warnings: Vec<String> = measurements
        .iter()
        .map(|rounds| stability(rounds).warning().unwrap_or_default())
        .collect();
    let line = serde_json::to_string(&warnings).map_err(Failure::work)?;
    print(&format!("{line}\n"))?;
    Ok(ExitCode::SUCCESS)
}
