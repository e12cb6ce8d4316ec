//! `trial`: one trial, in the process that `run` starts for it. Not for people.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::trials::{Event, ResultFolder, run_trial};

use super::{Failure, Outcome, print};

/// Train one trial whose record is there (started by `run`)
#[derive(Args)]
pub struct Arguments {
    /// The result folder
    folder: PathBuf,
    /// The trial's identity
    trial: String,
    /// The process that waits for this one
    #[arg(long)]
    parent: Option<u32>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    die_with(arguments.parent).map_err(Failure::work)?;
    let folder = ResultFolder::at(&arguments.folder);
    let mut tell = |event: &Event| {
        // A parent that does not listen any more has died, and this process with it.
        if let Ok(line) = serde_json::to_string(event) {
            let _ = print(&format!("{line}\n"));
        }
    };
    run_trial(&folder, &arguments.trial, &mut tell).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
}

/// Ends this process when its parent ends, however that comes about: a trial that nobody waits for would keep the
/// device and write into a folder that the next run takes over.
#[cfg(target_os = "linux")]
fn die_with(parent: Option<u32>) -> Result<(), String> {
    use nix::sys::{prctl::set_pdeathsig, signal::Signal};
    let Some(parent) = parent else { return Ok(()) };
    set_pdeathsig(Signal::SIGKILL).map_err(|error| format!("the parent cannot be watched: {error}"))?;
    // It may have ended before the watch began.
    match std::os::unix::process::parent_id() == parent {
        true => Ok(()),
        false => Err("the process that started this trial has ended".to_owned()),
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_: Option<u32>) -> Result<(), String> {
    Ok(())
}
