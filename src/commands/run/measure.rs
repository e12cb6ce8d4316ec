//! The part of `run` that measures speed and memory at each batch size, and searches for the largest batch.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use densenet_bench::formats::ablation::Mode;
use densenet_bench::formats::device_name::DeviceName;
use densenet_bench::formats::tables::{BoundaryRow, Status};
use densenet_bench::host::{Environment, host_name, pin_to, process_variables, vector_instructions};
use densenet_bench::measurement::{
    Attempt, Cells, MeasurementRecord, Measurements, Round, RoundResult, RoundSpec, Turn, find_largest, run_rounds,
    searches,
};
use densenet_bench::network::Processor;
use densenet_bench::trials::{Claim, Experiment, FolderError, Heard, Prepared, Work};

use super::Failure;
use super::slots::Slot;
use super::throttle::Throttle;
use super::turns::Turns;
use super::workers::Workers;
use crate::commands::shared::Log;

/// Measures by starting processes.
pub struct Measuring<'a> {
    /// What starting them needs.
    pub workers: &'a Workers<'a>,
    /// Where their rounds run at once, at least one.
    pub slots: &'a [Slot],
    /// The claim of the measurements, where others could take them.
    pub claim: Option<&'a Claim>,
}

impl Measuring<'_> {
    /// Runs the rounds of `records` that are missing. The tables of `planned`, the whole ablation's, are rewritten now
    /// and then, where `derive` has the turn to; their final state is derived by the caller.
    pub fn measure(
        &self,
        records: &[MeasurementRecord],
        planned: &[MeasurementRecord],
        derive: &dyn Fn(&dyn Fn()),
    ) -> Result<(), Failure> {
        let measurements = Measurements::of(self.workers.folder);
        // Variants that differ in nothing that is measured, such as the schedule, share their measurement.
        let records = distinct(records);
        let mut known = Vec::with_capacity(records.len());
        for record in &records {
            let rounds = measurements.begin(record, &self.environment_of(&record.spec));
            known.push(rounds.map_err(Failure::work)?);
        }
        let mut progress = Turns::new(known.iter().flatten().filter(|round| round.is_none()).count());
        let mut throttle = Throttle::new();
        let outcome = run_rounds::<Halt>(&records, &mut known, self.slots.len(), &mut |turns| {
            if self.workers.stop.is_asked() || self.claim.is_some_and(Claim::is_lost) {
                return Err(Halt::Stopped);
            }
            for (turn, _) in &turns {
                progress.begin(&turn_name(turn));
            }
            let mut results = Vec::with_capacity(turns.len());
            for ((turn, _), result) in turns.iter().zip(self.at_once(&turns, &mut progress)) {
                let result = result?;
                let record = turn.record;
                measurements.end_round(record, turn.round, &result)?;
                progress.end_of(&turn_name(turn), &outcome_of(&record.spec, &result));
                if result.status != Status::Ok {
                    progress.warn(&format!("{}: {}", heading(record), result.error));
                }
                results.push(result);
            }
            // A table that cannot be written now is written at the run's end, where an error is reported.
            let _ = throttle.now_and_then(|| derive(&|| drop(measurements.derive_tables(planned))));
            Ok(results)
        });
        progress.finish();
        match outcome {
            Ok(()) | Err(Halt::Stopped) => Ok(()),
            Err(Halt::Folder(error)) => Err(Failure::work(error)),
        }
    }

    /// Runs turns at once, each in a slot of its own; the results in their order.
    fn at_once(&self, turns: &[Turn<'_>], progress: &mut Turns) -> Vec<Result<RoundResult, FolderError>> {
        let run = |(turn, settled): &Turn<'_>, slot: &Slot, say: &mut dyn FnMut(&str)| match settled {
            Some(settled) => Ok(settled.clone()),
            None => self.undisturbed_round(turn.record, turn.round, slot, say),
        };
        match (self.slots, turns) {
            // No thread of its own: a process ends with the thread that has started it.
            ([slot], [turn]) => vec![run(turn, slot, &mut |said| progress.warn(said))],
            (slots, turns) => {
                let progress = Mutex::new(progress);
                let warn = |said: &str| progress.lock().unwrap_or_else(PoisonError::into_inner).warn(said);
                thread::scope(|scope| {
                    let rounds = turns.iter().zip(slots).map(|(turn, slot)| {
                        let (run, warn) = (&run, &warn);
                        scope.spawn(move || {
                            // Where the system refuses, the processes share the processors as it sees fit.
                            let _ = slot.processors.as_deref().map(pin_to);
                            run(turn, slot, &mut |said| warn(said))
                        })
                    });
                    let rounds: Vec<_> = rounds.collect();
                    let joined = rounds.into_iter().map(|round| round.join());
                    joined.map(|round| round.unwrap_or_else(|_| Err(lost()))).collect()
                })
            }
        }
    }

    /// The seconds that all rounds of `records` take together, from one round of each; none where there is nothing to measure.
    /// What it measures goes to the folder of the probes.
    pub fn seconds(&self, records: &[MeasurementRecord]) -> Result<Option<f64>, Failure> {
        let measurements = Measurements::of(self.workers.folder);
        let records = distinct(records);
        let mut all = 0.0;
        for record in &records {
            if self.workers.stop.is_asked() {
                break;
            }
            let spec = &record.spec;
            let environment = self.environment_of(spec);
            measurements.begin(record, &environment).map_err(Failure::work)?;
            let _log = Log::start(&format!("probing {}", heading(record)));
            let started = Instant::now();
            let result = self.round(record, &record.round(0), &Slot::default());
            let result = result.map_err(Failure::work)?;
            // One that does not end well gets no other.
            let rounds = if result.status == Status::Ok { record.rounds } else { 1 };
            all += started.elapsed().as_secs_f64() * rounds as f64;
        }
        Ok((!records.is_empty()).then_some(all))
    }

    /// Searches for the largest batch of every chosen variant in each of its modes; `given_limit` is `--memory-limit`.
    /// Returns what these searches found.
    pub fn find_largest(
        &self,
        experiment: &Experiment,
        chosen: &[bool],
        cells: Cells<'_>,
        given_limit: Option<u64>,
    ) -> Result<Vec<BoundaryRow>, Failure> {
        let measurements = Measurements::of(self.workers.folder);
        let mut progress = Turns::searching();
        let mut found = Vec::new();
        for record in distinct(&searches(experiment, chosen, cells)) {
            if self.workers.stop.is_asked() {
                break;
            }
            let index = experiment
                .ablation
                .variants
                .iter()
                .position(|variant| variant.name == record.spec.variant);
            let Some(prepared) = index.and_then(|index| experiment.prepared.get(index)) else {
                continue;
            };
            let row = self.search(&measurements, &record, prepared, &mut progress)?;
            measurements
                .end_search(&record, given_limit, &row)
                .map_err(Failure::work)?;
            found.push(row);
        }
        progress.finish();
        Ok(found)
    }

    /// One search; a try is a process of its own with two steps, of which the second has all that training keeps.
    fn search(
        &self,
        measurements: &Measurements<'_>,
        record: &MeasurementRecord,
        prepared: &Prepared,
        progress: &mut Turns,
    ) -> Result<BoundaryRow, Failure> {
        measurements
            .begin_search(record, &self.environment_of(&record.spec))
            .map_err(Failure::work)?;
        let has_prediction = record.predicted_peak_bytes.is_some();
        let limit = record.spec.memory_limit.filter(|_| has_prediction);
        let processor = Processor {
            instructions: vector_instructions(),
            threads: record.spec.threads,
        };
        let predicted = limit.map(|limit| match record.spec.mode {
            Mode::Train => {
                let momentum = record.spec.optimizer().momentum > 0.0;
                prepared.graph.largest_training_batch(limit, momentum, processor)
            }
            Mode::Evaluate => prepared.graph.largest_evaluation_batch(limit, processor),
        });
        let found = find_largest(predicted.unwrap_or(1), &mut |batch_size| {
            progress.begin(&format!("{}: trying batch size {batch_size}", heading(record)));
            let spec = RoundSpec {
                batch_size,
                steps: 2,
                ..record.spec.clone()
            };
            let result = self.round(record, &spec, &Slot::default())?;
            progress.end(&outcome_of(&spec, &result));
            Ok::<_, FolderError>(Attempt {
                status: result.status,
                error: result.error,
                allocated_peak_bytes: result.allocated_peak_bytes,
            })
        })
        .map_err(Failure::work)?;
        if found.broken_off.is_some() {
            progress.warn(&format!("{}: {}", heading(record), found.error));
        }
        Ok(BoundaryRow {
            variant: record.spec.variant.clone(),
            device: DeviceName::recorded(&record.spec.device),
            execution: record.spec.settings.run.execution,
            precision: record.spec.settings.run.precision,
            mode: record.spec.mode,
            threads: record.spec.threads,
            memory_limit_bytes: record.spec.memory_limit,
            largest_batch_size: found.largest,
            allocated_peak_bytes: found.allocated_peak_bytes,
            smallest_too_large: found.smallest_too_large,
            status: found.broken_off.unwrap_or(Status::Ok),
            error: found.error,
            predicted_largest: predicted,
            tries: found.tries,
        })
    }

    /// Runs a round, and again where it was disturbed, up to [`EXTRA_TRIES`] times. What is kept is the first try that was
    /// not, else the one whose threads got the largest share of the processor time that they asked for: never the fastest.
    fn undisturbed_round(
        &self,
        record: &MeasurementRecord,
        round: usize,
        slot: &Slot,
        say: &mut dyn FnMut(&str),
    ) -> Result<RoundResult, FolderError> {
        let spec = record.round(round);
        let mut tries = vec![self.round(record, &spec, slot)?];
        while let Some(disturbance) = tries.last().and_then(RoundResult::disturbance) {
            if tries.len() > EXTRA_TRIES || self.workers.stop.is_asked() {
                break;
            }
            say(&format!(
                "{}, round {}: {disturbance}; it is measured again ({} of {EXTRA_TRIES})",
                heading(record),
                round + 1,
                tries.len()
            ));
            let next = self.round(record, &spec, slot)?;
            // A stop that arrives meanwhile leaves what was measured.
            if next.status == Status::Interrupted {
                break;
            }
            tries.push(next);
        }
        Ok(RoundResult {
            run: self.workers.environment.started.clone(),
            host: host_name(),
            ..RoundResult::least_disturbed(tries)
        })
    }

    fn environment_of(&self, spec: &RoundSpec) -> Environment {
        // Which of the slots a round runs in is settled when its turn comes.
        let slot = Slot {
            at_once: self.slots.len(),
            ..Slot::default()
        };
        (self.workers).environment_of(&spec.settings.run, spec.threads, &slot)
    }

    /// Runs a round's process. One that ends without a result gets one.
    fn round(&self, record: &MeasurementRecord, spec: &RoundSpec, slot: &Slot) -> Result<RoundResult, FolderError> {
        let (path, stderr) = Measurements::of(self.workers.folder).begin_round(record, spec)?;
        let mut variables = process_variables(&spec.settings.run, self.workers.device, spec.threads);
        variables.extend(slot.variables.iter().cloned());
        let work = Work {
            program: self.workers.program,
            arguments: vec!["measurement".into(), path.into()],
            variables,
            stderr,
            timeout: self.workers.timeout,
            stop: self.workers.stop,
            claim: self.claim,
        };
        let mut result = None;
        let ending = work.run(&mut |heard| {
            // Lines that are not a result are ignored: a library may print.
            if let Heard::Line(line) = heard
                && let Ok(found) = serde_json::from_slice(line)
            {
                result = Some(found);
            }
        })?;
        Ok(result.unwrap_or_else(|| {
            let (status, error) = ending.diagnosis();
            RoundResult::unfinished(status, error)
        }))
    }
}

