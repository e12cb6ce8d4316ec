//! From `run.execution` to what carries a network out.

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::Device;

use crate::formats::ablation::{Execution, RunSettings};
use crate::formats::weights::{Weights, WeightsError};
use crate::host::{self, ArithmeticError, DeviceChoice};
use crate::model::{Lowering, Model, Recompute};
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
}

/// Builds a network, to be carried out as `run` says. `device` is what `choice` opened: with autodiff the
/// network trains, else it evaluates.
///
/// # Errors
/// Weights that are not those of the graph, or an execution that the device does not have.
pub fn build(
    graph: &Graph,
    weights: &Weights,
    run: &RunSettings,
    choice: DeviceChoice,
    device: &Device,
) -> Result<Model, BuildError> {
    host::check_execution(run, choice)?;
    let lowerings = lowerings(run.execution, choice);
    Ok(Model::new(Arc::new(graph.clone()), weights, device, &lowerings)?)
}

/// What carries a network's segments out on a device that has the execution; what none takes is plain.
pub fn lowerings(execution: Execution, device: DeviceChoice) -> Vec<Arc<dyn Lowering>> {
    #[cfg(feature = "libtorch")]
    if device != DeviceChoice::Flex {
        return crate::libtorch::lowerings(execution);
    }
    let _ = device;
    match execution {
        Execution::Recompute => vec![Arc::new(Recompute::<Flex>::default())],
        // `check_execution` lets no other reach a device that lacks it.
        Execution::Plain | Execution::Aten | Execution::Fused => Vec::new(),
    }
}
