//! The work of a run: processes that measure, train or search, one after another.

use densenet_bench::formats::tables::BoundaryRow;

use super::faults::Faults;
use super::measure::Measuring;
use super::messages::{announce, profiles_of, work_of};
use super::prepare::Prepared;
use super::train::Training;
use super::workers::Workers;
use super::{Arguments, Work};

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
    let measuring = Measuring(&workers);
    match run.work {
        Work::MeasureAndTrain => {
            let (trials, measurements) = (run.selected().count(), run.to_measure.len());
            let work = work_of((trials, run.todo.len()), (measurements, run.unmeasured));
            announce(&run.folder, &run.environment, &work);
            // Measured before anything is trained: it is short, and shows whether the batches fit.
            if !run.to_measure.is_empty() {
                faults.record(measuring.measure(&run.to_measure, &run.planned));
            }
            if !run.stop.is_asked() {
                let training = Training {
                    workers: &workers,
                    print_loss_every: arguments.print_loss_every,
                    tensorboard: arguments.tensorboard,
                };
                faults.record(training.train(&run.experiment, &run.unfinished()));
            }
            Vec::new()
        }
        Work::Profile => {
            let work = profiles_of(run.to_measure.len(), run.unmeasured);
            announce(&run.folder, &run.environment, &work);
            faults.record(measuring.measure(&run.to_measure, &run.planned));
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
