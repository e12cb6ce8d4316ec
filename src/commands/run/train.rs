//! The part of `run` that trains.

use std::sync::mpsc::channel;
use std::thread;

use densenet_bench::formats::tables::Status;
use densenet_bench::host::pin_to;
use densenet_bench::trials::{Event, FolderError, Trial, TrialResult};
use densenet_bench::views::loss_log::LossLog;

use super::Failure;
use super::progress::Progress;
use super::queue::{Next, Queue, Turn};
use super::slots::Slot;
use super::throttle::Throttle;
use super::workers::Workers;

/// Trains by starting processes.
pub struct Training<'a> {
    /// What starting them needs.
    pub workers: &'a Workers<'a>,
    /// Where they run, at least one.
    pub slots: &'a [Slot],
    /// The batches between two lines of the loss log, if it is printed.
    pub print_loss_every: Option<usize>,
    /// Whether the curves of each trial are written for TensorBoard as it ends.
    pub tensorboard: bool,
}

/// What a worker reports of the trial in its slot.
enum Report<'a> {
    /// It starts.
    Begun(&'a Trial),
    /// Its process has sent an event.
    Sent(Event),
    /// It has ended, or could not be started or recorded.
    Ended(&'a Trial, Box<Result<TrialResult, FolderError>>),
}

impl Training<'_> {
    /// Trains the trials of the queue, which are `todo`. Where one cannot be started or recorded, that is reported and the
    /// others are trained; the next run retries it. `derive` makes the tables follow, now and then; their final state is derived
    /// by the caller.
    pub fn train<'t>(&self, queue: &Queue<'t>, todo: &[&'t Trial], derive: &dyn Fn()) -> Result<(), Failure> {
        let mut show = Show {
            training: self,
            progress: Progress::new(todo.iter().map(|trial| &trial.record), self.slots.len()),
            logs: self.slots.iter().map(|_| None).collect(),
            throttle: Throttle::new(),
            derive,
            failure: None,
        };
        match self.slots {
            // No thread of its own: a trial's process ends with the thread that has started it.
            [slot] => self.work(slot, queue, &mut |report| show.report(slot.number, report)),
            slots => thread::scope(|scope| {
                let (sender, reports) = channel();
                for slot in slots {
                    let sender = sender.clone();
                    scope.spawn(move || {
                        // Where the system refuses, the processes share the processors as it sees fit.
                        let _ = slot.processors.as_deref().map(pin_to);
                        self.work(slot, queue, &mut |report| {
                            let _ = sender.send((slot.number, report));
                        });
                    });
                }
                drop(sender);
                for (slot, report) in reports {
                    show.report(slot, report);
                }
            }),
        }
        show.progress.finish();
        // The rows of the trials are safe, whatever became of this one's.
        show.failure.map_or(Ok(()), |error| Err(Failure::work(error)))
    }

    /// Trains one trial after the other in a slot.
    fn work<'t>(&self, slot: &Slot, queue: &Queue<'t>, report: &mut dyn FnMut(Report<'t>)) {
        while let Some(next) = queue.next() {
            match next {
                Next::Refuse(trial, error) => report(Report::Ended(trial, Box::new(Err(error)))),
                Next::Train(turn) => {
                    report(Report::Begun(turn.trial));
                    let result = self.trial(slot, &turn, &mut |event| report(Report::Sent(event.clone())));
                    report(Report::Ended(turn.trial, Box::new(result)));
                    queue.end(turn);
                }
            }
        }
    }

    /// Starts or resumes a trial and waits for its end.
    fn trial(
        &self,
        slot: &Slot,
        turn: &Turn<'_>,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<TrialResult, FolderError> {
        let record = &turn.trial.record;
        let environment = self.workers.environment_of(&record.settings.run, record.threads, slot);
        self.workers.folder.begin(record, &environment)?;
        let supervisor = self.workers.supervisor(slot);
        supervisor.supervise(record, Some(&turn.claim), on_event)
    }
}

/// What is shown of the trials, and done as they come to something.
struct Show<'a> {
    training: &'a Training<'a>,
    progress: Progress,
    /// The loss log of each slot.
    logs: Vec<Option<LossLog>>,
    throttle: Throttle,
    derive: &'a dyn Fn(),
    failure: Option<FolderError>,
}

impl Show<'_> {
    fn report(&mut self, slot: usize, report: Report<'_>) {
        match report {
            Report::Begun(trial) => self.begun(slot, trial),
            Report::Sent(event) => self.sent(slot, &event),
            Report::Ended(trial, result) => match *result {
                Ok(result) => self.ended(slot, trial, &result),
                Err(error) => {
                    self.progress.end(slot, Status::Failed, "not recorded");
                    let record = &trial.record;
                    self.progress
                        .warn(&format!("{} seed {}: {error}", record.variant, record.seed));
                    self.failure = Some(error);
                }
            },
        }
        // A table that cannot be written now is written at the run's end, where an error is reported.
        let _ = self.throttle.now_and_then(self.derive);
    }

    fn begun(&mut self, slot: usize, trial: &Trial) {
        let record = &trial.record;
        self.progress.begin(slot, record);
        self.logs[slot] = self.training.print_loss_every.map(LossLog::new);
        if self.logs[slot].is_some() {
            self.progress.say(&format!("{} seed {}\n", record.variant, record.seed));
        }
    }

    fn sent(&mut self, slot: usize, event: &Event) {
        self.progress.event(slot, event);
        if let (Some(log), Event::Steps { epoch, losses, .. }) = (&mut self.logs[slot], event) {
            let losses: Vec<f64> = losses.iter().map(|loss| loss.unwrap_or(f64::NAN)).collect();
            self.progress.say(&log.lines(*epoch, &losses));
        }
    }

    fn ended(&mut self, slot: usize, trial: &Trial, result: &TrialResult) {
        let record = &trial.record;
        if self.training.tensorboard {
            // As with the tables, an error is reported at the run's end.
            let _ = self.training.workers.folder.write_events(record);
        }
        self.progress.end(slot, result.status, &outcome_of(result));
        // A request to stop is reported once, at the run's end.
        let was_asked = result.status == Status::Interrupted && self.training.workers.stop.is_asked();
        if result.status != Status::Ok && !was_asked {
            self.progress
                .warn(&format!("{} seed {}: {}", record.variant, record.seed, result.error));
        }
    }
}

/// How a trial ended, in a few words.
fn outcome_of(result: &TrialResult) -> String {
    match (result.status, result.final_test_error) {
        (Status::Ok, Some(error)) => format!("test error {:.2} %", 100.0 * error),
        (status, _) => status.to_string(),
    }
}
