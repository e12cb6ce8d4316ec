//! The part of `run` that trains.

use std::path::Path;
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::{Status, TrialRow};
use densenet_bench::host::{DeviceChoice, Environment};
use densenet_bench::trials::{Event, Experiment, FolderError, ResultFolder, Trial, supervise};
use densenet_bench::views::loss_log::LossLog;

use super::Failure;
use super::progress::Progress;

/// What training needs beside the trials.
pub struct Training<'a> {
    /// This program.
    pub program: &'a Path,
    /// The folder that the results go to.
    pub folder: &'a ResultFolder,
    /// The run's surroundings.
    pub environment: &'a Environment,
    /// The device.
    pub device: DeviceChoice,
    /// How long a trial may last.
    pub timeout: Option<Duration>,
    /// The batches between two lines of the loss log, if it is printed.
    pub print_loss_every: Option<usize>,
}

impl Training<'_> {
    /// Trains what is to be done; returns the rows of all trials of the experiment.
    pub fn train(&self, experiment: &Experiment, todo: &[&Trial]) -> Result<Vec<TrialRow>, Failure> {
        let mut tables = Tables::new(self.folder, experiment);
        tables.derive().map_err(Failure::work)?;
        let mut progress = Progress::new(todo.iter().map(|trial| &trial.record));
        for (index, trial) in todo.iter().enumerate() {
            let record = &trial.record;
            progress.begin(index, record);
            let run = &record.settings.run;
            let surroundings = self.environment.of_process(self.device, run, record.threads);
            self.folder.begin(record, &surroundings).map_err(Failure::work)?;
            let mut log = self.print_loss_every.map(LossLog::new);
            if log.is_some() {
                progress.say(&format!("{} seed {}\n", record.variant, record.seed));
            }
            let result = supervise(self.program, self.folder, record, self.timeout, &mut |event| {
                progress.event(event);
                if let (Some(log), Event::Steps { epoch, losses, .. }) = (&mut log, event) {
                    progress.say(&log.lines(*epoch, losses));
                }
                tables.derive_now_and_then();
            })
            .map_err(Failure::work)?;
            let outcome = match (result.status, result.final_test_error) {
                (Status::Ok, Some(error)) => format!("test error {:.2} %", 100.0 * error),
                (status, _) => status.to_string(),
            };
            progress.end(record, &outcome);
            if result.status != Status::Ok {
                progress.warn(&format!("{} seed {}: {}", record.variant, record.seed, result.error));
            }
            tables.derive().map_err(Failure::work)?;
        }
        progress.finish();
        tables.derive().map_err(Failure::work)
    }
}

/// The tables at the top, brought up to date while trials run, but never for more than a small share of the time.
struct Tables<'a> {
    folder: &'a ResultFolder,
    trials: &'a [Trial],
    next: Instant,
}

impl<'a> Tables<'a> {
    /// The least time between two derivations while a trial runs.
    const PAUSE: Duration = Duration::from_secs(2);

    fn new(folder: &'a ResultFolder, experiment: &'a Experiment) -> Self {
        Self {
            folder,
            trials: &experiment.trials,
            next: Instant::now(),
        }
    }

    fn derive(&mut self) -> Result<Vec<TrialRow>, FolderError> {
        let begun = Instant::now();
        let rows = self.folder.derive_tables(self.trials)?;
        // At most a twentieth of the time goes into tables, however long they are.
        self.next = Instant::now() + Self::PAUSE.max(begun.elapsed() * 20);
        Ok(rows)
    }

    fn derive_now_and_then(&mut self) {
        // A table that cannot be written now is written at the trial's end, where an error is reported.
        if Instant::now() >= self.next {
            let _ = self.derive();
        }
    }
}
