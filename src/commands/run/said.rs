//! What `run` says: what it has before it, what it has found, how far it came.

use densenet_bench::formats::tables::{BoundaryRow, Status};
use densenet_bench::host::Environment;
use densenet_bench::trials::ResultFolder;
use serde_json::json;

use super::{Arguments, Done};
use crate::commands::{Failure, plot, print, print_json, say};

/// What a run has before it: `4 measurements and 12 trials (3 of them finished before)`. Each is all of them, and what
/// is left to do.
pub fn work_of(trials: (usize, usize), measurements: (usize, usize)) -> String {
    let part = |(all, left): (usize, usize), what: &str| {
        let before = match all - left {
            0 => String::new(),
            before => format!(" ({before} of them finished before)"),
        };
        (all > 0).then(|| format!("{}{before}", counted(all, what)))
    };
    let parts = [part(measurements, "measurement"), part(trials, "trial")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

pub fn announce(folder: &ResultFolder, environment: &Environment, work: &str) {
    say(&format!(
        "{work}, on {} ({}) with {}; results in {}",
        environment.device,
        environment.gpu.as_deref().unwrap_or(&environment.cpu),
        counted(environment.threads, "thread"),
        folder.root().display()
    ));
}

pub use densenet_bench::words::counted;

pub fn report(
    arguments: &Arguments,
    folder: &ResultFolder,
    done: &Done,
    boundaries: &[BoundaryRow],
    summary: &plot::Summary,
) -> Result<(), Failure> {
    if arguments.json {
        return print_json(&json!({
            "ablation": summary.ablation,
            "results": folder.root().display().to_string(),
            "trials": done.trials,
            "batches": done.batches,
            "boundaries": boundaries,
        }));
    }
    print(&summary.table)?;
    say(&format!(
        "tables, plots and summary.md are in {}",
        folder.root().display()
    ));
    Ok(())
}

/// What is left to do for a run that was asked to stop.
pub fn interrupted(arguments: &Arguments, done: &Done, signal: &str, folder: &ResultFolder) -> Result<(), Failure> {
    let finished = |statuses: &mut dyn Iterator<Item = Status>| statuses.filter(|status| *status == Status::Ok).count();
    let trials = finished(&mut done.trials.iter().map(|row| row.status));
    let batches = finished(&mut done.batches.iter().map(|row| row.status));
    let parts = [
        (done.trials.len(), trials, "trial"),
        (done.batches.len(), batches, "measurement"),
    ];
    let parts = parts.into_iter().filter(|(all, ..)| *all > 0);
    let parts: Vec<String> = parts
        .map(|(all, finished, what)| format!("{finished} of {} finished", counted(all, what)))
        .collect();
    say(&format!(
        "stopped by {signal}: {}; the tables so far are in {}; run the same command again to go on",
        parts.join(", "),
        folder.root().display()
    ));
    if arguments.json {
        print_json(&json!({
            "results": folder.root().display().to_string(),
            "interrupted": signal,
            "trials": done.trials,
            "batches": done.batches,
        }))?;
    }
    Ok(())
}
