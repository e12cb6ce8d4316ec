//! `merge`: several result folders of one ablation become one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::files::read_text;
use densenet_bench::formats::ablation::{Ablation, LARGEST_FILE, parse_recorded};
use densenet_bench::host::vector_instructions;
use densenet_bench::measurement::{Cells, MeasurementRecord, Measurements, measurements, profiles, searches};
use densenet_bench::trials::{
    Experiment, ExperimentPlan, Merging, ResultFolder, Sharing, Trial, TrialStatus, foreign_file, overview, plan,
};
use densenet_bench::words::counted;
use serde_json::json;

use super::shared::Log;
use super::{Failure, Outcome, plot, print, print_json, report, say};

/// Join the result folders of one ablation, such as those of its shards on several machines
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench merge node1/growth node2/growth --into results/growth

The folders must have been made from the same ablation file. Trials, measurements and their records are copied; the tables, plots
and the report are those that one machine would have made. Two different results for one trial are an error, before anything is
copied. A folder that is there already gains what it has not yet; without any DIR its tables, plots and report are made anew.")]
pub struct Arguments {
    /// The result folders, such as node1/growth
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The result folder that they are joined into
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let sources: Vec<ResultFolder> = arguments
        .folders
        .iter()
        .map(|folder| ResultFolder::at(folder))
        .collect();
    let into = ResultFolder::at(&arguments.into);
    check_places(arguments, &into)?;
    let text = common_ablation(&sources, &into)?;
    for folder in &sources {
        folder.check_is_idle().map_err(Failure::input)?;
    }
    // Before anything is written: what is refused leaves no trace.
    let merging = Merging::of(&sources, &into).map_err(Failure::input)?;
    let membership = into.join(Sharing::Alone, "merge").map_err(Failure::input)?;
    into.create(&text).map_err(Failure::work)?;
    let log = Log::start("copying");
    merging
        .copy(&mut |done, all| log.update(&format!("copying: {done} of {all} folders")))
        .map_err(Failure::work)?;
    drop(log);
    into.adopt_environment(&sources).map_err(Failure::work)?;
    let is_whole = derive(&into, &text)?;
    let summary = plot::draw_folder(into.root())?;
    report::write_beside(into.root())?;
    drop(membership);
    match arguments.json {
        true => print_json(&json!({
            "ablation": summary.ablation,
            "results": into.root().display().to_string(),
            "trials": merging.trials,
            "finished": merging.finished,
            "measurements": merging.measurements,
        }))?,
        false => print(&summary.table)?,
    }
    say(&format!(
        "{} ({} finished) and {} are in {}",
        counted(merging.trials, "trial"),
        merging.finished,
        counted(merging.measurements, "measurement"),
        into.root().display()
    ));
    Ok(ExitCode::from(u8::from(!is_whole)))
}

fn check_places(arguments: &Arguments, into: &ResultFolder) -> Result<(), Failure> {
    let same = |folder: &&PathBuf| match (folder.canonicalize(), arguments.into.canonicalize()) {
        (Ok(one), Ok(two)) => one == two,
        _ => false,
    };
    if let Some(folder) = arguments.folders.iter().find(same) {
        return Err(Failure::Input(format!(
            "{}: it is also what the folders are joined into; name it with --into alone, whose own trials stay",
            folder.display()
        )));
    }
    if let Some(file) = foreign_file(into.root()) {
        return Err(Failure::Input(format!(
            "{}: this file would be replaced, and its folder has no ablation.toml, so no run has made it; name another folder with \
             --into, or move the file away",
            file.display()
        )));
    }
    Ok(())
}

/// The text of the ablation that all folders have.
fn common_ablation(sources: &[ResultFolder], into: &ResultFolder) -> Result<String, Failure> {
    let file = |folder: &ResultFolder| folder.root().join("ablation.toml");
    let mut common: Option<(PathBuf, String)> = None;
    let there = Some(into).filter(|into| file(into).is_file());
    for folder in there.into_iter().chain(sources) {
        folder.check_is_there().map_err(Failure::input)?;
        let path = file(folder);
        let text = read_text(&path, LARGEST_FILE)
            .map_err(|error| Failure::Input(format!("{}: {error}; name a result folder", path.display())))?;
        match &common {
            None => common = Some((path, text)),
            Some((_, known)) if *known == text => {}
            Some((first, known)) => {
                let line = known
                    .lines()
                    .zip(text.lines())
                    .take_while(|(one, two)| one == two)
                    .count()
                    + 1;
                return Err(Failure::Input(format!(
                    "{}:{line}: it differs here from {}; only folders of one ablation file are joined",
                    path.display(),
                    first.display()
                )));
            }
        }
    }
    common.map(|(_, text)| text).ok_or_else(|| {
        Failure::Input(format!(
            "{}: no folder is named that could be joined into it; name one or more before --into",
            into.root().display()
        ))
    })
}

