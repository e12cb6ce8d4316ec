//! The processors that a thread, and the processes that it starts, are held to.

use std::io;

/// The processors that this process may run on, ascending; empty where the system does not say it.
#[cfg(target_os = "linux")]
pub fn allowed_processors() -> Vec<usize> {
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else {
        return Vec::new();
    };
    (0..CpuSet::count())
        .filter(|&processor| set.is_set(processor).unwrap_or(false))
        .collect()
}

/// Holds this thread, and the processes that it starts from now on, to these processors.
///
/// # Errors
/// The system refuses.
#[cfg(target_os = "linux")]
pub fn pin_to(processors: &[usize]) -> io::Result<()> {
    use nix::sched::{CpuSet, sched_setaffinity};
    use nix::unistd::Pid;
    let mut set = CpuSet::new();
    for &processor in processors {
        set.set(processor)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The processors that this process may run on; the system does not say it.
#[cfg(not(target_os = "linux"))]
pub fn allowed_processors() -> Vec<usize> {
    Vec::new()
}

/// Holds this thread to these processors.
///
/// # Errors
/// The system has no such thing.
#[cfg(not(target_os = "linux"))]
pub fn pin_to(_: &[usize]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_inherits_the_processors_of_the_thread_that_starts_it() {
        let all = allowed_processors();
        let last = *all.last().unwrap();
        let listed = std::thread::spawn(move || {
            pin_to(&[last]).unwrap();
            let output = std::process::Command::new("cat")
                .arg("/proc/self/status")
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        });
        let status = listed.join().unwrap();
        assert!(status.contains(&format!("Cpus_allowed_list:\t{last}\n")), "{status}");
        assert_eq!(allowed_processors(), all, "other threads are not held");
    }
}