/// How often a disturbed round is measured again.
const EXTRA_TRIES: usize = 2;

/// Why the rounds end early.
enum Halt {
    /// The run was asked to stop.
    Stopped,
    /// The folder cannot be used.
    Folder(FolderError),
}

impl From<FolderError> for Halt {
    fn from(error: FolderError) -> Self {
        Self::Folder(error)
    }
}

/// A round whose thread has ended without a result.
fn lost() -> FolderError {
    std::io::Error::other("the thread of a round has ended without a result; run again").into()
}

/// The records without those that an earlier one measures already.
fn distinct(records: &[MeasurementRecord]) -> Vec<MeasurementRecord> {
    let mut distinct: Vec<MeasurementRecord> = Vec::new();
    for record in records {
        if !distinct.iter().any(|other| other.measurement == record.measurement) {
            distinct.push(record.clone());
        }
    }
    distinct
}

fn turn_name(turn: &Round<'_>) -> String {
    let Round { record, round } = turn;
    format!("{}  round {} of {}", heading(record), round + 1, record.rounds)
}

fn heading(record: &MeasurementRecord) -> String {
    let batch = match record.spec.batch_size {
        0 => String::new(),
        size => format!(" batch size {size}"),
    };
    format!("{} {}{batch}", record.spec.variant, record.mode_name())
}

/// A round in a few words.
fn outcome_of(spec: &RoundSpec, result: &RoundResult) -> String {
    let times: Vec<f64> = result.step_ns.iter().map(|&time| time as f64 / 1e9).collect();
    match (result.status, densenet_bench::statistics::median(&times)) {
        (Status::Ok, Some(median)) if median > 0.0 => format!("{:.1} images/s", spec.batch_size as f64 / median),
        (status, _) => status.to_string(),
    }
}
