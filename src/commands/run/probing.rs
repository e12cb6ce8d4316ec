//! `--jobs auto`: how many trials at once get through the work fastest, by trying.

use std::thread;

use densenet_bench::formats::tables::{EpochRow, Status};
use densenet_bench::host::{Stop, allowed_processors, available_memory, available_threads};
use densenet_bench::trials::{FIRST_STEPS, Probe, ResultFolder, TrialRecord, longer, probe_of};
use densenet_bench::words::counted;

use super::plan::threads;
use super::predicted::predicted_bytes;
use super::ready::{Ready, stop_on_request};
use super::slots::Slot;
use super::workers::Workers;
use super::{Arguments, Failure, say};
use crate::commands::shared::Log;

/// By so much several at once must be faster than fewer.
const WORTH_IT: f64 = 0.95;

/// Tries powers of two, with as many threads each as there are for it, on the first trial that is left.
pub fn fastest(ready: &Ready, folder: &ResultFolder, arguments: &Arguments) -> Result<usize, Failure> {
    let mut left = Vec::new();
    for (_, trial) in ready.own() {
        if !folder
            .has_status(&trial.record.trial, Status::Ok)
            .map_err(Failure::input)?
        {
            left.push(trial);
        }
    }
    let most = left.len().min(available_threads());
    let Some(first) = left.first().filter(|_| most > 1) else {
        return Ok(1);
    };
    let _log = Log::start("probing how many trials at once are fastest");
    let scratch = tempfile::tempdir().map_err(|error| {
        Failure::Work(format!(
            "no folder for the probes can be made: {error}; free some space, or set TMPDIR"
        ))
    })?;
    let probes = Probes {
        ready,
        arguments,
        stop: stop_on_request()?,
        folder: ResultFolder::new(scratch.path(), &ready.experiment.ablation.name),
    };
    let bytes = predicted_bytes(&ready.experiment)
        .get(first.variant)
        .copied()
        .unwrap_or(0);
    let fits = |at_once: &usize| {
        let each = threads(*at_once, ready.threads, &first.record.settings).threads;
        let has_memory = available_memory().is_none_or(|memory| bytes.saturating_mul(*at_once as u64) <= memory);
        *at_once == 1 || (each * at_once <= available_threads() && has_memory)
    };
    let candidates = std::iter::successors(Some(1), |number| Some(2 * number)).take_while(|number| *number <= most);
    let mut best: Option<(usize, f64)> = None;
    let mut steps = None;
    for at_once in candidates.filter(fits) {
        let seconds = probes.seconds(&first.record, at_once, &mut steps)?;
        if best.is_none_or(|(_, before)| seconds < WORTH_IT * before) {
            best = Some((at_once, seconds));
        }
    }
    let (at_once, _) = best.unwrap_or((1, 0.0));
    let each = threads(at_once, ready.threads, &first.record.settings).threads;
    say(&format!(
        "--jobs auto: {} at once, with {} each",
        counted(at_once, "trial"),
        counted(each, "thread")
    ));
    Ok(at_once)
}

struct Probes<'a> {
    ready: &'a Ready,
    arguments: &'a Arguments,
    stop: Stop,
    /// Nothing of it stays.
    folder: ResultFolder,
}

impl Probes<'_> {
    /// The seconds of training that a trial's steps take where so many run at once, over their number. The first call sets the
    /// steps of all.
    fn seconds(&self, record: &TrialRecord, at_once: usize, steps: &mut Option<usize>) -> Result<f64, Failure> {
        let each = threads(at_once, self.ready.threads, &record.settings).threads;
        let slots = Slot::on_processors(at_once, each, &allowed_processors());
        let record = TrialRecord {
            threads: each,
            ..record.clone()
        };
        let steps = match steps {
            Some(steps) => *steps,
            None => {
                let short = FIRST_STEPS.min(record.steps);
                let short = self.probe(&probe_of(&record, short, "short"), &slots[0])?;
                *steps.insert(longer(&short, &record))
            }
        };
        let probes: Vec<Result<Probe, Failure>> = thread::scope(|scope| {
            let probes = slots.iter().map(|slot| {
                let own = probe_of(&record, steps, &format!("{at_once}-{}", slot.number));
                scope.spawn(move || {
                    let _ = slot.processors.as_deref().map(densenet_bench::host::pin_to);
                    self.probe(&own, slot)
                })
            });
            let probes: Vec<_> = probes.collect();
            let lost = || Err(Failure::Work("a probe ended without a result".to_owned()));
            probes
                .into_iter()
                .map(|probe| probe.join().unwrap_or_else(|_| lost()))
                .collect()
        });
        let mut longest: f64 = 0.0;
        for probe in probes {
            longest = longest.max(probe?.training);
        }
        Ok(longest / at_once as f64)
    }

    fn probe(&self, record: &TrialRecord, slot: &Slot) -> Result<Probe, Failure> {
        let (environment, _) = self.ready.environment();
        let workers = Workers {
            program: &self.ready.program,
            folder: &self.folder,
            environment: &environment,
            device: self.ready.device,
            threads: self.ready.threads,
            timeout: self.arguments.timeout,
            stop: &self.stop,
        };
        let environment = workers.environment_of(&record.settings.run, record.threads, slot);
        self.folder.begin(record, &environment).map_err(Failure::work)?;
        let result = workers.supervisor(slot).supervise(record, None, &mut |_| ());
        let result = result.map_err(Failure::work)?;
        if result.status != Status::Ok {
            return Err(Failure::Work(format!(
                "{} seed {}: {}; the trial itself would end so, too",
                record.variant, record.seed, result.error
            )));
        }
        let epochs = self.folder.rows::<EpochRow>(&record.trial).map_err(Failure::work)?;
        Ok(Probe::of(&epochs, record.steps, 0.0, result.peak_memory_bytes))
    }
}
