//! The messages of `run`: the work left, the results, the progress at an interruption.

use std::collections::BTreeSet;

use densenet_bench::formats::tables::Status;
use densenet_bench::host::Environment;
use densenet_bench::measurement::{MeasurementRecord, Origin};
use densenet_bench::trials::{ResultFolder, Share};
use densenet_bench::words::{counted, first_ten};
use serde_json::json;

use super::tables::Tables;
use super::{Arguments, Failure, plot, print, print_json, say};

/// The work of a run: `4 measurements and 12 trials (3 of them finished before)`. Each pair is the number of all of
/// them, and of those left to do.
pub fn work_of(trials: (usize, usize), measurements: (usize, usize)) -> String {
    let parts = [part(measurements, "measurement"), part(trials, "trial")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "no measurement and no trial".to_owned(),
        false => parts.join(" and "),
    }
}

fn part((all, left): (usize, usize), what: &str) -> Option<String> {
    let before = match all - left {
        0 => String::new(),
        before => format!(" ({before} of them finished before)"),
    };
    (all > 0).then(|| format!("{}{before}", counted(all, what)))
}

/// The work of `--profile`, in the same words.
pub fn profiles_of(all: usize, left: usize) -> String {
    part((all, left), "profile").unwrap_or_else(|| "no profile".to_owned())
}

/// Announces the work and where it is done.
pub fn announce(folder: &ResultFolder, environment: &Environment, work: &str) {
    say(&format!(
        "{work}, on {}: {}, with {} ({}); results in {}",
        environment.device,
        environment
            .gpu
            .clone()
            .unwrap_or_else(|| environment.processor_in_words()),
        counted(environment.threads, "thread"),
        environment.threads_source,
        folder.root().display()
    ));
}

/// Says which part of the work this run does, where it is not all.
pub fn say_of_share(share: &Share) {
    let words = share.in_words();
    if !words.is_empty() {
        say(&format!("this run does {words}; others may work in the same folder"));
    }
}

/// Says that measurements of other processors or programs, or with another number at once, are there, and that they do not
/// count.
pub fn say_of_others(others: &[MeasurementRecord], folder: &ResultFolder) {
    let origins: BTreeSet<String> = others.iter().map(|record| in_words(&record.origin)).collect();
    if origins.is_empty() {
        return;
    }
    say(&format!(
        "note: {} of another processor or program, or with another number at once ({}) stay in {} and are left out of the tables; this run measures anew",
        counted(others.len(), "measurement"),
        first_ten(&origins.iter().map(String::as_str).collect::<Vec<_>>()),
        folder.root().join("measurements").display()
    ));
}

/// Says that trials of an earlier version of the ablation file are there.
pub fn say_of_stale(stale: usize, folder: &ResultFolder) {
    if stale > 0 {
        say(&format!(
            "note: {} of an earlier version of the ablation file, or of another with this name, stay in {} and are left out of \
             the tables; `densenet-bench status` lists them",
            counted(stale, "trial"),
            folder.root().display()
        ));
    }
}

fn in_words(origin: &Origin) -> String {
    let cpu = match origin.cpu.as_str() {
        "" => "an unknown processor",
        cpu => cpu,
    };
    let gpu = origin.gpu.as_ref().map(|gpu| format!(" and {gpu}")).unwrap_or_default();
    let at_once = match origin.at_once {
        1 => String::new(),
        at_once => format!(", {at_once} at once"),
    };
    format!(
        "{cpu}{gpu}, revision {}{at_once}",
        origin.revision.chars().take(12).collect::<String>()
    )
}

/// Prints the summary.
pub fn summarise(
    arguments: &Arguments,
    folder: &ResultFolder,
    tables: &Tables,
    summary: &plot::Summary,
) -> Result<(), Failure> {
    if arguments.json {
        return print_json(&json!({
            "ablation": summary.ablation,
            "results": folder.root().display().to_string(),
            "trials": tables.trials,
            "batches": tables.batches,
            "boundaries": tables.boundaries,
            "profile": tables.profile,
        }));
    }
    print(&summary.table)?;
    say(&format!(
        "tables, plots, summary.md and report.html are in {}",
        folder.root().display()
    ));
    Ok(())
}

/// Prints how far a folder is that several runs share, where some of its trials have not ended.
pub fn say_of_shared(arguments: &Arguments, folder: &ResultFolder, tables: &Tables) -> Result<(), Failure> {
    let ok = tables.trials.iter().filter(|row| row.status == Status::Ok).count();
    say(&format!(
        "this run's part is done; {ok} of {} in {} have ended well; the run that finds every trial ended draws the plots",
        counted(tables.trials.len(), "trial"),
        folder.root().display()
    ));
    if arguments.json {
        print_json(&json!({
            "results": folder.root().display().to_string(),
            "trials": tables.trials,
            "batches": tables.batches,
        }))?;
    }
    Ok(())
}

/// Prints the progress of a run that was asked to stop.
pub fn interrupted(arguments: &Arguments, tables: &Tables, signal: &str, folder: &ResultFolder) -> Result<(), Failure> {
    let finished = |statuses: &mut dyn Iterator<Item = Status>| statuses.filter(|status| *status == Status::Ok).count();
    let trials = finished(&mut tables.trials.iter().map(|row| row.status));
    let batches = finished(&mut tables.batches.iter().map(|row| row.status));
    let parts = [
        (tables.trials.len(), trials, "trial"),
        (tables.batches.len(), batches, "measurement"),
    ];
    let parts = parts.into_iter().filter(|(all, ..)| *all > 0);
    let parts: Vec<String> = parts
        .map(|(all, finished, what)| format!("{finished} of {} finished", counted(all, what)))
        .collect();
    say(&format!(
        "stopped by {signal}: {}; the tables so far are in {}; run the same command again to resume",
        parts.join(", "),
        folder.root().display()
    ));
    if arguments.json {
        print_json(&json!({
            "results": folder.root().display().to_string(),
            "interrupted": signal,
            "trials": tables.trials,
            "batches": tables.batches,
        }))?;
    }
    Ok(())
}
