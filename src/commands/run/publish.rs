//! The end of a run: its tables are derived, plots drawn, and the summary printed.

use std::collections::BTreeSet;
use std::process::ExitCode;

use densenet_bench::formats::tables::{BoundaryRow, Status, TrialRow};
use densenet_bench::host::now;
use densenet_bench::measurement::Measurements;
use densenet_bench::trials::{MEASUREMENTS, Trial};

use super::faults::Faults;
use super::messages::{interrupted, say_of_shared, summarise};
use super::prepare::Prepared;
use super::tables::Tables;
use super::work::Done;
use super::{Arguments, Failure, Outcome, Work, plot, report};

/// Derives the tables, draws the plots and prints the summary of what was `done`.
///
/// Of several runs that share a folder the one that finds every trial ended draws the plots.
pub fn publish(run: &mut Prepared, done: &Done, arguments: &Arguments, mut faults: Faults) -> Outcome {
    if run.has_work() {
        run.environment.ended = Some(now());
    }
    let published = run
        .membership
        .derive(true, || at_the_top(run, arguments, &mut faults))
        .map_err(|error| Failure::work(run.folder.claimed_or(error)))?;
    let Some((tables, summary)) = published else {
        return Ok(ExitCode::FAILURE);
    };
    if let (Some(signal), Some(status)) = (run.stop.signal_name(), run.stop.exit_status()) {
        interrupted(arguments, &tables, signal, &run.folder)?;
        return Ok(ExitCode::from(status));
    }
    match summary {
        Some(summary) => summarise(arguments, &run.folder, &tables, &summary)?,
        None if run.membership.is_shared() => say_of_shared(arguments, &run.folder, &tables)?,
        None => {}
    }
    let failed = match run.work {
        Work::MeasureAndTrain => {
            let elsewhere = elsewhere(run);
            // Of what it only takes up, a failure of which another run has said so is that one's.
            let answers_for = |(trial, is_own): &(&Trial, bool)| {
                let id = &trial.record.trial;
                !elsewhere.contains(id) && (*is_own || done.trained.contains(id))
            };
            let trials = run.selected().filter(answers_for).map(|(trial, _)| trial);
            let measured = match run.owns_measurements() && !elsewhere.contains(MEASUREMENTS) {
                true => &run.to_measure,
                false => &done.measured,
            };
            tables.have_failures(trials, measured)
        }
        Work::Profile => tables.have_failed_profiles(&run.to_measure),
        Work::FindLargestBatch => done.searched.iter().any(has_failed),
    };
    // Whatever is wrong now, something was run: it is not bad input any more.
    Ok(ExitCode::from(u8::from(failed || faults.any())))
}

/// What stands at the top of the folder: tables, the environment, and of a run that was not stopped plots and report.
fn at_the_top(run: &Prepared, arguments: &Arguments, faults: &mut Faults) -> (Tables, Option<plot::Summary>) {
    let tables = derive(run, faults);
    if arguments.tensorboard {
        for trial in &run.experiment.trials {
            faults.record(run.folder.write_events(&trial.record).map_err(Failure::work));
        }
    }
    if run.has_work() {
        faults.record(run.folder.record_environment(&run.environment).map_err(Failure::work));
    }
    let is_unfinished = |row: &TrialRow| matches!(row.status, Status::Pending | Status::Interrupted);
    if run.stop.is_asked() || (run.membership.is_shared() && tables.trials.iter().any(is_unfinished)) {
        return (tables, None);
    }
    let summary = faults.record(plot::draw_folder(run.folder.root()));
    faults.record(report::write_beside(run.folder.root()));
    (tables, summary)
}

/// The trials that other processes have claimed: what becomes of them is theirs to say.
fn elsewhere(run: &Prepared) -> BTreeSet<String> {
    match run.membership.is_shared() {
        true => run
            .membership
            .claims
            .holders()
            .unwrap_or_default()
            .into_keys()
            .collect(),
        false => BTreeSet::new(),
    }
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
