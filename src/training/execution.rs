//! From `run.execution` to a network's lowerings.

use std::sync::Arc;

use burn::tensor::Device;

use crate::backends::{BackendDevice, DeviceError};
use crate::formats::ablation::RunSettings;
use crate::formats::weights::{Weights, WeightsError};
use crate::host::{self, ArithmeticError};
use crate::model::Model;
use crate::network::Graph;

/// Why a network could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Weights that are not those of the graph.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An execution that the device does not have.
    #[error(transparent)]
    Execution(#[from] ArithmeticError),
    /// A backend that is not built in.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Builds a network that runs as `run` says. `device` is what `choice` opened: with autodiff the network trains, else
/// it evaluates.
///
/// # Errors
/// Weights that are not those of the graph, or an execution that the device does not have.
pub fn build(
    graph: &Graph,
    weights: &Weights,
    run: &RunSettings,
    choice: BackendDevice,
    device: &Device,
) -> Result<Model, BuildError> {
    host::check_execution(run, choice)?;
    let lowerings = (choice.runtime()?.lowerings)(run);
    Ok(Model::new(Arc::new(graph.clone()), weights, device, &lowerings)?)
}
