//! The work of a run, planned before any image is read and any file written.

use std::path::Path;
use std::process::ExitCode;

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::ablation::{Settings, with_overrides};
use densenet_bench::host::{ThreadChoice, available_memory, available_threads, choose_threads_of};
use densenet_bench::measurement::{count_measurements, profiled};
use densenet_bench::trials::{ExperimentPlan, PlannedTrial, Share};
use densenet_bench::words::{counted, grouped};

use super::part::{check_share, share_of};
use super::{Arguments, Failure, Mode, Outcome, Work, print, say};
use crate::commands::shared::{ablation, device, units};

/// An ablation that fits its data, and how it is run on this machine.
pub struct Plan {
    /// The ablation file.
    pub text: String,
    /// The ablation's trials and measurements.
    pub experiment: ExperimentPlan,
    /// The variants that `--only` leaves.
    pub chosen: Vec<bool>,
    /// The part of the work that this run does.
    pub share: Share,
    /// The device.
    pub device: BackendDevice,
    /// `--threads`, which wins over `run.threads`.
    pub threads: Option<usize>,
    /// Bytes of live tensors that a measurement may have.
    pub memory_limit: Option<u64>,
}

/// Checks all that can be checked without the images.
pub fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let written = ablation::text_of(&arguments.file)?;
    let text = with_overrides(&written, &arguments.set, &arguments.file).map_err(Failure::ablation)?;
    let parsed = ablation::parsed(&text, &arguments.file)?;
    let chosen = ablation::chosen_variants(&parsed, arguments.only.as_deref())?;
    let device = device::resolved(arguments.device)?;
    let settled = device::settled(parsed, &chosen, device)?;
    let text = settled.kept(text)?;
    let executions = settled.executions;
    let plan = Plan {
        text,
        experiment: ablation::planned(settled.ablation)?,
        chosen,
        share: share_of(arguments)?,
        device,
        threads: arguments.threads.map(usize::from),
        memory_limit: memory_limit(arguments, device)?,
    };
    let variants = plan.experiment.ablation.variants.iter().zip(&plan.chosen);
    for (variant, _) in variants.filter(|(_, chosen)| **chosen) {
        check_threads(&threads(1, plan.threads, &variant.settings), available_threads())?;
    }
    let is_empty = plan.all_trials().next().is_none() && plan.all_measurements() == 0;
    if is_empty && matches!(arguments.mode(), Mode::Estimate | Mode::Work(Work::MeasureAndTrain)) {
        return Err(Failure::Input(format!(
            "{}: the variants have neither [train] nor [measure], so there is nothing to run; add one, or use `describe` or `evaluate`",
            arguments.file.display()
        )));
    }
    if matches!(arguments.mode(), Mode::Work(Work::Profile)) {
        plan.check_profiles(&arguments.file)?;
    }
    check_share(&plan.share, &plan.experiment, &plan.chosen)?;
    for execution in executions {
        say(&format!("execution \"auto\" on {device}: {execution}"));
    }
    Ok(plan)
}

/// The threads that a variant's trials run with, of which `at_once` run at once; `given` is `--threads`.
pub fn threads(at_once: usize, given: Option<usize>, settings: &Settings) -> ThreadChoice {
    choose_threads_of(at_once, given, settings.run.threads)
}

impl Plan {
    /// The trials of the chosen variants.
    fn all_trials(&self) -> impl Iterator<Item = (usize, &PlannedTrial)> {
        let trials = self.experiment.trials.iter().enumerate();
        trials.filter(|(_, trial)| self.chosen[trial.variant])
    }

    /// Those in this run's share.
    fn trials(&self) -> impl Iterator<Item = &PlannedTrial> {
        let trials = self.all_trials();
        trials.filter_map(|(place, trial)| self.share.includes_trial(place, &trial.trial).then_some(trial))
    }

    /// How many measurements the chosen variants ask for.
    fn all_measurements(&self) -> usize {
        count_measurements(&self.experiment.ablation, &self.chosen)
    }

    /// Refuses batches that no training step can be made on: `[measure]` may have them for evaluation.
    fn check_profiles(&self, file: &Path) -> Result<(), Failure> {
        let variants = self.experiment.ablation.variants.iter().zip(&self.experiment.variants);
        let chosen = variants.zip(&self.chosen).filter(|(_, chosen)| **chosen);
        for ((variant, planned), _) in chosen {
            for size in profiled(&variant.settings).batch_sizes {
                planned
                    .network
                    .check_training_batch(size)
                    .map_err(|error| Failure::Input(format!("{}: {}: {error}", file.display(), variant.name)))?;
            }
        }
        Ok(())
    }

    /// How many of them are in this run's share.
    fn measurements(&self) -> usize {
        let (name, trials) = (&self.experiment.ablation.name, self.experiment.trials.len());
        match self.share.includes_measurements(name, trials) {
            true => self.all_measurements(),
            false => 0,
        }
    }

    /// Prints the trials, one a line.
    pub fn list(&self) -> Outcome {
        let units = units::of(&self.experiment, &self.chosen);
        let own = units
            .iter()
            .filter(|unit| self.share.includes_trial(unit.place, unit.trial));
        print(&own.map(units::Unit::line).collect::<String>())?;
        say(&self.summed_up());
        Ok(ExitCode::SUCCESS)
    }

    /// `12 trials of 2,760 steps and 172,440 images in all, and 4 measurements`.
    fn summed_up(&self) -> String {
        let lengths = || {
            self.trials()
                .filter_map(|trial| self.experiment.variants[trial.variant].length)
        };
        let steps: usize = lengths().map(|length| length.steps).sum();
        let images: usize = lengths().map(|length| length.images).sum();
        let trials = counted(self.trials().count(), "trial");
        let trials = match steps {
            0 => trials,
            _ => format!(
                "{trials} of {} steps and {} images in all",
                grouped(steps as u64),
                grouped(images as u64)
            ),
        };
        match self.measurements() {
            0 => trials,
            measurements => format!("{trials}, and {}", counted(measurements, "measurement")),
        }
    }
}

/// Refuses a typo: so many threads would not end a step, and their rows would stay.
fn check_threads(choice: &ThreadChoice, available: usize) -> Result<(), Failure> {
    let most = 8 * available;
    let (threads, source) = (choice.threads, &choice.source);
    if threads <= most {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "{threads} threads ({source}): this machine runs {available} at once; ask for at most {most}, with --threads or run.threads"
    )))
}

/// The bytes of live tensors that a measurement may have. On the CPU it is what is available now, unless given: the
/// system would otherwise kill processes, and not always the one that asked for too much.
fn memory_limit(arguments: &Arguments, device: BackendDevice) -> Result<Option<u64>, Failure> {
    match (arguments.memory_limit, device.backend().limits_memory) {
        (None, true) => Ok(available_memory()),
        (limit, true) | (limit @ None, false) => Ok(limit),
        (Some(_), false) => Err(Failure::Input(format!(
            "--memory-limit: the memory of {device} cannot be limited; leave it out, or take --device cpu"
        ))),
    }
}
