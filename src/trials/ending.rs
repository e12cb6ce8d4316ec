//! How a process that was started for one piece of work ended, and why, as far as that is known.

use std::process::ExitStatus;
use std::time::Duration;

use crate::files::limit;
use crate::formats::tables::Status;

/// How the process ended.
pub struct Ending {
    /// Its exit status.
    pub status: ExitStatus,
    /// The time limit that it was killed at.
    pub(super) timed_out: Option<Duration>,
    /// Whether it was killed since another process does its work.
    pub(super) was_taken_over: bool,
    /// The signal that asked it to stop.
    pub(super) interrupted: Option<&'static str>,
    /// Whether the system killed processes for want of memory while it ran.
    pub(super) memory_ran_out: bool,
    /// What it wrote to stderr.
    pub(super) said: String,
}

/// What a user can do about too little memory.
pub const TAKE_LESS_MEMORY: &str = "take a smaller batch; `run --find-max-batch` finds the largest";

/// Whether a process that says this could not get the memory it asked for.
pub fn says_out_of_memory(said: &str) -> bool {
    let said = said.to_lowercase();
    OUT_OF_MEMORY.iter().any(|sign| said.contains(sign))
}

const OUT_OF_MEMORY: [&str; 6] = [
    "bad_alloc",
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "cannot allocate memory",
    "memory allocation of",
];

impl Ending {
    /// Why a process without a result ended: from its exit status, its time, the system's memory and what it said last.
    pub fn diagnosis(&self) -> (Status, String) {
        if self.was_taken_over {
            let error = "another process has taken it over, since this one was silent for too long; `densenet-bench status` \
                         shows which";
            return (Status::Interrupted, error.to_owned());
        }
        if let Some(limit) = self.timed_out {
            let limit = humantime::format_duration(limit);
            let error = format!("it ran longer than {limit} and was killed; give it more time with --timeout");
            return (Status::Timeout, error);
        }
        if let Some(signal) = self.interrupted {
            let error = format!("stopped by {signal}; run the same command again to resume");
            return (Status::Interrupted, error);
        }
        let last = self
            .said
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty())
            .unwrap_or("it printed nothing");
        let mut what = how_it_ended(self.status);
        if let (true, Some(seconds)) = (was_killed(self.status), limit("Max cpu time")) {
            what += &format!("; the limit on its processor time (ulimit -t) is {seconds} seconds");
        }
        if says_out_of_memory(&self.said) {
            let last = last.strip_prefix("error: ").unwrap_or(last);
            return (Status::Oom, format!("{last}; {TAKE_LESS_MEMORY}"));
        }
        if self.memory_ran_out && was_killed(self.status) {
            let error =
                format!("out of memory: the system killed the process when its memory was used up; {TAKE_LESS_MEMORY}");
            return (Status::Oom, error);
        }
        (Status::Failed, format!("{what}: {last}"))
    }
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    false
}

#[cfg(unix)]
fn how_it_ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("its process ended with status {code}"),
        (None, Some(9)) => {
            "its process was killed (signal 9; by hand, or by the system where memory runs out)".to_owned()
        }
        (None, Some(signal)) => format!("its process was ended by signal {signal}"),
        (None, None) => "its process ended without a status".to_owned(),
    }
}

#[cfg(not(unix))]
fn how_it_ended(status: ExitStatus) -> String {
    format!("its process ended with {status}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn ending(raw: i32, said: &str) -> Ending {
        Ending {
            status: ExitStatus::from_raw(raw),
            timed_out: None,
            was_taken_over: false,
            interrupted: None,
            memory_ran_out: false,
            said: said.to_owned(),
        }
    }

    #[test]
    fn a_killed_process_is_a_failure_that_says_so() {
        assert_eq!(
            ending(9, "").diagnosis(),
            (
                Status::Failed,
                "its process was killed (signal 9; by hand, or by the system where memory runs out): it printed nothing"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_process_killed_while_the_system_ran_out_of_memory_is_out_of_memory() {
        let killed = Ending {
            memory_ran_out: true,
            ..ending(9, "")
        };
        assert_eq!(killed.diagnosis().0, Status::Oom);
        let aborted = Ending {
            memory_ran_out: true,
            ..ending(6, "")
        };
        assert_eq!(aborted.diagnosis().0, Status::Failed);
    }

    #[test]
    fn an_allocation_that_libtorch_could_not_make_is_out_of_memory() {
        let said =
            "thread 'main' panicked\nDefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\n\n";
        let (status, error) = ending(101 << 8, said).diagnosis();
        assert_eq!(status, Status::Oom);
        assert_eq!(
            error,
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.; \
             take a smaller batch; `run --find-max-batch` finds the largest"
        );
    }
}
