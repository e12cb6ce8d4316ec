//! `run`: train every variant with every seed, record, plot.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use densenet_bench::formats::ablation::{Ablation, parse};
use densenet_bench::formats::tables::{Status, TrialRow};
use densenet_bench::host::{DeviceChoice, DeviceError, Environment, available_threads, build, gpu_models, now};
use densenet_bench::trials::{Experiment, FolderError, ResultFolder, Trial, supervise};
use serde_json::json;

use super::progress::Progress;
use super::{Failure, Outcome, experiment, plot, print, print_json};

/// Train every variant of an ablation with every seed, record it to CSV and draw plots
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench run ablations/growth.toml
  densenet-bench run ablations/growth.toml --only 'growth-rate=1*' --threads 2
  densenet-bench run my.toml --out /scratch/results --device cuda:0

The results go to results/NAME/ (or DIR/NAME/). A trial that is finished is not run again.")]
pub struct Arguments {
    /// The ablation file
    file: PathBuf,
    /// Where the folder NAME with the results goes
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: DeviceChoice,
    /// Threads of the device's backend; all that the system allows unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Only variants whose name matches, with * and ?
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
    /// Print the trials, one a line, and run nothing
    #[arg(long)]
    list: bool,
    /// Start over; the old results are kept beside
    #[arg(long)]
    fresh: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// `--device` for clap, whose own message already names the flag.
pub fn parse_device(text: &str) -> Result<DeviceChoice, String> {
    text.parse()
        .map_err(|error: DeviceError| format!("{}; {}", error.rule, error.remedy))
}

pub fn run(arguments: &Arguments) -> Outcome {
    let text = experiment::text_of(&arguments.file)?;
    let ablation = parse(&text, &arguments.file).map_err(Failure::input)?;
    let chosen = chosen_variants(&ablation, arguments.only.as_deref())?;
    let device = experiment::device(arguments.device)?;
    let threads = arguments.threads.map_or_else(available_threads, usize::from);
    let mut experiment = experiment::checked(ablation)?;
    for trial in &mut experiment.trials {
        trial.record.device = device.to_string();
        trial.record.threads = threads;
        trial.record.revision = build::REVISION.to_owned();
    }
    let selected: Vec<&Trial> = experiment.trials.iter().filter(|trial| chosen[trial.variant]).collect();
    if arguments.list {
        return list(&selected);
    }
    if selected.is_empty() {
        return Err(Failure::Input(format!(
            "{}: the variants have no [train], so there is nothing to run; add one, or use `describe` or `evaluate`",
            arguments.file.display()
        )));
    }

    let folder = ResultFolder::new(&arguments.out, &experiment.ablation.name);
    let _held = hold(&folder, arguments.fresh)?;
    let todo = unfinished(&folder, &selected)?;
    folder.create(&text).map_err(unusable)?;
    let gpu = matches!(device, DeviceChoice::Cuda(_)).then(gpu_models).flatten();
    let mut environment = Environment::observe(&device.to_string(), gpu, threads, device != DeviceChoice::Flex);
    if !todo.is_empty() {
        folder.record_environment(&environment).map_err(unusable)?;
    }
    announce(&folder, &environment, selected.len(), todo.len());
    if experiment
        .ablation
        .variants
        .iter()
        .any(|variant| variant.settings.measure.is_some())
    {
        eprintln!("note: [measure] is checked, but this version does not measure apart from training yet");
    }

    let rows = train_all(&folder, &experiment, &environment, &todo)?;
    if !todo.is_empty() {
        environment.ended = Some(now());
        folder.record_environment(&environment).map_err(Failure::work)?;
    }
    // Whatever is wrong with the tables now, trials were run: this is no bad input any more.
    let summary = plot::draw_folder(folder.root()).map_err(|failure| Failure::Work(failure.into_message()))?;
    report(arguments, &folder, &rows, &summary)?;
    let is_selected = |row: &TrialRow| selected.iter().any(|trial| trial.record.trial == row.trial);
    let failed = rows.iter().any(|row| is_selected(row) && row.status != Status::Ok);
    Ok(ExitCode::from(u8::from(failed)))
}

/// Holds the result folder, emptied for `--fresh`, until the value is dropped.
fn hold(folder: &ResultFolder, fresh: bool) -> Result<std::fs::File, Failure> {
    let there = folder.root().exists();
    let held = folder.hold().map_err(unusable)?;
    if !(fresh && there) {
        return Ok(held);
    }
    if let Some(aside) = folder.set_aside().map_err(unusable)? {
        eprintln!("the old results are kept in {}", aside.display());
    }
    folder.hold().map_err(unusable)
}

/// A result folder that cannot be used before anything has been started.
fn unusable(error: FolderError) -> Failure {
    Failure::Input(match error {
        FolderError::System(error) => format!("{error}; name a folder that can be written with --out"),
        error => error.to_string(),
    })
}

/// Which variants `--only` leaves.
fn chosen_variants(ablation: &Ablation, only: Option<&str>) -> Result<Vec<bool>, Failure> {
    let names = || ablation.variants.iter().map(|variant| variant.name.as_str());
    let Some(only) = only else {
        return Ok(names().map(|_| true).collect());
    };
    let pattern = glob::Pattern::new(only).map_err(|error| {
        Failure::Input(format!(
            "--only '{only}' is no pattern ({error}); write names with * and ?"
        ))
    })?;
    let chosen: Vec<bool> = names().map(|name| pattern.matches(name)).collect();
    if !chosen.contains(&true) {
        let there = names().collect::<Vec<_>>().join(", ");
        return Err(Failure::Input(format!(
            "no variant of '{}' matches --only '{only}'; it has {there}",
            ablation.file.display()
        )));
    }
    Ok(chosen)
}

fn list(trials: &[&Trial]) -> Outcome {
    let line = |trial: &&Trial| {
        let record = &trial.record;
        format!(
            "{}  {}  seed={}  parameters={}  macs={}  steps={}\n",
            record.trial, record.variant, record.seed, record.parameters, record.macs, record.steps
        )
    };
    print(&trials.iter().map(line).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

/// The trials that have no final numbers yet. A finished one on other data is an error: its numbers are another
/// experiment's.
fn unfinished<'a>(folder: &ResultFolder, trials: &[&'a Trial]) -> Result<Vec<&'a Trial>, Failure> {
    let mut todo = Vec::new();
    for trial in trials {
        let id = &trial.record.trial;
        if !folder.has_status(id, Status::Ok).map_err(Failure::input)? {
            todo.push(*trial);
            continue;
        }
        let record = folder.record(id).map_err(Failure::input)?;
        if record.is_some_and(|record| record.data_fingerprint != trial.record.data_fingerprint) {
            return Err(Failure::Input(format!(
                "{}: trial {id} ({}, seed {}) was trained on other data than are there now; start over with --fresh",
                folder.root().display(),
                trial.record.variant,
                trial.record.seed
            )));
        }
    }
    Ok(todo)
}

