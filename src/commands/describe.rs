//! `describe`: a network's layers, shapes and counts, without building it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::network::{Plan, Preset, Shape, Stem, nearest_preset, preset, presets};
use densenet_bench::views::describe;

use super::{Failure, Outcome, experiment, print, print_json};

/// Show the layers of an ablation's networks, or of a preset, with shapes, parameters and multiply-accumulates
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench describe densenet-bc-100-12
  densenet-bench describe ablations/growth.toml --json

A preset takes images of 3x32x32 and 10 classes, or 3x224x224 and 1,000 classes with the imagenet stem.")]
pub struct Arguments {
    /// An ablation file, or the name of a preset
    #[arg(value_name = "FILE.toml|PRESET")]
    what: PathBuf,
    /// Show every layer within the dense blocks
    #[arg(long)]
    full: bool,
    /// Print JSON, with every layer
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let (networks, trials) = networks(&arguments.what)?;
    let named = networks.iter().map(|(name, plan)| (name.as_str(), plan));
    if arguments.json {
        print_json(&serde_json::json!(describe::description(named, trials)))?;
    } else {
        let tables: Vec<String> = named
            .map(|(name, plan)| describe::layer_table(name, plan, arguments.full))
            .collect();
        print(&tables.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The networks by variant name, and the number of trials.
fn networks(what: &Path) -> Result<(Vec<(String, Plan)>, usize), Failure> {
    let name = what.to_string_lossy();
    if let Some(preset) = preset(&name) {
        let plan = plan_of(&preset)?;
        return Ok((vec![(preset.name.to_owned(), plan)], 0));
    }
    if !what.exists() && what.extension().is_none() {
        let names: Vec<&str> = presets().iter().map(|preset| preset.name).collect();
        return Err(Failure::Input(format!(
            "'{name}' is neither a file nor a preset; did you mean {}? The presets are {}",
            nearest_preset(&name),
            names.join(", ")
        )));
    }
    let experiment = experiment::checked(experiment::read(what)?)?;
    let names = experiment.ablation.variants.iter().map(|variant| variant.name.clone());
    let plans = experiment.prepared.into_iter().map(|prepared| prepared.plan);
    Ok((names.zip(plans).collect(), experiment.trials.len()))
}

fn plan_of(preset: &Preset) -> Result<Plan, Failure> {
    let side = match preset.network.stem {
        Stem::Cifar => 32,
        Stem::Imagenet => 224,
    };
    let image = Shape {
        channels: 3,
        height: side,
        width: side,
    };
    preset.network.plan(image, preset.classes).map_err(Failure::input)
}