/// Derives the tables at the top; whether every trial's own are whole.
fn derive(into: &ResultFolder, text: &str) -> Result<bool, Failure> {
    let path = into.root().join("ablation.toml");
    let ablation = parse_recorded(text, &path).map_err(Failure::ablation)?;
    let measurements = Measurements::of(into);
    let recorded = measurements.recorded().map_err(Failure::work)?;
    let (trials, planned) = match plan(ablation.clone()) {
        Ok(plan) => {
            let fingerprint = |variant: usize| fingerprint_of(into, &plan, variant, &recorded);
            let experiment = plan.clone().recorded(&fingerprint);
            let planned = planned_of(&experiment, &recorded);
            (experiment.trials, planned)
        }
        Err(error) => {
            say(&format!("note: {error}; so the tables have what was started alone"));
            (started(into, &ablation)?, Planned::sorted(recorded))
        }
    };
    let derived = into.derive_tables(&trials).map_err(Failure::work)?;
    for fault in &derived.damaged {
        say(&format!("error: {fault}"));
    }
    measurements.derive_tables(&planned.measured).map_err(Failure::work)?;
    measurements.derive_profile(&planned.profiled).map_err(Failure::work)?;
    measurements
        .derive_boundaries(&planned.searched)
        .map_err(Failure::work)?;
    Ok(derived.damaged.is_empty())
}

/// The fingerprint of a variant's data, by the records of its trials and measurements.
fn fingerprint_of(
    into: &ResultFolder,
    plan: &ExperimentPlan,
    variant: usize,
    recorded: &[MeasurementRecord],
) -> Option<String> {
    let trials = plan.trials.iter().filter(|trial| trial.variant == variant);
    let of_trials = trials.filter_map(|trial| into.record(&trial.trial).ok().flatten());
    let mut of_trials = of_trials.map(|record| record.data_fingerprint);
    let name = &plan.ablation.variants[variant].name;
    let of_measurements = || {
        let record = recorded.iter().find(|record| record.spec.variant == *name)?;
        Some(record.spec.data_fingerprint.clone())
    };
    of_trials.next().or_else(of_measurements)
}

/// What an ablation's measurements are, by the table that each is for.
#[derive(Default)]
struct Planned {
    measured: Vec<MeasurementRecord>,
    profiled: Vec<MeasurementRecord>,
    searched: Vec<MeasurementRecord>,
}

impl Planned {
    /// Of what was started.
    fn sorted(recorded: Vec<MeasurementRecord>) -> Self {
        let mut sorted = Self::default();
        for record in recorded {
            let of_its_kind = match (record.spec.batch_size, record.spec.profile_steps) {
                (0, _) => &mut sorted.searched,
                (_, 0) => &mut sorted.measured,
                _ => &mut sorted.profiled,
            };
            of_its_kind.push(record);
        }
        sorted
    }
}

/// The measurements, the profiles and the searches of an experiment on each machine that has made some, as that machine planned
/// them. Of several machines those alone that were started.
fn planned_of(experiment: &Experiment, recorded: &[MeasurementRecord]) -> Planned {
    let mut machines: Vec<&MeasurementRecord> = Vec::new();
    for record in recorded {
        let is_same = |other: &&MeasurementRecord| {
            (&other.origin, &other.spec.device, other.spec.threads)
                == (&record.origin, &record.spec.device, record.spec.threads)
        };
        if !machines.iter().any(is_same) {
            machines.push(record);
        }
    }
    let every = vec![true; experiment.ablation.variants.len()];
    let mut planned = Planned::default();
    for machine in &machines {
        let Ok(device) = machine.spec.device.parse() else {
            continue;
        };
        let cells = Cells {
            device,
            threads: Some(machine.spec.threads),
            available_threads: machine.spec.threads,
            memory_limit: machine.spec.memory_limit,
            instructions: vector_instructions(),
            origin: &machine.origin,
        };
        planned.measured.extend(measurements(experiment, &every, cells));
        planned.profiled.extend(profiles(experiment, &every, cells));
        planned.searched.extend(searches(experiment, &every, cells));
    }
    let is_started = |record: &MeasurementRecord| recorded.iter().any(|other| other.measurement == record.measurement);
    if machines.len() > 1 {
        planned.measured.retain(is_started);
        planned.profiled.retain(is_started);
        planned.searched.retain(is_started);
    }
    planned
}

/// The trials that have been started, in the ablation's order.
fn started(into: &ResultFolder, ablation: &Ablation) -> Result<Vec<Trial>, Failure> {
    let mut warn = |text: String| say(&format!("warning: {text}"));
    let all = overview(into, ablation, &BTreeMap::new(), &mut warn).map_err(Failure::input)?;
    let current = all.into_iter().filter(|status| !status.stale);
    let trial = |status: TrialStatus| {
        let variant = ablation
            .variants
            .iter()
            .position(|variant| variant.name == status.variant)?;
        Some(Trial {
            variant,
            record: status.record?,
        })
    };
    Ok(current.filter_map(trial).collect())
}
