//! The work of a run: processes that measure, train or search, one after another.

use densenet_bench::formats::tables::BoundaryRow;
use densenet_bench::host::available_memory;
use densenet_bench::trials::{ClaimError, MEASUREMENTS, Trial};

use super::faults::Faults;
use super::measure::Measuring;
use super::messages::{announce, profiles_of, say_of_share, work_of};
use super::prepare::Prepared;
use super::queue::{Queue, Waiting};
use super::train::Training;
use super::workers::Workers;
use super::{Arguments, Failure, Work};

/// Does the work; a failure is recorded in `faults`, and earlier results stay. Returns the results of searches.
pub fn work(run: &Prepared, arguments: &Arguments, faults: &mut Faults) -> Vec<BoundaryRow> {
    let workers = Workers {
        program: &run.program,
        folder: &run.folder,
        environment: &run.environment,
        device: run.device,
        threads: run.threads,
        timeout: arguments.timeout,
        stop: &run.stop,
    };
    let measuring = Measuring {
        workers: &workers,
        claim: None,
    };
    match run.work {
        Work::MeasureAndTrain => {
            let (trials, measurements) = (run.selected().count(), run.to_measure.len());
            let work = work_of((trials, run.todo.len()), (measurements, run.unmeasured));
            announce(&run.folder, &run.environment, &work);
            say_of_share(&run.share);
            // Measured before anything is trained: it is short, and shows whether the batches fit.
            let is_measured = run.to_measure.is_empty() || measure(run, &workers, false, faults);
            if !run.stop.is_asked() {
                faults.record(train(run, &workers, arguments));
            }
            // Another run was at it, and may have ended meanwhile.
            if !is_measured && !run.stop.is_asked() {
                measure(run, &workers, true, faults);
            }
            Vec::new()
        }
        Work::Profile => {
            let work = profiles_of(run.to_measure.len(), run.unmeasured);
            announce(&run.folder, &run.environment, &work);
            let derive = |work: &dyn Fn()| drop(run.membership.derive(false, work));
            faults.record(measuring.measure(&run.to_measure, &run.planned, &derive));
            Vec::new()
        }
        Work::FindLargestBatch => {
            announce(
                &run.folder,
                &run.environment,
                "a search for the largest batch of each variant",
            );
            let found = measuring.find_largest(&run.experiment, &run.chosen, run.cells(), arguments.memory_limit);
            faults.record(found).unwrap_or_default()
        }
    }
}

/// Measures what is missing, unless another run does; whether this one had its turn. `surely` waits until it is known whether
/// that run is there.
fn measure(run: &Prepared, workers: &Workers<'_>, surely: bool, faults: &mut Faults) -> bool {
    let claims = &run.membership.claims;
    let doing = run.share.in_words();
    let taken = match surely {
        true => claims.take_when_sure(MEASUREMENTS, &doing, &|| run.stop.is_asked()),
        false => claims.take(MEASUREMENTS, &doing),
    };
    match taken {
        Ok(claim) => {
            let measuring = Measuring {
                workers,
                claim: Some(&claim),
            };
            let derive = |work: &dyn Fn()| drop(run.membership.derive(false, work));
            faults.record(measuring.measure(&run.to_measure, &run.planned, &derive));
            true
        }
        Err(ClaimError::Held { .. }) => false,
        Err(error) => {
            faults.report(&run.folder.claimed_or(error).to_string());
            true
        }
    }
}

/// Trains what is left.
fn train(run: &Prepared, workers: &Workers<'_>, arguments: &Arguments) -> Result<(), Failure> {
    let todo = run.unfinished();
    let predicted = (run.slots.len() > 1).then(|| run.predicted_bytes()).flatten();
    let waiting = todo.iter().map(|trial| Waiting {
        trial,
        bytes: predicted.as_ref().and_then(|bytes| bytes.get(trial.variant).copied()),
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
    training.train(&queue, &todo, &|| {
        // A table that cannot be written now is written at the run's end, where an error is reported.
        let _ = run
            .membership
            .derive(false, || run.folder.derive_tables(&run.experiment.trials));
    })
}
