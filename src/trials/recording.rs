//! What a trial's process records while it trains: rows, checkpoints, events; and where it starts.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoints::{Checkpoints, CheckpointsError};
use super::folder::{ResultFolder, read_if_there};
use super::record::TrialRecord;
use super::row_file::{RowFile, rows_there};
use super::supervise::Event;
use crate::files::write_whole;
use crate::formats::checkpoint::{Checkpoint, Position, Spent};
use crate::formats::correctness::{self, OfTrial};
use crate::formats::tables::{CorrectnessRow, EpochRow, Row, StepRow, write_rows};
use crate::host::{self, Stop, nanoseconds};
use crate::network::Graph;
use crate::training::{EpochTime, Final, Observer};

/// Records a trial in its folder and reports to its parent.
pub struct Recording<'a> {
    record: &'a TrialRecord,
    /// The table of the test images that it gets right, written when its last epoch has ended.
    correctness: PathBuf,
    steps: RowFile,
    epochs: RowFile,
    last_epoch: Option<EpochRow>,
    checkpoints: Checkpoints,
    /// What earlier processes spent on the trial.
    before: Spent,
    /// When this process started.
    started: Instant,
    stop: &'a Stop,
    report: &'a mut dyn FnMut(&Event),
    /// When the last steps were reported, and how many had been made.
    reported: (Instant, usize),
}

impl<'a> Recording<'a> {
    /// Finds where the trial resumes, and makes its tables end there: no step is lost and none is there twice. Without a
    /// checkpoint it starts with empty tables.
    ///
    /// # Errors
    /// A checkpoint that a later program wrote, or whatever the system says.
    pub fn begin(
        folder: &ResultFolder,
        record: &'a TrialRecord,
        graph: &Graph,
        started: Instant,
        stop: &'a Stop,
        report: &'a mut dyn FnMut(&Event),
    ) -> Result<(Option<Checkpoint>, Self), CheckpointsError> {
        let own: PathBuf = folder.trial(&record.trial);
        let mut is_noted = false;
        let mut note = |text: String| {
            is_noted = true;
            report(&Event::Note { text });
        };
        let mut steps: Vec<StepRow> = rows_there(&own, &mut note)?;
        let mut epochs: Vec<EpochRow> = rows_there(&own, &mut note)?;
        let correctness = own.join(CorrectnessRow::FILE);
        let are_backed = |position: &Position| {
            is_backed(position, &steps, &epochs)?;
            match position.epoch < record.epochs {
                true => Ok(()),
                // No evaluation is left that could say it again.
                false => check_correctness(&correctness),
            }
        };
        let checkpoints = folder.checkpoints(&record.trial);
        let checkpoint = checkpoints.newest(&record.trial, graph, are_backed, &mut note)?;
        let position = checkpoint.as_ref().map(|checkpoint| checkpoint.position.clone());
        let position = position.unwrap_or_default();
        steps.truncate(position.steps);
        epochs.truncate(position.epoch);
        if checkpoint.is_some() {
            report(&Event::Resumed { steps: position.steps });
        } else if is_noted {
            let text = "no checkpoint is left that can be used: the trial starts over".to_owned();
            report(&Event::Note { text });
        }
        let recording = Self {
            record,
            correctness,
            steps: RowFile::open_with(&own, &steps)?,
            epochs: RowFile::open_with(&own, &epochs)?,
            last_epoch: epochs.pop(),
            checkpoints,
            before: position.spent,
            started,
            stop,
            report,
            reported: (Instant::now(), position.steps),
        };
        Ok((checkpoint, recording))
    }

    /// Synchronises the rows to disk, so that they survive a power cut.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.steps.sync()?;
        self.epochs.sync()
    }

    /// Writes which test images the trial got right.
    fn keep_correctness(&self, correct: &[bool]) -> io::Result<()> {
        let of = OfTrial {
            trial: &self.record.trial,
            variant: &self.record.variant,
            seed: self.record.seed,
            data_fingerprint: &self.record.data_fingerprint,
        };
        let table = write_rows(&[correctness::row(of, correct)]).map_err(io::Error::other)?;
        write_whole(&self.correctness, &table)
    }

    /// The row of the last epoch that has ended.
    pub fn last_epoch(&self) -> Option<&EpochRow> {
        self.last_epoch.as_ref()
    }

    /// Time and memory of this process and of those before it.
    pub fn spent_by_now(&self) -> Spent {
        Spent {
            wall_ns: self.before.wall_ns + nanoseconds(self.started.elapsed()),
            peak_memory_bytes: self.before.peak_memory_bytes.max(host::peak_resident_bytes()),
            ..self.before
        }
    }
}

/// Whether the rows of every step and epoch before a position are there; else what is missing.
fn is_backed(position: &Position, steps: &[StepRow], epochs: &[EpochRow]) -> Result<(), String> {
    let step_rows = steps
        .iter()
        .enumerate()
        .take_while(|(index, row)| row.step == *index)
        .count();
    let epoch_rows = epochs
        .iter()
        .enumerate()
        .take_while(|(index, row)| row.epoch == *index)
        .count();
    if step_rows < position.steps {
        return Err(format!(
            "it stands after {} steps, and there are rows of {step_rows}",
            position.steps
        ));
    }
    if epoch_rows < position.epoch {
        return Err(format!(
            "it stands after {} epochs, and there are rows of {epoch_rows}",
            position.epoch
        ));
    }
    Ok(())
}

