//! From a plan to work: read the data, hold the result folder, and find the work that is left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::tables::Status;
use densenet_bench::host::{Environment, Stop};
use densenet_bench::measurement::{Cells, MeasurementRecord, Measurements, Origin, measurements, profiles, searches};
use densenet_bench::trials::{Experiment, Membership, ResultFolder, Share, Sharing, Trial, count_stale};

use super::concurrency::slots;
use super::messages::{say_of_others, say_of_stale};
use super::plan::Plan;
use super::predicted::predicted_bytes;
use super::ready::{Ready, cells, ready, stop_on_request};
use super::resume::{join, left_of_shared, unfinished, unusable};
use super::slots::Slot;
use super::{Arguments, Failure, Work, say};

/// All that a run works with.
pub struct Prepared {
    /// The work to do.
    pub work: Work,
    /// The ablation with its data's fingerprints.
    pub experiment: Experiment,
    /// The variants that `--only` leaves.
    pub chosen: Vec<bool>,
    /// The part of the work that this run does.
    pub share: Share,
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
    /// Where trials run at once, at least one.
    pub slots: Vec<Slot>,
    /// Whether the run was asked to stop.
    pub stop: Stop,
    /// `--threads`.
    pub threads: Option<usize>,
    origin: Origin,
    memory_limit: Option<u64>,
    /// This run's place in the result folder.
    pub membership: Membership,
}

/// Reads the data and takes the result folder.
pub fn prepare(plan: Plan, work: Work, arguments: &Arguments) -> Result<Prepared, Failure> {
    let mut ready = ready(plan)?;
    let folder = ResultFolder::new(&arguments.out, &ready.experiment.ablation.name);
    let slots = match work {
        Work::MeasureAndTrain => slots(&mut ready, &folder, arguments)?,
        Work::Profile | Work::FindLargestBatch => Slot::only(),
    };
    let every = vec![true; ready.chosen.len()];
    let planned = measurements(&ready.experiment, &every, ready.cells());
    let every_profile = profiles(&ready.experiment, &every, ready.cells());
    let to_measure = match work {
        Work::Profile => of_the_chosen(&every_profile, &ready),
        Work::MeasureAndTrain | Work::FindLargestBatch if ready.measures() => of_the_chosen(&planned, &ready),
        Work::MeasureAndTrain | Work::FindLargestBatch => Vec::new(),
    };
    let (environment, warnings) = ready.environment();

    let sharing = match ready.share {
        Share::All => Sharing::Alone,
        _ => Sharing::Shared,
    };
    let membership = join(&folder, sharing, &ready.share.in_words(), arguments.fresh)?;
    membership.check_ablation(&folder, &ready.text).map_err(unusable)?;
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    let mut todo = Vec::new();
    let mut unmeasured = 0;
    match work {
        Work::MeasureAndTrain => {
            let trials = &ready.experiment.trials;
            say_of_stale(count_stale(&folder, trials), &folder);
            todo = match sharing {
                Sharing::Alone => unfinished(&folder, ready.own(), &environment, ready.device)?,
                Sharing::Shared => left_of_shared(&folder, ready.own())?,
            };
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
        share: ready.share,
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
        slots,
        experiment: ready.experiment,
        membership,
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

    /// The trials of the chosen variants in this run's share, and those that it takes up where nobody else has them. Whether
    /// each is its own.
    pub fn selected(&self) -> impl Iterator<Item = (&Trial, bool)> {
        let trials = self.experiment.trials.iter().enumerate();
        let chosen = trials.filter(|(_, trial)| self.chosen[trial.variant]);
        let all = self.share.takes_up_others();
        let with_owner = chosen.map(|(place, trial)| (trial, self.is_own(place, trial)));
        with_owner.filter(move |(_, is_own)| all || *is_own)
    }

    fn is_own(&self, place: usize, trial: &Trial) -> bool {
        self.share.includes_trial(place, &trial.record.trial)
    }

    /// Whether the measurements are in this run's part, not only taken up by it.
    pub fn owns_measurements(&self) -> bool {
        let (name, trials) = (&self.experiment.ablation.name, self.experiment.trials.len());
        self.share.includes_measurements(name, trials)
    }

    /// The measurements to be made: where they are another run's, without those that have failed by themselves there.
    pub fn left_to_measure(&self) -> Result<Vec<MeasurementRecord>, Failure> {
        let mut left = self.to_measure.clone();
        if self.owns_measurements() {
            return Ok(left);
        }
        let all = Measurements::of(&self.folder);
        let mut failed = BTreeSet::new();
        for record in &left {
            let rounds = all.rounds(record).map_err(Failure::work)?;
            let statuses = rounds.iter().flatten().map(|round| round.status);
            let by_itself = |status| matches!(status, Status::Failed | Status::Oom | Status::Timeout);
            if statuses.into_iter().any(by_itself) {
                failed.insert(record.measurement.clone());
            }
        }
        left.retain(|record| !failed.contains(&record.measurement));
        Ok(left)
    }

    /// The trials that have no final numbers yet, in the order of work: this run's own before those that it takes up. Whether
    /// each is its own.
    pub fn unfinished(&self) -> Vec<(&Trial, bool)> {
        let is_own =
            |place: &usize| (self.experiment.trials.get(*place)).is_some_and(|trial| self.is_own(*place, trial));
        let (own, others): (Vec<usize>, Vec<usize>) = self.todo.iter().copied().partition(is_own);
        let in_order = |indices: Vec<usize>, is_own| {
            let trials = self.experiment.seed_by_seed(&indices).into_iter();
            trials.map(move |trial| (trial, is_own))
        };
        in_order(own, true).chain(in_order(others, false)).collect()
    }

    /// The memory that a trial of each variant is predicted to take, in bytes; none where the device's memory is not the
    /// processor's.
    pub fn predicted_bytes(&self) -> Option<Vec<u64>> {
        let device = self.device.backend();
        device.limits_memory.then(|| predicted_bytes(&self.experiment))
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
