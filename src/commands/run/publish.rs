//! The end of a run: its tables are derived, plots drawn, and the summary printed.

use std::process::ExitCode;

use densenet_bench::formats::tables::{BoundaryRow, Status};
use densenet_bench::host::now;
use densenet_bench::measurement::Measurements;

use super::faults::Faults;
use super::messages::{interrupted, summarise};
use super::prepare::Prepared;
use super::tables::Tables;
use super::{Arguments, Failure, Outcome, Work, plot, report};

/// Derives the tables, draws the plots and prints the summary. `searched` is what this run's searches found.
pub fn publish(run: &mut Prepared, searched: Vec<BoundaryRow>, arguments: &Arguments, mut faults: Faults) -> Outcome {
    let tables = derive(run, &mut faults);
    if arguments.tensorboard {
        for trial in &run.experiment.trials {
            faults.record(run.folder.write_events(&trial.record).map_err(Failure::work));
        }
    }
    if run.has_work() {
        run.environment.ended = Some(now());
        faults.record(run.folder.record_environment(&run.environment).map_err(Failure::work));
    }
    if let (Some(signal), Some(status)) = (run.stop.signal_name(), run.stop.exit_status()) {
        interrupted(arguments, &tables, signal, &run.folder)?;
        return Ok(ExitCode::from(status));
    }
    let summary = faults.record(plot::draw_folder(run.folder.root()));
    faults.record(report::write_beside(run.folder.root()));
    if let Some(summary) = summary {
        summarise(arguments, &run.folder, &tables, &summary)?;
    }
    let failed = match run.work {
        Work::MeasureAndTrain => tables.have_failures(run.selected(), &run.to_measure),
        Work::Profile => tables.have_failed_profiles(&run.to_measure),
        Work::FindLargestBatch => searched.iter().any(has_failed),
    };
    // Whatever is wrong now, something was run: it is not bad input any more.
    Ok(ExitCode::from(u8::from(failed || faults.any())))
}

/// All tables are this ablation's, whatever part of it was run and however it ended.
fn derive(run: &Prepared, faults: &mut Faults) -> Tables {
    let mut tables = Tables::default();
    let trials = run.folder.derive_tables(&run.experiment.trials);
    if let Some(derived) = faults.record(trials.map_err(Failure::work)) {
        tables.trials = derived.rows;
        for fault in &derived.damaged {
            faults.report(fault);
        }
    }
    let all = Measurements::of(&run.folder);
    let batches = all.derive_tables(&run.planned).map_err(Failure::work);
    tables.batches = faults.record(batches).unwrap_or_default();
    let profile = all.derive_profile(&run.every_profile).map_err(Failure::work);
    tables.profile = faults.record(profile).unwrap_or_default();
    let boundaries = all.derive_boundaries(&run.every_search()).map_err(Failure::work);
    tables.boundaries = faults.record(boundaries).unwrap_or_default();
    tables
}

/// Out of memory is not a failure: it is what a search looks for.
fn has_failed(search: &BoundaryRow) -> bool {
    search.status != Status::Ok || search.largest_batch_size.is_none()
}
