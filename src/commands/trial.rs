//! `trial`: one trial, in the process that `run` starts for it. Not for people.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::host::Stop;
use densenet_bench::trials::{Event, ResultFolder, run_trial};
use densenet_bench::visible;

use super::shared::worker::configure_worker;
use super::{Failure, Outcome, print};

/// Train one trial from its record (started by `run`)
#[derive(Args)]
pub struct Arguments {
    /// The result folder
    folder: PathBuf,
    /// The trial's identity
    trial: String,
    /// The ID of the parent process
    #[arg(long)]
    parent: Option<u32>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    configure_worker(arguments.parent)?;
    let stop = Stop::on_parents_request().map_err(Failure::work)?;
    let folder = ResultFolder::at(&arguments.folder);
    let mut report = |event: &Event| {
        // A parent that does not listen any more has died, and this process with it.
        if let Ok(line) = serde_json::to_string(event) {
            let _ = print(&visible::escape_json(&format!("{line}\n")));
        }
    };
    run_trial(&folder, &arguments.trial, &stop, &mut report).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
}
