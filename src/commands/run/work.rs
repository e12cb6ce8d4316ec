//! The work of a run: processes that measure, train or search, one after another.

use std::collections::BTreeSet;

use densenet_bench::formats::tables::BoundaryRow;
use densenet_bench::host::available_memory;
use densenet_bench::measurement::MeasurementRecord;
use densenet_bench::trials::{ClaimError, MEASUREMENTS, Trial};

use super::faults::Faults;
use super::measure::Measuring;
use super::messages::{announce, profiles_of, say_of_share, work_of};
use super::prepare::Prepared;
use super::queue::{Queue, Waiting};
use super::slots::Slot;
use super::train::Training;
use super::workers::Workers;
use super::{Arguments, Failure, Work};

/// What a run has done.
#[derive(Default)]
pub struct Done {
    /// The results of searches.
    pub searched: Vec<BoundaryRow>,
    /// The identities of the trials that were begun.
    pub trained: BTreeSet<String>,
    /// What it found left to measure when it had its turn.
    pub measured: Vec<MeasurementRecord>,
}

/// Does the work; a failure is recorded in `faults`, and earlier results stay.
pub fn work(run: &Prepared, arguments: &Arguments, faults: &mut Faults) -> Done {
    let mut done = Done::default();
    let workers = Workers {
        program: &run.program,
        folder: &run.folder,
        environment: &run.environment,
        device: run.device,
        threads: run.threads,
        timeout: arguments.timeout,
        stop: &run.stop,
    };
    let alone = Slot::only();
    let measuring = Measuring {
        workers: &workers,
        slots: if arguments.measure_at_once { &run.slots } else { &alone },
        claim: None,
    };
    match run.work {
        Work::MeasureAndTrain => {
            let (trials, measurements) = (run.selected().count(), run.to_measure.len());
            let work = work_of((trials, run.todo.len()), (measurements, run.unmeasured));
            announce(&run.folder, &run.environment, &work);
            say_of_share(&run.share);
            // Measured before anything is trained: it is short, and shows whether the batches fit.
            let measures = !run.to_measure.is_empty();
            let is_measured = !measures || measure(run, &measuring, false, &mut done, faults);
            if !run.stop.is_asked() {
                let trained = train(run, &workers, arguments, &mut done.trained);
                faults.record(trained);
            }
            // Another run was at it, and may have ended meanwhile.
            if !is_measured && !run.stop.is_asked() {
                measure(run, &measuring, true, &mut done, faults);
            }
        }
        Work::Profile => {
            let work = profiles_of(run.to_measure.len(), run.unmeasured);
            announce(&run.folder, &run.environment, &work);
            let derive = |work: &dyn Fn()| drop(run.membership.derive(false, work));
            faults.record(measuring.measure(&run.to_measure, &run.planned, &derive));
        }
        Work::FindLargestBatch => {
            announce(
                &run.folder,
                &run.environment,
                "a search for the largest batch of each variant",
            );
            let found = measuring.find_largest(&run.experiment, &run.chosen, run.cells(), arguments.memory_limit);
            done.searched = faults.record(found).unwrap_or_default();
        }
    }
    done
}

/// Measures what is missing, unless another run does; whether this one had its turn. `surely` waits until it is known whether
/// that run is there.
fn measure(run: &Prepared, measuring: &Measuring<'_>, surely: bool, done: &mut Done, faults: &mut Faults) -> bool {
    let claims = &run.membership.claims;
    let doing = run.share.in_words();
    let taken = match surely {
        true => claims.take_when_sure(MEASUREMENTS, &doing, &|| run.stop.is_asked()),
        false => claims.take(MEASUREMENTS, &doing),
    };
    match taken {
        Ok(claim) => {
            let measuring = Measuring {
                claim: Some(&claim),
                ..*measuring
            };
            let Some(left) = faults.record(run.left_to_measure()) else {
                return true;
            };
            let derive = |work: &dyn Fn()| drop(run.membership.derive(false, work));
            faults.record(measuring.measure(&left, &run.planned, &derive));
            done.measured = left;
            true
        }
        Err(ClaimError::Held { .. }) => false,
        Err(error) => {
            faults.report(&run.folder.claimed_or(error).to_string());
            true
        }
    }
}

/// Trains what is left; `begun` gets the identities of the trials that had their turn.
fn train(
    run: &Prepared,
    workers: &Workers<'_>,
    arguments: &Arguments,
    begun: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let todo = run.unfinished();
    let predicted = (run.slots.len() > 1).then(|| run.predicted_bytes()).flatten();
    let waiting = todo.iter().map(|&(trial, is_own)| Waiting {
        trial,
        bytes: predicted.as_ref().and_then(|bytes| bytes.get(trial.variant).copied()),
        is_own,
    });
    let here = |trial: &Trial| {
        let record = &trial.record;
        run.environment
            .of_process(run.device, &record.settings.run, record.threads)
    };
    let queue = Queue::new(&run.folder, &run.membership.claims, &run.stop, waiting, here)
        .doing(run.share.in_words())
        .within(predicted.as_ref().and_then(|_| available_memory()));
    let training = Training {
        workers,
        slots: &run.slots,
        print_loss_every: arguments.print_loss_every,
        tensorboard: arguments.tensorboard,
    };
    let trials: Vec<&Trial> = todo.iter().map(|(trial, _)| *trial).collect();
    let trained = training.train(&queue, &trials, &|| {
        // A table that cannot be written now is written at the run's end, where an error is reported.
        let _ = run
            .membership
            .derive(false, || run.folder.derive_tables(&run.experiment.trials));
    });
    begun.extend(queue.begun());
    trained
}
