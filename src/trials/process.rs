//! The process that a trial runs in, seen from its parent.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde::{Deserialize, Serialize};

use super::folder::{FolderError, ResultFolder};
use super::record::{TrialRecord, TrialResult};
use crate::formats::tables::Status;
use crate::host::thread_variables;

/// What a trial's process tells its parent, a line of JSON each on its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Steps have been made and recorded.
    Steps {
        /// The epoch, from 0.
        epoch: usize,
        /// Steps made since the run's start.
        done: usize,
        /// The last step's loss.
        loss: f64,
        /// Training images a second since the last such event.
        images_per_second: f64,
    },
    /// An epoch has ended.
    Epoch {
        /// The epoch, from 0.
        epoch: usize,
        /// The test error after it.
        test_error: f64,
    },
}

/// Where a trial's process writes what it has to say beside its events.
const STDERR: &str = "stderr.txt";

/// Starts `program trial FOLDER ID` for a trial that has begun, hands on its events and waits for its end. A process
/// that ends without a result (it was killed, it ran out of memory, it panicked) gets one.
///
/// # Errors
/// Whatever keeps the process from being started or the folder from being written.
pub fn supervise(
    program: &Path,
    folder: &ResultFolder,
    record: &TrialRecord,
    on_event: &mut dyn FnMut(&Event),
) -> Result<TrialResult, FolderError> {
    let said = folder.trial(&record.trial).join(STDERR);
    let mut child = Command::new(program)
        .arg("trial")
        .arg(folder.root())
        .arg(&record.trial)
        .arg("--parent")
        .arg(std::process::id().to_string())
        .envs(thread_variables(record.threads))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&said)?)
        .spawn()?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            // What is no event is no concern of the parent's: a library may print.
            if let Ok(event) = serde_json::from_slice(&line) {
                on_event(&event);
            }
        }
    }
    let status = child.wait()?;
    if let Some(result) = folder.result(&record.trial)? {
        if std::fs::metadata(&said).is_ok_and(|file| file.len() == 0) {
            std::fs::remove_file(&said)?;
        }
        return Ok(result);
    }
    let result = post_mortem(status, &std::fs::read_to_string(&said).unwrap_or_default());
    folder.end(&record.trial, &result)?;
    Ok(result)
}

/// Why a process without a result ended, from its exit status and what it said last.
fn post_mortem(status: ExitStatus, said: &str) -> TrialResult {
    let last = said
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("it said nothing");
    let lower = said.to_lowercase();
    let memory = [
        "bad_alloc",
        "out of memory",
        "can't allocate memory",
        "cannot allocate memory",
        "memory allocation of",
    ];
    let what = how_it_ended(status);
    if memory.iter().any(|sign| lower.contains(sign)) {
        let error = format!("out of memory ({what}): {last}");
        return TrialResult::unfinished(Status::Oom, error);
    }
    TrialResult::unfinished(Status::Failed, format!("{what}: {last}"))
}

#[cfg(unix)]
fn how_it_ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the trial's process ended with status {code}"),
        (None, Some(9)) => {
            "the trial's process was killed (signal 9; by hand, or by the system where memory runs out)".to_owned()
        }
        (None, Some(signal)) => format!("the trial's process was ended by signal {signal}"),
        (None, None) => "the trial's process ended without a status".to_owned(),
    }
}

#[cfg(not(unix))]
fn how_it_ended(status: ExitStatus) -> String {
    format!("the trial's process ended with {status}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_killed_process_is_a_failed_trial_that_says_so() {
        let result = post_mortem(ExitStatus::from_raw(9), "");
        assert_eq!(result.status, Status::Failed);
        assert_eq!(
            result.error,
            "the trial's process was killed (signal 9; by hand, or by the system where memory runs out): it said nothing"
        );
    }

    #[test]
    fn an_allocation_that_libtorch_could_not_make_is_out_of_memory() {
        let said =
            "thread 'main' panicked\nDefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\n\n";
        let result = post_mortem(ExitStatus::from_raw(101 << 8), said);
        assert_eq!(result.status, Status::Oom);
        assert!(
            result
                .error
                .starts_with("out of memory (the trial's process ended with status 101): Default")
        );
    }

    #[test]
    fn events_read_back_as_they_were_told() {
        let event = Event::Steps {
            epoch: 1,
            done: 46,
            loss: 0.25,
            images_per_second: 1e3,
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}
