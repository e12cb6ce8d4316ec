//! An ablation whose data were read, and this machine.

use std::path::PathBuf;

use densenet_bench::backends::BackendDevice;
use densenet_bench::host::{
    Environment, GpuRecord, Stop, build, choose_threads_of, host_name, this_processor, vector_instructions,
};
use densenet_bench::measurement::{Cells, MeasurementRecord, Origin, measurements};
use densenet_bench::trials::{Experiment, Share, Trial};

use super::Failure;
use super::plan::{Plan, threads};
use crate::commands::shared::{Log, ablation};

/// An ablation whose data were read, and this machine: all that starting a process needs but a folder.
pub struct Ready {
    /// The ablation file.
    pub text: String,
    /// The ablation with its data's fingerprints.
    pub experiment: Experiment,
    /// The variants that `--only` leaves.
    pub chosen: Vec<bool>,
    /// The part of the work that this run does.
    pub share: Share,
    /// The device.
    pub device: BackendDevice,
    /// This program.
    pub program: PathBuf,
    /// `--threads`.
    pub threads: Option<usize>,
    gpu: Option<String>,
    /// What measurements of it are of.
    pub origin: Origin,
    /// Bytes of live tensors that a measurement may have.
    pub memory_limit: Option<u64>,
}

/// Reads the data.
pub fn ready(plan: Plan) -> Result<Ready, Failure> {
    let Plan {
        text,
        experiment,
        chosen,
        share,
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
        at_once: 1,
    };
    for trial in &mut experiment.trials {
        trial.record.device = device.to_string();
        trial.record.cpu.clone_from(&origin.cpu);
        trial.record.revision.clone_from(&origin.revision);
        trial.record.host = host_name();
    }
    let mut ready = Ready {
        text,
        experiment,
        chosen,
        share,
        device,
        program,
        threads: given_threads,
        gpu,
        origin,
        memory_limit,
    };
    ready.train_at_once(1);
    Ok(ready)
}

impl Ready {
    /// Makes the trials such that so many of them run at once; what is doubtful about their threads.
    pub fn train_at_once(&mut self, at_once: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        for trial in &mut self.experiment.trials {
            let choice = threads(at_once, self.threads, &trial.record.settings);
            trial.record.threads = choice.threads;
            trial.record.at_once = at_once;
            for warning in choice.warnings {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        warnings
    }

    /// Makes the measurements such that so many of them run at once, which share the memory that is available; a limit that
    /// was given is that of each.
    pub fn measure_at_once(&mut self, at_once: usize, is_limit_given: bool) {
        self.origin.at_once = at_once;
        if !is_limit_given {
            self.memory_limit = self.memory_limit.map(|limit| limit / at_once as u64);
        }
    }

    /// The environment of a run that starts now, and what is doubtful about its threads.
    pub fn environment(&self) -> (Environment, Vec<String>) {
        let first = self.chosen.iter().position(|chosen| *chosen).unwrap_or(0);
        let settings = &self.experiment.ablation.variants[first].settings;
        let choice = threads(1, self.threads, settings);
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

    /// The trials of the chosen variants in this run's share, with their places, and behind them those that it takes up where
    /// nobody else has them.
    pub fn own(&self) -> Vec<(usize, &Trial)> {
        let trials = self.experiment.trials.iter().enumerate();
        let chosen = trials.filter(|(_, trial)| self.chosen[trial.variant]);
        let is_own = |(place, trial): &(usize, &Trial)| self.share.includes_trial(*place, &trial.record.trial);
        let (own, mut others): (Vec<_>, Vec<_>) = chosen.partition(is_own);
        if !self.share.takes_up_others() {
            others.clear();
        }
        own.into_iter().chain(others).collect()
    }

    /// Whether the measurements are in this run's share.
    pub fn measures(&self) -> bool {
        let (name, trials) = (&self.experiment.ablation.name, self.experiment.trials.len());
        self.share.includes_measurements(name, trials) || self.share.takes_up_others()
    }

    /// The measurements of the chosen variants.
    pub fn to_measure(&self) -> Vec<MeasurementRecord> {
        measurements(&self.experiment, &self.chosen, self.cells())
    }

    /// What the measurements have in common.
    pub fn cells(&self) -> Cells<'_> {
        cells(self.device, self.threads, self.memory_limit, &self.origin)
    }
}

/// Whether the run is asked to stop, from now on.
pub fn stop_on_request() -> Result<Stop, Failure> {
    Stop::on_request().map_err(|error| Failure::Work(format!("signals cannot be received: {error}")))
}

/// What the measurements have in common on this machine.
pub fn cells(device: BackendDevice, threads: Option<usize>, memory_limit: Option<u64>, origin: &Origin) -> Cells<'_> {
    Cells {
        device,
        threads,
        available_threads: choose_threads_of(origin.at_once, None, None).threads,
        memory_limit,
        instructions: vector_instructions(),
        origin,
    }
}
