//! The part of an ablation's work that a run does: what the command line or an array task's variables say.

use densenet_bench::trials::{ExperimentPlan, MEASUREMENTS, Share};
use densenet_bench::words::first_ten;

use super::{Arguments, Failure, Mode, Work};

/// What `--shard` or `--trial` says, else the variables of an array task. What is no part of the recorded work (an estimate, a
/// search for the largest batch) is not divided.
pub fn share_of(arguments: &Arguments) -> Result<Share, Failure> {
    if let Some(shard) = arguments.shard {
        let source = "--shard".to_owned();
        return Ok(Share::Shard {
            shard,
            source,
            gaps: arguments.steal,
        });
    }
    if let Some(trial) = &arguments.trial {
        return Ok(Share::Unit(trial.clone()));
    }
    if !matches!(arguments.mode(), Mode::List | Mode::Work(Work::MeasureAndTrain)) {
        return Ok(Share::All);
    }
    let task = Share::of_array_task(&|name| std::env::var(name).ok()).map_err(Failure::Input)?;
    match task {
        Some(share) if arguments.fresh => Err(Failure::Input(format!(
            "--fresh: this run is one of several on one folder, {}, and would move aside what the others do; start over once, \
             before them",
            share.in_words()
        ))),
        Some(Share::Shard { shard, source, gaps }) => Ok(Share::Shard {
            shard,
            source,
            gaps: gaps || arguments.steal,
        }),
        share => Ok(share.unwrap_or(Share::All)),
    }
}

/// Checks that a unit which was named is there.
pub fn check_share(share: &Share, plan: &ExperimentPlan, chosen: &[bool]) -> Result<(), Failure> {
    let file = plan.ablation.file.display();
    let trials = &plan.trials;
    let has_measurements = plan
        .ablation
        .variants
        .iter()
        .any(|variant| variant.settings.measure.is_some());
    match share {
        Share::All | Share::Shard { .. } => Ok(()),
        Share::Place { place, source } => {
            let units = trials.len() + usize::from(has_measurements);
            match *place < units {
                true => Ok(()),
                false => Err(Failure::Input(format!(
                    "{source}={place}: '{file}' has {units} units of work, counted from 0; `densenet-bench plan` lists them, and \
                     with DENSENET_BENCH_SHARDS=N a task is one of N shards"
                ))),
            }
        }
        Share::Unit(name) if name == MEASUREMENTS && has_measurements => Ok(()),
        Share::Unit(name) => match trials.iter().find(|trial| trial.trial == *name) {
            Some(trial) if chosen[trial.variant] => Ok(()),
            Some(trial) => Err(Failure::Input(format!(
                "--trial {name}: it is of the variant {}, which --only leaves out; leave --only out",
                plan.ablation.variants[trial.variant].name
            ))),
            None => {
                let names: Vec<&str> = trials.iter().map(|trial| trial.trial.as_str()).collect();
                let there = match names.is_empty() {
                    true => "none".to_owned(),
                    false => first_ten(&names),
                };
                Err(Failure::Input(format!(
                    "could not find trial '{name}' in '{file}'; it has {there}; `densenet-bench plan` lists them"
                )))
            }
        },
    }
}
