//! `run`: measure, train every variant with every seed, record, plot.

mod faults;
mod folder;
mod said;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;
use densenet_bench::backends::{BackendDevice, DeviceChoice, DeviceError, device_help};
use densenet_bench::formats::ablation::{Ablation, Settings, parse};
use densenet_bench::formats::tables::{BatchRow, BoundaryRow, Status, TrialRow};
use densenet_bench::host::{
    Environment, Stop, available_memory, available_threads, build, check_arithmetic, check_execution,
    compute_capability, now,
};
use densenet_bench::measurement::{Cells, MeasurementRecord, Measurements, RoundSpec, measurements, searches};
use densenet_bench::trials::{ResultFolder, Trial};

use super::measure::Measuring;
use super::train::Training;
use super::worker::Workers;
use super::{Failure, Outcome, experiment, plot, print, say};
use faults::Faults;
use folder::{hold, unfinished, unusable};
use said::{announce, counted, interrupted, report, work_of};

/// Train every variant of an ablation with every seed, measure each at its batch sizes, record it to CSV and draw plots
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench run ablations/growth.toml
  densenet-bench run ablations/growth.toml --only 'growth-rate=1*' --threads 2
  densenet-bench run my.toml --out /scratch/results --device cuda:0
  densenet-bench run ablations/article.toml --find-max-batch --memory-limit 11GB

The results go to results/NAME/ (or DIR/NAME/). A trial that is finished is not run again; one that was stopped or killed
goes on from its last checkpoint. Ctrl-C stops after the step at work, a second one at once.")]
pub struct Arguments {
    /// The ablation file
    file: PathBuf,
    /// Where the folder NAME with the results goes
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    #[arg(long, default_value = "auto", value_parser = parse_device, help = device_help())]
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
    /// Start over; the old results are kept aside, in NAME.1, NAME.2, …
    #[arg(long)]
    fresh: bool,
    /// How long a trial, or a round of a measurement, may last, such as 90s, 30m or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// Instead of all else, find the largest batch of each variant by trying
    #[arg(long)]
    find_max_batch: bool,
    /// The bytes of live tensors that a measurement may have on the CPU, such as 11GB; all that is available unless given
    #[arg(long, value_name = "SIZE", value_parser = super::size::parse)]
    memory_limit: Option<u64>,
    /// Print the mean training loss every N batches to stderr, as "[Epoch 1, Batch 100] loss: 3.697"
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..).map(|every| every as usize))]
    print_loss_every: Option<usize>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// `--timeout` for clap.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("it must be a time above 0 with its unit, such as 90s, 30m or 12h".to_owned()),
    }
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
    check_switches(&ablation, &chosen, device)?;
    let mut experiment = experiment::checked(ablation)?;
    let threads = |settings: &Settings| {
        let given = arguments.threads.map(usize::from).or(settings.run.threads);
        given.unwrap_or_else(available_threads)
    };
    let variants = experiment.ablation.variants.iter().zip(&chosen);
    for (variant, _) in variants.filter(|(_, chosen)| **chosen) {
        check_threads(threads(&variant.settings), available_threads())?;
    }
    let program = std::env::current_exe()
        .map_err(|error| Failure::Work(format!("the program's own path cannot be found: {error}")))?;
    let revision = build::revision_of(&program);
    for trial in &mut experiment.trials {
        trial.record.device = device.to_string();
        trial.record.threads = threads(&trial.record.settings);
        trial.record.revision.clone_from(&revision);
    }
    let selected: Vec<&Trial> = experiment.trials.iter().filter(|trial| chosen[trial.variant]).collect();
    let cells = Cells {
        device,
        threads: arguments.threads.map(usize::from),
        available_threads: available_threads(),
        memory_limit: memory_limit(arguments, device)?,
        revision: &revision,
    };
    let every_variant = vec![true; chosen.len()];
    let planned = measurements(&experiment, &every_variant, cells);
    let to_measure = measurements(&experiment, &chosen, cells);
    if arguments.list {
        return list(&selected, to_measure.len());
    }
    if selected.is_empty() && to_measure.is_empty() && !arguments.find_max_batch {
        return Err(Failure::Input(format!(
            "{}: the variants have neither [train] nor [measure], so there is nothing to run; add one, or use `describe` or `evaluate`",
            arguments.file.display()
        )));
    }

    let first = experiment
        .ablation
        .variants
        .iter()
        .zip(&chosen)
        .find(|(_, chosen)| **chosen);
    let settings = first.map_or(&experiment.ablation.variants[0].settings, |(variant, _)| {
        &variant.settings
    });
    let gpu = (device.backend().accelerators)();
    let mut environment = Environment::observe(device, gpu, &settings.run, threads(settings));

    let folder = ResultFolder::new(&arguments.out, &experiment.ablation.name);
    let _held = hold(&folder, arguments.fresh)?;
    let trains = !arguments.find_max_batch;
    let todo = match trains {
        true => unfinished(&folder, &selected, &environment, device)?,
        false => Vec::new(),
    };
    let mut unmeasured = 0;
    for record in to_measure.iter().filter(|_| trains) {
        unmeasured += usize::from(!Measurements::of(&folder).is_whole(record).map_err(Failure::input)?);
    }
    folder.create(&text).map_err(unusable)?;
    // The surroundings of a run that had nothing to do are not those of its results.
    let has_work = !trains || !todo.is_empty() || unmeasured > 0;
    if has_work {
        folder.record_environment(&environment).map_err(unusable)?;
    }
    let stop = Stop::on_request().map_err(|error| Failure::Work(format!("signals cannot be heard: {error}")))?;
    let workers = Workers {
        program: &program,
        folder: &folder,
        environment: &environment,
        device,
        timeout: arguments.timeout,
        stop: &stop,
    };
    let measuring = Measuring(&workers);
    let training = Training {
        workers: &workers,
        print_loss_every: arguments.print_loss_every,
    };

    let mut done = Done::default();
    let mut faults = Faults::default();
    if trains {
        let work = work_of((selected.len(), todo.len()), (to_measure.len(), unmeasured));
        announce(&folder, &environment, &work);
        // Measured before anything is trained: it is short, and tells whether the batches fit.
        if !to_measure.is_empty() {
            faults.past(measuring.measure(&to_measure, &planned));
        }
        if !stop.is_asked() {
            faults.past(training.train(&experiment, &todo));
        }
    } else {
        announce(&folder, &environment, "a search for the largest batch of each variant");
        let found = measuring.find_largest(&experiment, &chosen, cells, arguments.memory_limit);
        done.searched = faults.past(found).unwrap_or_default();
    }
    // All tables are this ablation's, whatever part of it was run and however it ended.
    if let Some(derived) = faults.past(folder.derive_tables(&experiment.trials).map_err(Failure::work)) {
        done.trials = derived.rows;
        for fault in &derived.damaged {
            faults.tell(fault);
        }
    }
    let all = Measurements::of(&folder);
    let batches = all.derive_tables(&planned).map_err(Failure::work);
    done.batches = faults.past(batches).unwrap_or_default();
    let boundaries = all.derive_boundaries(&searches(&experiment, &every_variant, cells));
    let boundaries = faults.past(boundaries.map_err(Failure::work)).unwrap_or_default();
    if has_work {
        environment.ended = Some(now());
        faults.past(folder.record_environment(&environment).map_err(Failure::work));
    }
    if let (Some(signal), Some(status)) = (stop.signal_name(), stop.exit_status()) {
        interrupted(arguments, &done, signal, &folder)?;
        return Ok(ExitCode::from(status));
    }
    if let Some(summary) = faults.past(plot::draw_folder(folder.root())) {
        report(arguments, &folder, &done, &boundaries, &summary)?;
    }
    let failed = match trains {
        true => done.has_failures(&selected, &to_measure),
        false => done.has_failures(&[], &[]),
    };
    // Whatever is wrong now, something was run: this is no bad input any more.
    Ok(ExitCode::from(u8::from(failed || faults.any())))
}

