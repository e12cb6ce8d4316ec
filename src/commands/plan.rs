//! `plan`: the units of an ablation's work, for people and for other engines.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use densenet_bench::backends::DeviceChoice;
use densenet_bench::formats::ablation::with_overrides;
use densenet_bench::measurement::count_measurements;
use densenet_bench::trials::{ExperimentPlan, MEASUREMENTS};
use densenet_bench::visible;
use densenet_bench::words::counted;
use serde_json::json;

use super::shared::{ablation, device, units};
use super::{Failure, Outcome, print, say};

/// List the units of an ablation's work: each trial, and the measurements; nothing is run
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench plan ablations/growth.toml
  densenet-bench plan ablations/growth.toml --format jsonl | jq -r .trial

Each unit is run by `densenet-bench run FILE.toml --trial ID`, wherever the result folder is shared, or with an --out of its own
that `densenet-bench merge` joins. The measurements of an ablation are one unit, since they are compared with each other within
rounds, on one machine.")]
pub struct Arguments {
    /// The ablation file
    file: PathBuf,
    /// Only variants whose name matches, with * and ?
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
    /// Another value for a key of the file, as for `run`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The device that the work is for, which this machine need not have: where the file leaves the execution open, the device
    /// decides it, and with it which trials these are
    #[arg(long, default_value = "auto", value_parser = device::parse)]
    device: DeviceChoice,
    /// A line for people, or a line of JSON with the arguments that run the unit
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As `run --list` prints them.
    Text,
    /// A line of JSON each.
    Jsonl,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let written = ablation::text_of(&arguments.file)?;
    let text = with_overrides(&written, &arguments.set, &arguments.file).map_err(Failure::ablation)?;
    let parsed = ablation::parsed(&text, &arguments.file)?;
    let chosen = ablation::chosen_variants(&parsed, arguments.only.as_deref())?;
    let plan = ablation::planned(device::with_executions(parsed, device::intended(arguments.device)?).ablation)?;
    let measurements = count_measurements(&plan.ablation, &chosen);
    let units = units::of(&plan, &chosen);
    match arguments.format {
        Format::Text => {
            let mut lines: String = units.iter().map(units::Unit::line).collect();
            if measurements > 0 {
                lines += &format!("{MEASUREMENTS}  {}\n", counted(measurements, "measurement"));
            }
            print(&lines)?;
            say(&counted(units.len() + usize::from(measurements > 0), "unit"));
        }
        Format::Jsonl => {
            let lines = units.iter().map(|unit| json_of(unit, arguments));
            let of_measurements = (measurements > 0).then(|| of_measurements(&plan, measurements, arguments));
            let mut text = Vec::new();
            for line in lines.chain(of_measurements) {
                serde_json::to_writer(&mut text, &line).map_err(Failure::work)?;
                text.write_all(b"\n").map_err(Failure::work)?;
            }
            print(&visible::escape_json(&String::from_utf8_lossy(&text)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The arguments that run a unit.
fn command(arguments: &Arguments, unit: &str) -> Vec<String> {
    let mut words = vec![
        "run".to_owned(),
        arguments.file.display().to_string(),
        "--trial".to_owned(),
        unit.to_owned(),
    ];
    for set in &arguments.set {
        words.extend(["--set".to_owned(), set.clone()]);
    }
    words
}

fn json_of(unit: &units::Unit<'_>, arguments: &Arguments) -> serde_json::Value {
    json!({
        "index": unit.place,
        "unit": "trial",
        "trial": unit.trial,
        "variant": unit.variant,
        "seed": unit.seed,
        "parameters": unit.cost.parameters,
        "macs": unit.cost.macs,
        "epochs": unit.cost.epochs,
        "steps": unit.cost.steps,
        "images": unit.cost.images,
        "arguments": command(arguments, unit.trial),
    })
}

fn of_measurements(plan: &ExperimentPlan, measurements: usize, arguments: &Arguments) -> serde_json::Value {
    json!({
        "index": plan.trials.len(),
        "unit": MEASUREMENTS,
        "trial": MEASUREMENTS,
        "measurements": measurements,
        "arguments": command(arguments, MEASUREMENTS),
    })
}
