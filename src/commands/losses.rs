//! `losses`: the losses of training steps on given batches. Not for people: `scripts/compare-pytorch` calls it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::backends::{BackendDevice, DeviceError};
use densenet_bench::formats::batches::{self, BatchFile};
use densenet_bench::formats::weights;
use densenet_bench::host;
use densenet_bench::measurement::RoundSpec;
use densenet_bench::model::Model;
use densenet_bench::training;
use serde_json::json;

use super::{Failure, Outcome, print_json};

/// Train on given batches and print each step's loss (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {
    /// The measurement whose settings are trained with
    spec: PathBuf,
    /// The initial weights
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The batches, one a step
    #[arg(long, value_name = "FILE")]
    batches: PathBuf,
}

/// What the files of a call give: a network with its weights, and batches.
pub struct Given {
    /// The measurement.
    pub spec: RoundSpec,
    /// The network, on an autodiff device.
    pub model: Model,
    /// The batches.
    pub batches: BatchFile,
}

impl Given {
    /// Reads the files, and makes this process one of the spec's settings.
    pub fn read(spec: &Path, weights: &Path, batches: &Path) -> Result<Self, Failure> {
        let name = |path: &Path| path.display().to_string();
        let parsed: Result<RoundSpec, _> = serde_json::from_slice(&read(spec)?);
        let spec = parsed.map_err(|error| Failure::Input(format!("{}: {error}", name(spec))))?;
        let device: BackendDevice = spec
            .device
            .parse()
            .map_err(|error: DeviceError| Failure::input(error))?;
        host::limit_threads(device, spec.threads).map_err(Failure::input)?;
        host::apply_arithmetic(&spec.settings.run, device).map_err(Failure::input)?;
        let graph = spec
            .settings
            .model
            .graph(spec.input, spec.classes)
            .map_err(Failure::input)?;
        let initial = weights::read(&read(weights)?, &name(weights)).map_err(Failure::input)?;
        let batches = batches::read(&read(batches)?, &name(batches)).map_err(Failure::input)?;
        let opened = device.open().map_err(Failure::input)?.autodiff();
        let model = training::build(&graph, &initial, &spec.settings.run, device, &opened).map_err(Failure::input)?;
        Ok(Self { spec, model, batches })
    }
}

pub fn run(arguments: &Arguments) -> Outcome {
    let given = Given::read(&arguments.spec, &arguments.weights, &arguments.batches)?;
    let losses = training::losses(given.model, &given.spec.optimizer(), &given.batches);
    print_json(&json!({"status": "ok", "error": "", "losses": losses}))?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}
