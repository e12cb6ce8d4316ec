//! The executions that every backend of Burn has.

use std::sync::Arc;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};

use crate::formats::ablation::Execution;
use crate::model::{Lowering, Recompute};

/// The lowerings with Burn's operations on backend `B`; none where all is plain. Executions that need more than Burn's
/// operations are refused before.
pub(super) fn lowerings<B: Backend>(execution: Execution) -> Vec<Arc<dyn Lowering>>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    match execution {
        Execution::Recompute => vec![Arc::new(Recompute::<B>::default())],
        Execution::Plain | Execution::Aten | Execution::Fused => Vec::new(),
    }
}
