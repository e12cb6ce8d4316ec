//! `--jobs` and `--gpus`: how many trials run at once, and where.

use std::str::FromStr;

use densenet_bench::backends::BackendDevice;
use densenet_bench::host::{allowed_processors, available_threads};
use densenet_bench::trials::ResultFolder;

use super::plan::threads;
use super::probing::fastest;
use super::ready::Ready;
use super::slots::Slot;
use super::{Arguments, Failure, say};

/// `--jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// So many trials at once.
    Number(usize),
    /// As many as a probe finds fastest.
    Auto,
}

/// `--gpus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gpus {
    /// All that there are.
    All,
    /// These.
    Listed(Vec<usize>),
}

/// More trials at once than any machine has processors for: a typo.
const MOST_JOBS: usize = 4096;

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(jobs @ 1..=MOST_JOBS)) => Ok(Self::Number(jobs)),
            _ => Err(format!("write a number from 1 to {MOST_JOBS}, or auto")),
        }
    }
}

impl FromStr for Gpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let rule = || "write GPUs' numbers with commas between, such as 0,1, or all".to_owned();
        let numbers: Result<Vec<usize>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        let numbers = numbers.map_err(|_| rule())?;
        let mut once = numbers.clone();
        once.sort_unstable();
        once.dedup();
        match once.len() == numbers.len() {
            true => Ok(Self::Listed(numbers)),
            false => Err("a GPU is named twice; name each once".to_owned()),
        }
    }
}

/// Where the trials run, and how many at once; their records have the threads that follow from it. So it is for measurements
/// where the user says so.
pub fn slots(ready: &mut Ready, folder: &ResultFolder, arguments: &Arguments) -> Result<Vec<Slot>, Failure> {
    let slots = match &arguments.gpus {
        Some(gpus) => {
            let slots = on_gpus(gpus, ready.device)?;
            warn(&ready.train_at_once(slots.len()));
            slots
        }
        None => on_the_processor(ready, folder, arguments)?,
    };
    if arguments.measure_at_once {
        ready.measure_at_once(slots.len(), arguments.memory_limit.is_some());
    }
    Ok(slots)
}

/// Those of `--jobs`.
fn on_the_processor(ready: &mut Ready, folder: &ResultFolder, arguments: &Arguments) -> Result<Vec<Slot>, Failure> {
    let at_once = match arguments.jobs {
        Jobs::Number(1) if arguments.measure_at_once => {
            return Err(Failure::Input(
                "--measure-at-once: one trial is trained at a time; say how many at once with --jobs K or --gpus"
                    .to_owned(),
            ));
        }
        Jobs::Number(1) => return Ok(Slot::only()),
        jobs if ready.device.backend().runs_beside_processor => {
            return Err(Failure::Input(format!(
                "--jobs {}: it shares out the processor, and the trials run on {}; take --gpus for a trial on each GPU, or \
                 --device cpu",
                match jobs {
                    Jobs::Number(jobs) => jobs.to_string(),
                    Jobs::Auto => "auto".to_owned(),
                },
                ready.device
            )));
        }
        Jobs::Number(jobs) => jobs,
        Jobs::Auto => match begun_with(ready, folder)? {
            Some(threads) => (available_threads() / threads).max(1),
            None => fastest(ready, folder, arguments)?,
        },
    };
    warn(&ready.train_at_once(at_once));
    let variants = ready.experiment.ablation.variants.iter().zip(&ready.chosen);
    let settings = variants.filter_map(|(variant, chosen)| chosen.then_some(&variant.settings));
    let threads = settings.map(|settings| threads(at_once, ready.threads, settings).threads);
    let threads = threads.max().unwrap_or(1);
    Ok(Slot::on_processors(at_once, threads, &allowed_processors()))
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
}

/// The threads of a trial that was begun and has a checkpoint: it goes on with as many, and so do the others.
fn begun_with(ready: &Ready, folder: &ResultFolder) -> Result<Option<usize>, Failure> {
    for (_, trial) in ready.own() {
        let id = &trial.record.trial;
        if folder.checkpoints(id).exist().map_err(Failure::input)? {
            let record = folder.record(id).map_err(Failure::input)?;
            if let Some(record) = record.filter(|record| record.threads > 0) {
                return Ok(Some(record.threads));
            }
        }
    }
    Ok(None)
}

fn on_gpus(gpus: &Gpus, device: BackendDevice) -> Result<Vec<Slot>, Failure> {
    let backend = device.backend();
    let refused = |remedy| Failure::Input(format!("--gpus: the trials run on {device}; {remedy}"));
    let variable = backend
        .visible_devices
        .ok_or_else(|| refused("leave --gpus out, or take a machine with CUDA"))?;
    if device.index() != 0 {
        return Err(refused("leave --device out: --gpus says which"));
    }
    let there = (0..).take_while(|&index| backend.device(index).check().is_ok()).count();
    let chosen: Vec<usize> = match gpus {
        Gpus::All => (0..there).collect(),
        Gpus::Listed(chosen) => chosen.clone(),
    };
    if let Some(gpu) = chosen.iter().find(|gpu| **gpu >= there) {
        return Err(Failure::Input(format!(
            "--gpus: there is no GPU {gpu}; libtorch sees {there}, counted from 0"
        )));
    }
    let visible = std::env::var(variable).ok();
    Slot::on_gpus(&chosen, variable, visible.as_deref()).map_err(|error| Failure::Input(format!("--gpus: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_a_number_or_auto() {
        assert_eq!("2".parse(), Ok(Jobs::Number(2)));
        assert_eq!("auto".parse(), Ok(Jobs::Auto));
        for text in ["0", "-1", "two", "", "5000"] {
            assert!(text.parse::<Jobs>().is_err(), "{text}");
        }
    }

    #[test]
    fn gpus_are_a_list_or_all() {
        assert_eq!("0,1".parse(), Ok(Gpus::Listed(vec![0, 1])));
        assert_eq!("all".parse(), Ok(Gpus::All));
        for text in ["", "0,", "a", "-1", "0,0"] {
            assert!(text.parse::<Gpus>().is_err(), "{text}");
        }
    }
}
