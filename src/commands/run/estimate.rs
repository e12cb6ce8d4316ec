//! `--estimate`: how long a run will take and how much memory, from short probes of each variant.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use densenet_bench::formats::tables::{EpochRow, Status};
use densenet_bench::statistics::Summary;
use densenet_bench::trials::{
    FIRST_STEPS, Probe, ResultFolder, Trial, TrialRecord, longer, predicted_seconds, probe_of,
};
use densenet_bench::views::section::{Block, Section, Side, Table};
use densenet_bench::views::terminal;
use densenet_bench::words::{counted, duration};
use serde_json::json;

use super::measure::Measuring;
use super::plan::Plan;
use super::ready::{Ready, ready, stop_on_request};
use super::slots::Slot;
use super::turns::Turns;
use super::workers::Workers;
use super::{Arguments, Failure, Outcome, print, print_json};

/// The most pairs of probes of each variant, by turns.
const ROUNDS: usize = 3;
/// No further pairs are made where those before lasted longer than this on average, in seconds, all variants together.
const LONGEST_ROUND: f64 = 120.0;

/// What the probes of one variant say.
struct Estimated<'a> {
    variant: &'a str,
    trials: usize,
    record: &'a TrialRecord,
    /// Of one trial, from each pair of probes.
    seconds: Vec<f64>,
    peak_memory_bytes: Option<u64>,
}