/// The rows of the whole ablation, and those of the searches that were made now.
#[derive(Default)]
struct Done {
    trials: Vec<TrialRow>,
    batches: Vec<BatchRow>,
    searched: Vec<BoundaryRow>,
}

impl Done {
    /// Whether something that was asked for did not end well. That a batch is too large is what a search looks for.
    fn has_failures(&self, trials: &[&Trial], measurements: &[MeasurementRecord]) -> bool {
        let trial =
            |row: &TrialRow| row.status != Status::Ok && trials.iter().any(|trial| trial.record.trial == row.trial);
        let batch = |row: &BatchRow| {
            let is = |spec: &RoundSpec| {
                (&row.variant, row.device.as_str(), row.threads) == (&spec.variant, &spec.device, spec.threads)
            };
            row.status != Status::Ok && measurements.iter().any(|record| is(&record.spec))
        };
        let search = |row: &BoundaryRow| row.status != Status::Ok || row.largest_batch_size.is_none();
        self.trials.iter().any(trial) || self.batches.iter().any(batch) || self.searched.iter().any(search)
    }
}

/// Checks that the device can honour what `[run]` says of execution, determinism and precision.
pub fn check_switches(ablation: &Ablation, chosen: &[bool], device: BackendDevice) -> Result<(), Failure> {
    for (variant, _) in ablation.variants.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
        check_arithmetic(&variant.settings.run, device, compute_capability)
            .and_then(|()| check_execution(&variant.settings.run, device))
            .map_err(|error| Failure::input(ablation.located(variant, error.key, error.rule, &error.remedy)))?;
    }
    Ok(())
}

/// Refuses a slip of the pen: so many threads would not end a step, and their rows would stay.
fn check_threads(threads: usize, available: usize) -> Result<(), Failure> {
    let most = 8 * available;
    if threads <= most {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "{threads} threads: this machine runs {available} at once; ask for at most {most}, with --threads or run.threads"
    )))
}

/// The bytes of live tensors that a measurement may have. On the CPU it is what is available now, unless told: the
/// system would otherwise kill processes, and not always the one that asked for too much.
fn memory_limit(arguments: &Arguments, device: BackendDevice) -> Result<Option<u64>, Failure> {
    match (arguments.memory_limit, device.backend().limits_memory) {
        (None, true) => Ok(available_memory()),
        (limit, true) | (limit @ None, false) => Ok(limit),
        (Some(_), false) => Err(Failure::Input(format!(
            "--memory-limit: the memory of {device} cannot be held to a number; leave it out, or take --device cpu"
        ))),
    }
}

/// Which variants `--only` leaves.
pub fn chosen_variants(ablation: &Ablation, only: Option<&str>) -> Result<Vec<bool>, Failure> {
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

fn list(trials: &[&Trial], measurements: usize) -> Outcome {
    let line = |trial: &&Trial| {
        let record = &trial.record;
        format!(
            "{}  {}  seed={}  parameters={}  macs={}  steps={}\n",
            record.trial, record.variant, record.seed, record.parameters, record.macs, record.steps
        )
    };
    print(&trials.iter().map(line).collect::<String>())?;
    if measurements > 0 {
        say(&format!("and {}", counted(measurements, "measurement")));
    }
    Ok(ExitCode::SUCCESS)
}
