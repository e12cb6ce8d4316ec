//! From a plan to work: read the data, hold the result folder, and find the work that is left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use densenet_bench::backends::BackendDevice;
use densenet_bench::host::{Environment, GpuRecord, Stop, build, default_threads, this_processor, vector_instructions};
use densenet_bench::measurement::{Cells, MeasurementRecord, Measurements, Origin, measurements, profiles, searches};
use densenet_bench::trials::{Experiment, Lock, ResultFolder, Trial, count_stale};

use super::messages::{say_of_others, say_of_stale};
use super::plan::{Plan, threads};
use super::resume::{hold, unfinished, unusable};
use super::{Arguments, Failure, Work, say};
use crate::commands::shared::{Log, ablation};

/// All that a run works with.
pub struct Prepared {
    /// The work to do.
    pub work: Work,
    /// The ablation with its data's fingerprints.
    pub experiment: Experiment,
    /// The variants that `--only` leaves.
    pub chosen: Vec<bool>,
    /// The trials that have no final numbers yet, as indices into the experiment's.
    pub todo: Vec<usize>,
    /// The measurements of the whole ablation.
    pub planned: Vec<MeasurementRecord>,
    /// The profiles of the whole ablation.
    pub every_profile: Vec<MeasurementRecord>,
    /// The measurements of the chosen variants, or their profiles where these are the work.
    pub to_measure: Vec<MeasurementRecord>,
    /// How many of them are missing.
    pub unmeasured: usize,
    /// The result folder.
    pub folder: ResultFolder,
    /// The machine.
    pub environment: Environment,
    /// The device.
    pub device: BackendDevice,
    /// This program.
    pub program: PathBuf,
    /// Whether the run was asked to stop.
    pub stop: Stop,
    /// `--threads`.
    pub threads: Option<usize>,
    origin: Origin,
    memory_limit: Option<u64>,
    _held: Lock,
}

/// An ablation whose data were read, and this machine: all that starting a process needs but a folder.
pub struct Ready {
    /// The ablation file.
    text: String,
    /// The ablation with its data's fingerprints.
    pub experiment: Experiment,
    /// The variants that `--only` leaves.
    chosen: Vec<bool>,
    /// The device.
    pub device: BackendDevice,
    /// This program.
    pub program: PathBuf,
    /// `--threads`.
    pub threads: Option<usize>,
    gpu: Option<String>,
    origin: Origin,
    memory_limit: Option<u64>,
}

/// Reads the data.
pub fn ready(plan: Plan) -> Result<Ready, Failure> {
    let Plan {
        text,
        experiment,
        chosen,
        device,
        threads: given_threads,
        memory_limit,
    } = plan;
    let mut experiment = {
        let _log = Log::start("reading the data");
        ablation::prepared(experiment)?
    };
    let program = std::env::current_exe()
        .map_err(|error| Failure::Work(format!("the program's own path cannot be found: {error}")))?;
    let gpu = (device.backend().accelerators)();
    let origin = Origin {
        cpu: this_processor(),
        gpu: gpu.clone(),
        revision: build::revision_of(&program),
    };
    for trial in &mut experiment.trials {
        trial.record.device = device.to_string();
        trial.record.threads = threads(given_threads, &trial.record.settings).threads;
        trial.record.cpu.clone_from(&origin.cpu);
        trial.record.revision.clone_from(&origin.revision);
    }
    Ok(Ready {
        text,
        experiment,
        chosen,
        device,
        program,
        threads: given_threads,
        gpu,
        origin,
        memory_limit,
    })
}

impl Ready {
    /// The environment of a run that starts now, and what is doubtful about its threads.
    pub fn environment(&self) -> (Environment, Vec<String>) {
        let first = self.chosen.iter().position(|chosen| *chosen).unwrap_or(0);
        let settings = &self.experiment.ablation.variants[first].settings;
        let choice = threads(self.threads, settings);
        let environment = Environment {
            threads_source: choice.source,
            gpu_record: GpuRecord::of(self.device),
            ..Environment::observe(self.device, self.gpu.clone(), &settings.run, choice.threads)
        };
        (environment, choice.warnings)
    }

    /// The trials of the chosen variants.
    pub fn selected(&self) -> impl Iterator<Item = &Trial> {
        let trials = self.experiment.trials.iter();
        trials.filter(|trial| self.chosen[trial.variant])
    }

    /// The measurements of the chosen variants.
    pub fn to_measure(&self) -> Vec<MeasurementRecord> {
        measurements(&self.experiment, &self.chosen, self.cells())
    }

    fn cells(&self) -> Cells<'_> {
        cells(self.device, self.threads, self.memory_limit, &self.origin)
    }
}

