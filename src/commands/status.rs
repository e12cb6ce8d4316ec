//! `status`: the status of a result folder's trials.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use densenet_bench::formats::study::{LongTables, Study};
use densenet_bench::formats::tables::Status;
use densenet_bench::trials::{Claimant, Claims, MEASUREMENTS, ResultFolder, TrialStatus, overview};
use densenet_bench::views::status_table::{StatusLine, section};
use densenet_bench::views::terminal;
use densenet_bench::words::counted;
use serde_json::json;

use super::shared::study;
use super::{Failure, Outcome, print, print_json, say};

/// Show the status of a result folder's trials: ok, failed, interrupted, running, pending, stale
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench status results/growth
  densenet-bench status results/growth --watch

Reads only. A stale trial is one of an earlier version of the ablation file: it is kept, and not run again. --watch ends with the
run; without a terminal it prints the status again where it has changed.")]
pub struct Arguments {
    /// The result folder, such as results/growth
    folder: PathBuf,
    /// Show it again every second while a run is in progress
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Between two looks of `--watch`.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub fn run(arguments: &Arguments) -> Outcome {
    let folder = ResultFolder::at(&arguments.folder);
    let claims = folder.claims();
    match arguments.watch {
        true => watch(&folder, &claims)?,
        false if arguments.json => print_json(&observe(&folder, &claims)?.as_json())?,
        false => print(&observe(&folder, &claims)?.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the status as it changes, until no run is in progress. On a terminal it stays in its place.
fn watch(folder: &ResultFolder, claims: &Claims) -> Result<(), Failure> {
    let is_terminal = std::io::stdout().is_terminal();
    let mut shown = String::new();
    loop {
        let seen = observe(folder, claims)?;
        let text = seen.text();
        if text != shown {
            let back = match (is_terminal, shown.lines().count()) {
                (true, lines @ 1..) => format!("\u{1b}[{lines}A\u{1b}[J"),
                _ => String::new(),
            };
            print(&format!("{back}{text}"))?;
            shown = text;
        }
        if seen.runs.is_empty() {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A result folder at a moment.
struct Seen {
    ablation: String,
    lines: Vec<StatusLine>,
    /// Measurements by their status.
    measured: BTreeMap<String, usize>,
    /// The runs that are in progress.
    runs: Vec<Claimant>,
    /// Who measures.
    measuring: Option<Claimant>,
}

fn observe(folder: &ResultFolder, claims: &Claims) -> Result<Seen, Failure> {
    // Before its trials: one that ends in between is then not taken for interrupted.
    let runs = folder.runs(claims).map_err(Failure::input)?;
    let holders = claims.holders().map_err(Failure::input)?;
    let Study { ablation, batches, .. } = study::read(folder, LongTables::default())?;
    let mut warn = |text: String| say(&format!("warning: {text}"));
    let trials = overview(folder, &ablation, &holders, &mut warn).map_err(Failure::input)?;
    let mut measured: BTreeMap<String, usize> = BTreeMap::new();
    for row in &batches {
        *measured.entry(row.status.to_string()).or_default() += 1;
    }
    Ok(Seen {
        ablation: ablation.name,
        lines: trials.iter().map(line).collect(),
        measured,
        runs,
        measuring: holders.get(MEASUREMENTS).cloned(),
    })
}

impl Seen {
    fn as_json(&self) -> serde_json::Value {
        json!({
            "ablation": self.ablation,
            "held_by": self.runs.first().map(Claimant::holder),
            "runs": self.runs.iter().map(run_as_json).collect::<Vec<_>>(),
            "trials": self.lines.iter().map(as_json).collect::<Vec<_>>(),
            "measurements": self.measured,
        })
    }

    fn text(&self) -> String {
        let mut text = terminal::text(&[section(&self.lines)], false);
        if !self.measured.is_empty() {
            let parts = self.measured.iter().map(|(status, count)| format!("{count} {status}"));
            let parts: Vec<String> = parts.collect();
            let count = counted(self.measured.values().sum(), "measurement");
            text.push_str(&format!("{count}: {}\n", parts.join(", ")));
        }
        let is_unfinished = |line: &StatusLine| !line.stale && line.status != Status::Ok;
        if let Some(by) = &self.measuring {
            text.push_str(&format!("being measured by {}\n", by.holder()));
        }
        match &self.runs[..] {
            [run] => text.push_str(&format!("a run is in progress: {}\n", in_words(run))),
            [_, ..] => {
                text.push_str(&format!("{} are in progress:\n", counted(self.runs.len(), "run")));
                let lines = self.runs.iter().map(|run| format!("  {}\n", in_words(run)));
                text.extend(lines);
            }
            [] if self.lines.iter().any(is_unfinished) => {
                text.push_str("no run is in progress; `densenet-bench run` with the same file resumes it\n");
            }
            [] => {}
        }
        text
    }
}

/// `process 7 on node3, since 2026-11-27T20:00:00Z: shard 0 of 4`.
fn in_words(run: &Claimant) -> String {
    match run.doing.is_empty() {
        true => run.holder().to_string(),
        false => format!("{}: {}", run.holder(), run.doing),
    }
}

fn run_as_json(run: &Claimant) -> serde_json::Value {
    let holder = run.holder();
    json!({
        "host": holder.host,
        "process": holder.process,
        "since": holder.since,
        "doing": run.doing,
    })
}

fn line(trial: &TrialStatus) -> StatusLine {
    let status = trial.result.as_ref().map_or(Status::Pending, |result| result.status);
    let steps = trial.record.as_ref().map(|record| record.steps);
    let saved = match status {
        Status::Ok => steps,
        _ => trial.saved_steps,
    };
    StatusLine {
        trial: trial.trial.clone().unwrap_or_else(|| "?".to_owned()),
        variant: trial.variant.clone(),
        seed: trial.seed,
        status,
        holder: trial
            .holder
            .as_ref()
            .map(|by| by.holder().to_string())
            .unwrap_or_default(),
        saved_steps: saved.unwrap_or(0),
        steps,
        error: trial
            .result
            .as_ref()
            .map(|result| result.error.clone())
            .unwrap_or_default(),
        stale: trial.stale,
    }
}

fn as_json(line: &StatusLine) -> serde_json::Value {
    json!({
        "trial": line.trial,
        "variant": line.variant,
        "seed": line.seed,
        "status": line.status,
        "running": !line.holder.is_empty(),
        "held_by": line.holder,
        "saved_steps": line.saved_steps,
        "steps": line.steps,
        "error": line.error,
        "stale": line.stale,
    })
}
