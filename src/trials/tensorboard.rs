//! The trials' curves for TensorBoard, derived from their rows.

use std::time::UNIX_EPOCH;

use super::folder::{FolderError, ResultFolder, create_all, read_if_there};
use super::record::TrialRecord;
use crate::files::write_whole;
use crate::formats::tables::{self, EpochRow, Row, StepRow};
use crate::formats::tensorboard::event_file;

/// The folder of a result folder that `tensorboard --logdir` is given.
pub const TENSORBOARD: &str = "tensorboard";

impl ResultFolder {
    /// Writes a trial's event file, `tensorboard/VARIANT/seed-N/events.out.tfevents.ID`, from the rows that it has so far.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn write_events(&self, record: &TrialRecord) -> Result<(), FolderError> {
        let id = &record.trial;
        let started = match self.trial_environment(id)? {
            Some(environment) => seconds(&environment.started),
            // It was not started.
            None => return Ok(()),
        };
        let file = event_file(started, &self.rows::<StepRow>(id)?, &self.rows::<EpochRow>(id)?);
        let seed = format!("seed-{}", record.seed);
        let folder = self.root().join(TENSORBOARD).join(&record.variant).join(seed);
        create_all(&folder)?;
        write_whole(&folder.join(format!("events.out.tfevents.{id}")), &file)?;
        Ok(())
    }

    /// A trial's own rows, up to a fault, which is reported where the tables at the top are derived.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn rows<T: Row>(&self, trial: &str) -> Result<Vec<T>, FolderError> {
        let path = self.trial(trial).join(T::FILE);
        let bytes = read_if_there(&path, u64::MAX)?.and_then(tables::whole_lines);
        Ok(bytes.map_or_else(Vec::new, |bytes| tables::leading_rows(&bytes, T::FILE).0))
    }
}

/// Seconds from 1970 to a moment in RFC 3339; 0 where it is none.
fn seconds(moment: &str) -> f64 {
    let time = humantime::parse_rfc3339(moment).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}