pub fn estimate(plan: Plan, arguments: &Arguments) -> Outcome {
    let ready = ready(plan)?;
    let scratch = tempfile::tempdir().map_err(|error| {
        Failure::Work(format!(
            "no folder for the probes can be made: {error}; free some space, or set TMPDIR"
        ))
    })?;
    let folder = ResultFolder::new(scratch.path(), &ready.experiment.ablation.name);
    let (environment, _) = ready.environment();
    let stop = stop_on_request()?;
    let workers = Workers {
        program: &ready.program,
        folder: &folder,
        environment: &environment,
        device: ready.device,
        threads: ready.threads,
        timeout: arguments.timeout,
        stop: &stop,
    };
    let trained = trained(&ready, &workers)?;
    let measured = Measuring {
        workers: &workers,
        slots: &Slot::only(),
        claim: None,
    }
    .seconds(&ready.to_measure())?;
    if let Some(status) = stop.exit_status() {
        return Ok(ExitCode::from(status));
    }
    match arguments.json {
        true => print_json(&as_json(&ready, &trained, measured))?,
        false => print(&terminal::text(&[section(&trained, measured)], false))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Probes the first trial of every chosen variant, in rounds of all variants.
fn trained<'a>(ready: &'a Ready, workers: &Workers<'_>) -> Result<Vec<Estimated<'a>>, Failure> {
    let mut variants: BTreeMap<usize, Estimated<'a>> = BTreeMap::new();
    for Trial { variant, record } in ready.selected() {
        let estimated = variants.entry(*variant).or_insert(Estimated {
            variant: &record.variant,
            trials: 0,
            record,
            seconds: Vec::new(),
            peak_memory_bytes: None,
        });
        estimated.trials += 1;
    }
    let mut variants: Vec<Estimated<'a>> = variants.into_values().collect();
    let began = Instant::now();
    let mut progress = Turns::new(ROUNDS * variants.len());
    for round in 0..ROUNDS {
        if round > 0 && began.elapsed().as_secs_f64() > LONGEST_ROUND * round as f64 {
            break;
        }
        for estimated in &mut variants {
            if workers.stop.is_asked() {
                break;
            }
            progress.begin(&format!("probe {} of {ROUNDS}  {}", round + 1, estimated.variant));
            let seconds = estimated.probe(workers, round)?;
            progress.end(&format!("{} a trial", duration(seconds)));
        }
    }
    progress.finish();
    Ok(variants)
}

impl Estimated<'_> {
    /// Runs a pair of probes; the seconds that a trial takes by them.
    fn probe(&mut self, workers: &Workers<'_>, round: usize) -> Result<f64, Failure> {
        let first = FIRST_STEPS.min(self.record.steps);
        let short = probe(workers, self.record, first, &format!("short-{round}"))?;
        let steps = longer(&short, self.record);
        let long = probe(workers, self.record, steps, &format!("long-{round}"))?;
        let seconds = predicted_seconds(&short, &long, self.record);
        self.seconds.push(seconds);
        self.peak_memory_bytes = self.peak_memory_bytes.max(long.peak_memory_bytes);
        Ok(seconds)
    }
}

fn probe(workers: &Workers<'_>, of: &TrialRecord, steps: usize, name: &str) -> Result<Probe, Failure> {
    let (record, slot) = (probe_of(of, steps, name), Slot::default());
    let environment = workers.environment_of(&record.settings.run, record.threads, &slot);
    workers.folder.begin(&record, &environment).map_err(Failure::work)?;
    let started = Instant::now();
    let result = workers.supervisor(&slot).supervise(&record, None, &mut |_| ());
    let whole = started.elapsed().as_secs_f64();
    let result = result.map_err(Failure::work)?;
    if result.status != Status::Ok && !workers.stop.is_asked() {
        return Err(Failure::Work(format!(
            "{} seed {}: {}; the trial itself would end so, too",
            record.variant, record.seed, result.error
        )));
    }
    let epochs = workers.folder.rows::<EpochRow>(&record.trial).map_err(Failure::work)?;
    Ok(Probe::of(&epochs, steps, whole, result.peak_memory_bytes))
}

/// The seconds of all trials together, a number for each round of probes.
fn totals(trained: &[Estimated<'_>]) -> Vec<f64> {
    let rounds = trained
        .iter()
        .map(|estimated| estimated.seconds.len())
        .min()
        .unwrap_or(0);
    let of_round = |round: usize| trained.iter().map(|one| one.trials as f64 * one.seconds[round]).sum();
    (0..rounds).map(of_round).collect()
}

fn section(trained: &[Estimated<'_>], measured: Option<f64>) -> Section {
    let mut table = Table::default();
    let mut column = |name: &str, side, cell: &dyn Fn(&Estimated<'_>) -> String| {
        table.column(name, side, trained.iter().map(cell));
    };
    column("variant", Side::Left, &|one| one.variant.to_owned());
    column("trials", Side::Right, &|one| one.trials.to_string());
    column("steps each", Side::Right, &|one| one.record.steps.to_string());
    column("time each", Side::Right, &|one| {
        Summary::of(&one.seconds).map_or_else(String::new, |summary| duration(summary.mean))
    });
    column("peak memory (MB)", Side::Right, &|one| {
        one.peak_memory_bytes
            .map_or_else(String::new, |bytes| format!("{:.0}", bytes as f64 / 1e6))
    });
    let mut blocks = Vec::new();
    if !trained.is_empty() {
        blocks.push(Block::Table(table));
        let trials = trained.iter().map(|one| one.trials).sum();
        let all = Summary::of(&totals(trained));
        let rounds = all.map_or(0, |all| all.n);
        blocks.push(Block::Text(format!(
            "{}: {}, from {} of probes of each variant",
            counted(trials, "trial"),
            in_words(all),
            counted(rounds, "pair")
        )));
    }
    if let Some(seconds) = measured {
        let words = format!("measurements: {}, from a round of each", duration(seconds));
        blocks.push(Block::Text(words));
    }
    blocks.push(Block::Note(
        "Nothing was recorded. The interval is that of the probes; a machine that does something else meanwhile takes longer.".to_owned(),
    ));
    Section { title: "", blocks }
}

/// `3 min 2 s (95 % interval 2 min 50 s to 3 min 14 s)`.
fn in_words(seconds: Option<Summary>) -> String {
    let Some(summary) = seconds else { return String::new() };
    match summary.interval {
        Some((low, high)) => format!(
            "{} (95 % interval {} to {})",
            duration(summary.mean),
            duration(low.max(0.0)),
            duration(high)
        ),
        None => duration(summary.mean),
    }
}

fn as_json(ready: &Ready, trained: &[Estimated<'_>], measured: Option<f64>) -> serde_json::Value {
    let with_ends = |summary: Option<Summary>| {
        let ends = summary.and_then(|summary| summary.interval);
        json!({
            "seconds": summary.map(|summary| summary.mean),
            "seconds_low": ends.map(|ends| ends.0.max(0.0)),
            "seconds_high": ends.map(|ends| ends.1),
        })
    };
    let variants = trained.iter().map(|one| {
        json!({
            "variant": one.variant,
            "trials": one.trials,
            "steps": one.record.steps,
            "epochs": one.record.epochs,
            "each": with_ends(Summary::of(&one.seconds)),
            "peak_memory_bytes": one.peak_memory_bytes,
        })
    });
    json!({
        "ablation": ready.experiment.ablation.name,
        "variants": variants.collect::<Vec<_>>(),
        "trials": with_ends(Summary::of(&totals(trained))),
        "measurements": { "seconds": measured },
    })
}
