//! From `run.execution` to what carries a network out.

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::Device;

use crate::formats::ablation::{Execution, RunSettings};
use crate::formats::weights::{Weights, WeightsError};
use crate::host::{self, ArithmeticError, DeviceChoice};
use crate::model::{DenseNet, Recompute, Segmented, Segments};
use crate::network::{self, Plan};

/// Why a network could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Weights that are not those of the plan.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An execution that the device does not have.
    #[error(transparent)]
    Execution(#[from] ArithmeticError),
}

/// Builds the network of a plan, to be carried out as `run` says. `device` is what `choice` opened: with autodiff the
/// network trains, else it evaluates.
///
/// # Errors
/// Weights that are not those of the plan, or an execution that the device does not have.
pub fn build(
    plan: &Plan,
    weights: &Weights,
    run: &RunSettings,
    choice: DeviceChoice,
    device: &Device,
) -> Result<DenseNet, BuildError> {
    host::check_execution(run, choice)?;
    let network = DenseNet::new(plan, weights, device)?;
    Ok(network.carried_out_by(segments(&plan.network, run.execution, choice)))
}

/// What carries the network out on a device that has the execution; none for Burn's modules.
fn segments(network: &network::DenseNet, execution: Execution, device: DeviceChoice) -> Option<Arc<dyn Segments>> {
    #[cfg(feature = "libtorch")]
    if device != DeviceChoice::Flex {
        return crate::libtorch::segments(network, execution);
    }
    let _ = device;
    match execution {
        Execution::Recompute => Some(Arc::new(Segmented::new(network, Recompute::<Flex>::default()))),
        // `check_execution` lets no other reach a device that lacks it.
        Execution::Plain | Execution::Aten | Execution::Fused => None,
    }
}