/// Whether the run is asked to stop, from now on.
pub fn stop_on_request() -> Result<Stop, Failure> {
    Stop::on_request().map_err(|error| Failure::Work(format!("signals cannot be received: {error}")))
}

/// Reads the data and takes the result folder.
pub fn prepare(plan: Plan, work: Work, arguments: &Arguments) -> Result<Prepared, Failure> {
    let ready = ready(plan)?;
    let every = vec![true; ready.chosen.len()];
    let planned = measurements(&ready.experiment, &every, ready.cells());
    let every_profile = profiles(&ready.experiment, &every, ready.cells());
    let to_measure = match work {
        Work::Profile => of_the_chosen(&every_profile, &ready),
        Work::MeasureAndTrain | Work::FindLargestBatch => of_the_chosen(&planned, &ready),
    };
    let (environment, warnings) = ready.environment();

    let folder = ResultFolder::new(&arguments.out, &ready.experiment.ablation.name);
    let held = hold(&folder, arguments.fresh)?;
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    let mut todo = Vec::new();
    let mut unmeasured = 0;
    match work {
        Work::MeasureAndTrain => {
            let trials = &ready.experiment.trials;
            say_of_stale(count_stale(&folder, trials), &folder);
            let selected = trials.iter().enumerate();
            let selected = selected.filter(|(_, trial)| ready.chosen[trial.variant]);
            todo = unfinished(&folder, selected, &environment, ready.device)?;
            unmeasured = missing(&folder, &to_measure)?;
        }
        Work::Profile => unmeasured = missing(&folder, &to_measure)?,
        Work::FindLargestBatch => {}
    }
    if work != Work::FindLargestBatch {
        let others = Measurements::of(&folder).of_others(&to_measure);
        say_of_others(&others.map_err(Failure::input)?, &folder);
    }
    folder.create(&ready.text).map_err(unusable)?;
    let prepared = Prepared {
        work,
        chosen: ready.chosen,
        todo,
        planned,
        every_profile,
        to_measure,
        unmeasured,
        folder,
        environment,
        device: ready.device,
        program: ready.program,
        stop: stop_on_request()?,
        origin: ready.origin,
        threads: ready.threads,
        memory_limit: ready.memory_limit,
        experiment: ready.experiment,
        _held: held,
    };
    if prepared.has_work() {
        prepared
            .folder
            .record_environment(&prepared.environment)
            .map_err(unusable)?;
    }
    Ok(prepared)
}

/// How many of these measurements are not complete.
fn missing(folder: &ResultFolder, records: &[MeasurementRecord]) -> Result<usize, Failure> {
    let mut missing = 0;
    for record in records {
        missing += usize::from(!Measurements::of(folder).is_whole(record).map_err(Failure::input)?);
    }
    Ok(missing)
}

/// Of the whole ablation's measurements those of the chosen variants.
fn of_the_chosen(planned: &[MeasurementRecord], ready: &Ready) -> Vec<MeasurementRecord> {
    let variants = ready.experiment.ablation.variants.iter().zip(&ready.chosen);
    let names: BTreeSet<&str> = variants
        .filter_map(|(variant, chosen)| chosen.then_some(variant.name.as_str()))
        .collect();
    let is_chosen = |record: &&MeasurementRecord| names.contains(record.spec.variant.as_str());
    planned.iter().filter(is_chosen).cloned().collect()
}

impl Prepared {
    /// Whether anything is left to do. The environment of a run that had nothing to do is not that of its results.
    pub fn has_work(&self) -> bool {
        match self.work {
            Work::MeasureAndTrain => !self.todo.is_empty() || self.unmeasured > 0,
            Work::Profile => self.unmeasured > 0,
            Work::FindLargestBatch => true,
        }
    }

    /// The trials of the chosen variants.
    pub fn selected(&self) -> impl Iterator<Item = &Trial> {
        let trials = self.experiment.trials.iter();
        trials.filter(|trial| self.chosen[trial.variant])
    }

    /// The trials that have no final numbers yet, in the order of work.
    pub fn unfinished(&self) -> Vec<&Trial> {
        self.experiment.seed_by_seed(&self.todo)
    }

    /// What the measurements have in common.
    pub fn cells(&self) -> Cells<'_> {
        cells(self.device, self.threads, self.memory_limit, &self.origin)
    }

    /// Keys of the largest-batch searches of the whole ablation.
    pub fn every_search(&self) -> Vec<MeasurementRecord> {
        searches(&self.experiment, &vec![true; self.chosen.len()], self.cells())
    }
}

/// What the measurements have in common on this machine.
fn cells(device: BackendDevice, threads: Option<usize>, memory_limit: Option<u64>, origin: &Origin) -> Cells<'_> {
    Cells {
        device,
        threads,
        available_threads: default_threads(),
        memory_limit,
        instructions: vector_instructions(),
        origin,
    }
}
