//! `status`: the status of a result folder's trials.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::formats::study::{LongTables, Study};
use densenet_bench::formats::tables::Status;
use densenet_bench::trials::{Holder, ResultFolder, TrialStatus, overview};
use densenet_bench::views::status_table::{StatusLine, section};
use densenet_bench::views::terminal;
use densenet_bench::words::counted;
use serde_json::json;

use super::shared::study;
use super::{Failure, Outcome, print, print_json, say};

/// Show the status of a result folder's trials: ok, failed, interrupted, running, pending, stale
#[derive(Args)]
#[command(after_help = "\
Example:
  densenet-bench status results/growth

Reads only. A stale trial is one of an earlier version of the ablation file: it is kept, and not run again.")]
pub struct Arguments {
    /// The result folder, such as results/growth
    folder: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let folder = ResultFolder::at(&arguments.folder);
    let Study { ablation, batches, .. } = study::read(&folder, LongTables::default())?;
    let mut warn = |text: String| say(&format!("warning: {text}"));
    let trials = overview(&folder, &ablation, &mut warn).map_err(Failure::input)?;
    let lines: Vec<StatusLine> = trials.iter().map(line).collect();
    let mut measured: BTreeMap<String, usize> = BTreeMap::new();
    for row in &batches {
        *measured.entry(row.status.to_string()).or_default() += 1;
    }
    let holder = Holder::of(folder.root());
    if arguments.json {
        print_json(&json!({
            "ablation": ablation.name,
            "held_by": holder,
            "trials": lines.iter().map(as_json).collect::<Vec<_>>(),
            "measurements": measured,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&terminal::text(&[section(&lines)], false))?;
    if !batches.is_empty() {
        let parts: Vec<String> = measured
            .iter()
            .map(|(status, count)| format!("{count} {status}"))
            .collect();
        print(&format!(
            "{}: {}\n",
            counted(batches.len(), "measurement"),
            parts.join(", ")
        ))?;
    }
    match holder {
        Some(holder) => print(&format!("a run is in progress: {holder}\n"))?,
        None if lines.iter().any(|line| !line.stale && line.status != Status::Ok) => {
            print("no run is in progress; `densenet-bench run` with the same file resumes it\n")?;
        }
        None => {}
    }
    Ok(ExitCode::SUCCESS)
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
        holder: trial.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
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
        "saved_steps": line.saved_steps,
        "steps": line.steps,
        "error": line.error,
        "stale": line.stale,
    })
}