fn announce(folder: &ResultFolder, environment: &Environment, trials: usize, todo: usize) {
    let done = trials - todo;
    let already = if done > 0 {
        format!(", {done} of them finished before")
    } else {
        String::new()
    };
    eprintln!(
        "{}{already}, on {} ({}) with {}; results in {}",
        counted(trials, "trial"),
        environment.device,
        environment.gpu.as_deref().unwrap_or(&environment.cpu),
        counted(environment.threads, "thread"),
        folder.root().display()
    );
}

/// `1 trial`, `2 trials`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn train_all(
    folder: &ResultFolder,
    experiment: &Experiment,
    environment: &Environment,
    todo: &[&Trial],
) -> Result<Vec<TrialRow>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Work(format!("the program's own path cannot be found: {error}")))?;
    let mut tables = Tables::new(folder, experiment);
    tables.derive().map_err(Failure::work)?;
    let mut progress = Progress::new(todo.iter().map(|trial| &trial.record));
    for (index, trial) in todo.iter().enumerate() {
        progress.begin(index, &trial.record);
        folder.begin(&trial.record, environment).map_err(Failure::work)?;
        let result = supervise(&program, folder, &trial.record, &mut |event| {
            progress.event(event);
            tables.derive_now_and_then();
        })
        .map_err(Failure::work)?;
        if result.status != Status::Ok {
            progress.warn(&format!(
                "{} seed {}: {}",
                trial.record.variant, trial.record.seed, result.error
            ));
        }
        progress.end(&trial.record);
        tables.derive().map_err(Failure::work)?;
    }
    progress.finish();
    tables.derive().map_err(Failure::work)
}

/// The tables at the top, brought up to date while trials run, but never for more than a small share of the time.
struct Tables<'a> {
    folder: &'a ResultFolder,
    trials: &'a [Trial],
    next: Instant,
}

impl<'a> Tables<'a> {
    /// The least time between two derivations while a trial runs.
    const PAUSE: Duration = Duration::from_secs(2);

    fn new(folder: &'a ResultFolder, experiment: &'a Experiment) -> Self {
        Self {
            folder,
            trials: &experiment.trials,
            next: Instant::now(),
        }
    }

    fn derive(&mut self) -> Result<Vec<TrialRow>, FolderError> {
        let begun = Instant::now();
        let rows = self.folder.derive_tables(self.trials)?;
        // At most a twentieth of the time goes into tables, however long they are.
        self.next = Instant::now() + Self::PAUSE.max(begun.elapsed() * 20);
        Ok(rows)
    }

    fn derive_now_and_then(&mut self) {
        // A table that cannot be written now is written at the trial's end, where an error is reported.
        if Instant::now() >= self.next {
            let _ = self.derive();
        }
    }
}

fn report(
    arguments: &Arguments,
    folder: &ResultFolder,
    rows: &[TrialRow],
    summary: &plot::Summary,
) -> Result<(), Failure> {
    if arguments.json {
        return print_json(&json!({
            "ablation": rows.first().map(|row| &row.ablation),
            "results": folder.root().display().to_string(),
            "trials": rows,
        }));
    }
    print(&summary.table)?;
    eprintln!("tables, plots and summary.md are in {}", folder.root().display());
    Ok(())
}
