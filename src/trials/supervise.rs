//! A trial's process: the events that it sends to its parent, and the result that it leaves or is given.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::claims::Claim;
use super::folder::{FolderError, ResultFolder};
use super::process::{Heard, Work};
use super::record::{TrialRecord, TrialResult};
use crate::host::{Stop, process_variables};

/// What a trial's process reports to its parent, a line of JSON each on its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Training resumes from a checkpoint.
    Resumed {
        /// Steps made since the run's start.
        steps: usize,
    },
    /// The run was asked to stop, and asks the trial.
    AskedToStop,
    /// Something that a reader should know.
    Note {
        /// In words.
        text: String,
    },
    /// Steps have been made and recorded.
    Steps {
        /// The epoch, from 0.
        epoch: usize,
        /// Steps made since the run's start.
        done: usize,
        /// The loss of each of these steps, in their order; none of one that is not finite, which JSON lacks.
        losses: Vec<Option<f64>>,
        /// Training images a second since the last such event.
        images_per_second: f64,
        /// The trial's highest resident set so far, in bytes.
        peak_memory_bytes: Option<u64>,
    },
    /// An epoch has ended.
    Epoch {
        /// The epoch, from 0.
        epoch: usize,
        /// The mean loss over it; none of one that is not finite, which JSON lacks.
        train_loss: Option<f64>,
        /// The test error after it.
        test_error: f64,
    },
}

/// Starts the processes of trials.
pub struct Supervisor<'a> {
    /// This program.
    pub program: &'a Path,
    /// The result folder.
    pub folder: &'a ResultFolder,
    /// How long a trial may last.
    pub timeout: Option<Duration>,
    /// Whether this process is asked to stop.
    pub stop: &'a Stop,
    /// Variables of the process beside those of its settings, such as the GPU that it sees.
    pub variables: &'a [(&'static str, String)],
}

impl Supervisor<'_> {
    /// Starts `program trial FOLDER ID` for a trial that has been started, passes on its events and waits for its end. A process
    /// that ends without a result (it was killed, it ran out of memory or time, it panicked) gets one; where `claim` is lost the
    /// trial is another process's, and nothing is recorded.
    ///
    /// # Errors
    /// Whatever keeps the process from being started, or a result that cannot be read.
    pub fn supervise(
        &self,
        record: &TrialRecord,
        claim: Option<&Claim>,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<TrialResult, FolderError> {
        let folder = self.folder;
        let mut variables = record.device.parse().map_or_else(
            |_| Vec::new(),
            |device| process_variables(&record.settings.run, device, record.threads),
        );
        variables.extend(self.variables.iter().cloned());
        let work = Work {
            program: self.program,
            arguments: vec!["trial".into(), folder.root().into(), record.trial.clone().into()],
            variables,
            stderr: folder.trial(&record.trial).join("stderr.txt"),
            timeout: self.timeout,
            stop: self.stop,
            claim,
        };
        let ending = work.run(&mut |heard| match heard {
            Heard::AskedToStop => on_event(&Event::AskedToStop),
            Heard::Line(line) => {
                // Lines that are not events are ignored: a library may print.
                if let Ok(event) = serde_json::from_slice(line) {
                    on_event(&event);
                }
            }
        })?;
        if ending.was_taken_over {
            let (status, error) = ending.diagnosis();
            return Ok(TrialResult::unfinished(status, error));
        }
        if let Some(result) = folder.result(&record.trial)? {
            return Ok(result);
        }
        let (status, error) = ending.diagnosis();
        let mut result = TrialResult::unfinished(status, error);
        if let Err(error) = folder.end(&record.trial, &result) {
            // On a full disk the trial's own record is lost, but not what ended it.
            result.error += &format!(" (which could not be recorded: {error})");
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back_as_they_were_written() {
        let event = Event::Steps {
            epoch: 1,
            done: 46,
            losses: vec![Some(0.25), Some(0.1 + 0.2), None],
            images_per_second: 1e3,
            peak_memory_bytes: Some(1 << 28),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}
