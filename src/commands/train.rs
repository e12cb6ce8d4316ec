//! The part of `run` that trains.

use densenet_bench::formats::tables::{Status, TrialRow};
use densenet_bench::trials::{Event, Experiment, Trial, supervise};
use densenet_bench::views::loss_log::LossLog;

use super::Failure;
use super::progress::Progress;
use super::throttle::Throttle;
use super::worker::Workers;

/// Trains by starting processes.
pub struct Training<'a> {
    /// What starting them needs.
    pub workers: &'a Workers<'a>,
    /// The batches between two lines of the loss log, if it is printed.
    pub print_loss_every: Option<usize>,
}

impl Training<'_> {
    /// Trains what is to be done; returns the rows of all trials of the experiment.
    pub fn train(&self, experiment: &Experiment, todo: &[&Trial]) -> Result<Vec<TrialRow>, Failure> {
        let workers = self.workers;
        let derive = || workers.folder.derive_tables(&experiment.trials);
        let mut throttle = Throttle::new();
        throttle.always(derive).map_err(Failure::work)?;
        let mut progress = Progress::new(todo.iter().map(|trial| &trial.record));
        for (index, trial) in todo.iter().enumerate() {
            let record = &trial.record;
            progress.begin(index, record);
            let surroundings = workers.surroundings(&record.settings.run, record.threads);
            workers.folder.begin(record, &surroundings).map_err(Failure::work)?;
            let mut log = self.print_loss_every.map(LossLog::new);
            if log.is_some() {
                progress.say(&format!("{} seed {}\n", record.variant, record.seed));
            }
            let result = supervise(workers.program, workers.folder, record, workers.timeout, &mut |event| {
                progress.event(event);
                if let (Some(log), Event::Steps { epoch, losses, .. }) = (&mut log, event) {
                    let losses: Vec<f64> = losses.iter().map(|loss| loss.unwrap_or(f64::NAN)).collect();
                    progress.say(&log.lines(*epoch, &losses));
                }
                // A table that cannot be written now is written at the trial's end, where an error is reported.
                let _ = throttle.now_and_then(derive);
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
            throttle.always(derive).map_err(Failure::work)?;
        }
        progress.finish();
        derive().map_err(Failure::work)
    }
}
