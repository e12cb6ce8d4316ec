//! The part of `run` that trains.

use densenet_bench::formats::tables::Status;
use densenet_bench::trials::{Event, Experiment, FolderError, Trial, TrialRecord, TrialResult, supervise};
use densenet_bench::views::loss_log::LossLog;

use super::Failure;
use super::progress::Progress;
use super::throttle::Throttle;
use super::workers::Workers;

/// Trains by starting processes.
pub struct Training<'a> {
    /// What starting them needs.
    pub workers: &'a Workers<'a>,
    /// The batches between two lines of the loss log, if it is printed.
    pub print_loss_every: Option<usize>,
    /// Whether the curves of each trial are written for TensorBoard as it ends.
    pub tensorboard: bool,
}

impl Training<'_> {
    /// Trains the trials of `todo`. Where one cannot be started or recorded, that is reported and the others are trained;
    /// the next run retries it. The tables follow now and then; their final state is derived by the caller.
    pub fn train(&self, experiment: &Experiment, todo: &[&Trial]) -> Result<(), Failure> {
        let workers = self.workers;
        let derive = || workers.folder.derive_tables(&experiment.trials);
        let mut throttle = Throttle::new();
        let mut progress = Progress::new(todo.iter().map(|trial| &trial.record));
        let mut failure = None;
        for (index, trial) in todo.iter().enumerate() {
            let record = &trial.record;
            progress.begin(index, record);
            let ended = self.trial(record, &mut progress, &mut || {
                // A table that cannot be written now is written at the run's end, where an error is reported.
                let _ = throttle.now_and_then(derive);
            });
            match ended {
                Ok(result) => {
                    if self.tensorboard {
                        // As with the tables, an error is reported at the run's end.
                        let _ = workers.folder.write_events(record);
                    }
                    progress.end(result.status, &outcome_of(&result));
                    // A request to stop is reported once, at the run's end.
                    let was_asked = result.status == Status::Interrupted && workers.stop.is_asked();
                    if result.status != Status::Ok && !was_asked {
                        progress.warn(&format!("{} seed {}: {}", record.variant, record.seed, result.error));
                    }
                }
                Err(error) => {
                    progress.end(Status::Failed, "not recorded");
                    progress.warn(&format!("{} seed {}: {error}", record.variant, record.seed));
                    failure = Some(error);
                }
            }
            if workers.stop.is_asked() {
                break;
            }
            let _ = throttle.now_and_then(derive);
        }
        progress.finish();
        // The rows of the trials are safe, whatever became of this one's.
        failure.map_or(Ok(()), |error| Err(Failure::work(error)))
    }

    /// Starts or resumes a trial and waits for its end.
    fn trial(
        &self,
        record: &TrialRecord,
        progress: &mut Progress,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<TrialResult, FolderError> {
        let workers = self.workers;
        let environment = workers.environment_of(&record.settings.run, record.threads);
        workers.folder.begin(record, &environment)?;
        let mut log = self.print_loss_every.map(LossLog::new);
        if log.is_some() {
            progress.say(&format!("{} seed {}\n", record.variant, record.seed));
        }
        let Workers {
            program,
            folder,
            timeout,
            stop,
            ..
        } = *workers;
        supervise(program, folder, record, timeout, stop, &mut |event| {
            progress.event(event);
            if let (Some(log), Event::Steps { epoch, losses, .. }) = (&mut log, event) {
                let losses: Vec<f64> = losses.iter().map(|loss| loss.unwrap_or(f64::NAN)).collect();
                progress.say(&log.lines(*epoch, &losses));
            }
            meanwhile();
        })
    }
}

/// How a trial ended, in a few words.
fn outcome_of(result: &TrialResult) -> String {
    match (result.status, result.final_test_error) {
        (Status::Ok, Some(error)) => format!("test error {:.2} %", 100.0 * error),
        (status, _) => status.to_string(),
    }
}
