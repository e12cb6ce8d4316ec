//! How the processes that `run` starts begin.

use std::io;

use densenet_bench::host::{leave_interrupts_to_the_parent, prefer_to_be_killed};

use super::Failure;

/// Makes this process die with its parent, ignore Ctrl-C (which the parent handles), and be the first that the system
/// kills where memory runs out.
pub fn configure_worker(parent: Option<u32>) -> Result<(), Failure> {
    die_with(parent).map_err(Failure::work)?;
    leave_interrupts_to_the_parent().map_err(Failure::work)?;
    // Where the system does not allow it, this process is one of several that may be killed.
    let _: io::Result<()> = prefer_to_be_killed();
    Ok(())
}

/// Ends this process when its parent ends, however that comes about: a trial without a parent would keep the
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