/// Whether the table of the test images that the trial got right can be read; else what is wrong.
fn check_correctness(path: &Path) -> Result<(), String> {
    let name = path.display().to_string();
    let bytes = read_if_there(path, LONGEST_CORRECTNESS).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("there is no {name}"))?;
    correctness::read_own(&bytes, &name).map_err(|error| error.to_string())?;
    Ok(())
}

/// A bit for each test image, in hexadecimal.
const LONGEST_CORRECTNESS: u64 = 64 << 20;

impl Observer for Recording<'_> {
    fn steps(&mut self, epoch: usize, first: usize, losses: &[f64], rates: &[f64]) -> io::Result<()> {
        let row = |(index, (&loss, &learning_rate)): (usize, (&f64, &f64))| StepRow {
            trial: self.record.trial.clone(),
            variant: self.record.variant.clone(),
            seed: self.record.seed,
            epoch,
            step: first + index,
            loss,
            learning_rate,
        };
        let rows: Vec<StepRow> = losses.iter().zip(rates).enumerate().map(row).collect();
        self.steps.append(&rows)?;
        let done = first + losses.len();
        let batch_size = self.record.settings.train.as_ref().map_or(0, |train| train.batch_size);
        let peak_memory_bytes = self.spent_by_now().peak_memory_bytes;
        let images = (done.saturating_sub(self.reported.1) * batch_size) as f64;
        (self.report)(&Event::Steps {
            epoch,
            done,
            losses: losses
                .iter()
                .map(|&loss| Some(loss).filter(|loss| loss.is_finite()))
                .collect(),
            images_per_second: images / self.reported.0.elapsed().as_secs_f64().max(1e-9),
            peak_memory_bytes,
        });
        self.reported = (Instant::now(), done);
        Ok(())
    }

    fn epoch(&mut self, epoch: usize, outcome: &Final, time: EpochTime) -> io::Result<()> {
        let row = EpochRow {
            trial: self.record.trial.clone(),
            variant: self.record.variant.clone(),
            seed: self.record.seed,
            epoch,
            train_loss: outcome.train.loss,
            train_error: outcome.train.error,
            validation_loss: outcome.validation.map(|validation| validation.loss),
            validation_error: outcome.validation.map(|validation| validation.error),
            test_loss: outcome.test.loss,
            test_error: outcome.test.error,
            wall_ns: nanoseconds(time.wall),
            train_ns: Some(nanoseconds(time.train)),
            test_ns: Some(nanoseconds(time.test)),
        };
        if epoch + 1 == self.record.epochs {
            self.keep_correctness(&outcome.correct)?;
        }
        self.epochs.append(std::slice::from_ref(&row))?;
        (self.report)(&Event::Epoch {
            train_loss: Some(outcome.train.loss).filter(|loss| loss.is_finite()),
            epoch,
            test_error: row.test_error,
        });
        self.last_epoch = Some(row);
        // The time of evaluation is not training time.
        self.reported.0 = Instant::now();
        Ok(())
    }

    fn checkpoint(&mut self, mut checkpoint: Checkpoint) -> io::Result<()> {
        // The rows that it stands after must be there before it is.
        self.sync()?;
        let by_now = self.spent_by_now();
        let spent = &mut checkpoint.position.spent;
        (spent.wall_ns, spent.peak_memory_bytes) = (by_now.wall_ns, by_now.peak_memory_bytes);
        self.checkpoints.keep(&checkpoint)?;
        self.reported.0 = Instant::now();
        Ok(())
    }

    fn is_to_stop(&self) -> bool {
        self.stop.is_asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(of: &[usize]) -> Vec<StepRow> {
        let row = |&step: &usize| StepRow {
            trial: "t".to_owned(),
            variant: "base".to_owned(),
            seed: 0,
            epoch: 0,
            step,
            loss: 1.0,
            learning_rate: 0.1,
        };
        of.iter().map(row).collect()
    }

    #[test]
    fn a_checkpoint_needs_the_row_of_every_step_before_it() {
        let at = |steps| Position {
            steps,
            ..Position::default()
        };
        assert_eq!(is_backed(&at(3), &steps(&[0, 1, 2, 3]), &[]), Ok(()));
        assert_eq!(
            is_backed(&at(3), &steps(&[0, 1]), &[]),
            Err("it stands after 3 steps, and there are rows of 2".to_owned())
        );
        assert!(is_backed(&at(3), &steps(&[0, 1, 1, 2]), &[]).is_err());
        let after_an_epoch = Position { epoch: 1, ..at(0) };
        assert_eq!(
            is_backed(&after_an_epoch, &[], &[]),
            Err("it stands after 1 epochs, and there are rows of 0".to_owned())
        );
    }
}
