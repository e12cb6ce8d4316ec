//! The processes that `run` starts: what starting each of them needs, and how they begin.

use std::io;
use std::path::Path;
use std::time::Duration;

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::ablation::RunSettings;
use densenet_bench::host::{Environment, Stop, leave_interrupts_to_the_parent, prefer_to_be_killed};
use densenet_bench::trials::ResultFolder;

use super::Failure;

/// What starting a process needs, whatever it is for.
pub struct Workers<'a> {
    /// This program.
    pub program: &'a Path,
    /// The folder that the results go to.
    pub folder: &'a ResultFolder,
    /// The run's surroundings.
    pub environment: &'a Environment,
    /// The device.
    pub device: BackendDevice,
    /// How long a process may last.
    pub timeout: Option<Duration>,
    /// Whether the run was asked to stop.
    pub stop: &'a Stop,
}

impl Workers<'_> {
    /// The surroundings of a process of these settings.
    pub fn surroundings(&self, run: &RunSettings, threads: usize) -> Environment {
        self.environment.of_process(self.device, run, threads)
    }
}

/// Makes this process one that ends with its parent, that leaves Ctrl-C to it, and that the system takes before it where
/// memory runs out.
pub fn settle(parent: Option<u32>) -> Result<(), Failure> {
    die_with(parent).map_err(Failure::work)?;
    leave_interrupts_to_the_parent().map_err(Failure::work)?;
    // Where the system does not allow it, the trial is one of several that may be taken.
    let _: io::Result<()> = prefer_to_be_killed();
    Ok(())
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
        false => Err("the process that started this one has ended".to_owned()),
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_: Option<u32>) -> Result<(), String> {
    Ok(())
}
