//! What every backend of Burn can do with Burn's own operations: its executions, and arithmetic in f32.

#[cfg(feature = "burn")]
use std::sync::Arc;

#[cfg(feature = "burn")]
use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};

use super::backend::{BackendDevice, PrecisionSupport, Refusal};
use super::refusals;
use crate::formats::ablation::{Execution, Precision};
#[cfg(feature = "burn")]
use crate::model::{Cuts, Isolation, Lowering, Recompute};

/// The executions that need nothing but Burn's operations.
pub(super) fn execution(device: BackendDevice, execution: Execution) -> Result<(), Refusal> {
    match execution {
        Execution::Plain | Execution::Recompute => Ok(()),
        Execution::Aten => Err(refusals::aten(device)),
        Execution::Fused => Err(refusals::fused(device)),
    }
}

/// The precision of a device without TensorFloat-32.
pub(super) fn f32_alone(precision: Precision) -> PrecisionSupport {
    match precision {
        Precision::F32 => PrecisionSupport::Always,
        Precision::Tf32 => PrecisionSupport::Never,
    }
}

/// The lowerings with Burn's operations on backend `B`; none where all is plain. What [`execution`] refuses does not
/// come here.
#[cfg(feature = "burn")]
pub(super) fn lowerings<B: Backend>(execution: Execution) -> Vec<Arc<dyn Lowering>>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    match execution {
        Execution::Recompute => vec![Arc::new(Recompute::<B>::default())],
        Execution::Plain | Execution::Aten | Execution::Fused => Vec::new(),
    }
}

/// The cuts of autodiff graphs on backend `B`.
#[cfg(feature = "burn")]
pub(super) fn isolation<B: Backend>() -> Box<dyn Isolation>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    Box::new(Cuts::<B>::default())
}
