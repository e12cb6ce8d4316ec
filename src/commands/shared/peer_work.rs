//! What `scripts/compare-pytorch` hands to a verb: a measurement, weights and batches, as files.

use std::path::{Path, PathBuf};

use clap::Args;
use densenet_bench::backends::{BackendDevice, DeviceError};
use densenet_bench::formats::batches::{self, BatchFile};
use densenet_bench::formats::weights;
use densenet_bench::host;
use densenet_bench::measurement::RoundSpec;
use densenet_bench::model::Model;
use densenet_bench::training;

use super::Failure;

/// The files.
#[derive(Args)]
pub struct PeerFiles {
    /// The measurement whose settings decide
    spec: PathBuf,
    /// The initial weights
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The batches, one a step
    #[arg(long, value_name = "FILE")]
    pub batches: PathBuf,
}

/// What they give: a network with its weights, and batches.
pub struct PeerWork {
    /// The measurement.
    pub spec: RoundSpec,
    /// The network, on an autodiff device.
    pub model: Model,
    /// The batches.
    pub batches: BatchFile,
}

impl PeerFiles {
    /// Reads them, and makes this process one of the measurement's settings.
    pub fn read(&self) -> Result<PeerWork, Failure> {
        let name = |path: &Path| path.display().to_string();
        let spec: RoundSpec = serde_json::from_slice(&read(&self.spec)?)
            .map_err(|error| Failure::Input(format!("{}: {error}", name(&self.spec))))?;
        let device: BackendDevice = spec
            .device
            .parse()
            .map_err(|error: DeviceError| Failure::input(error))?;
        host::limit_threads(device, spec.threads).map_err(Failure::input)?;
        host::apply_arithmetic(&spec.settings.run, device).map_err(Failure::input)?;
        let graph = spec.settings.graph(spec.input, spec.classes).map_err(Failure::input)?;
        let initial = weights::read(&read(&self.weights)?, &name(&self.weights)).map_err(Failure::input)?;
        let batches = batches::read(&read(&self.batches)?, &name(&self.batches)).map_err(Failure::input)?;
        let opened = device.open().map_err(Failure::input)?.autodiff();
        let model = training::build(&graph, &initial, &spec.settings.run, device, &opened).map_err(Failure::input)?;
        Ok(PeerWork { spec, model, batches })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}
