//! The executions that libtorch's devices have beside the plain one.

use std::sync::Arc;

use super::aten::Aten;
use super::fused::Fused;
use super::recompute::AtenRecompute;
use super::tensors::Backend;
use crate::formats::ablation::Execution;
use crate::kernels::Processor;
use crate::model::{Cuts, Isolation, Lowering};

/// The lowerings on libtorch's devices; the first that takes a segment runs it, and what none takes is plain.
pub fn lowerings(execution: Execution) -> Vec<Arc<dyn Lowering>> {
    match execution {
        Execution::Plain => Vec::new(),
        Execution::Aten => vec![Arc::new(Aten)],
        Execution::Recompute => vec![Arc::new(AtenRecompute), Arc::new(Aten)],
        Execution::Fused => vec![Arc::new(Fused::new(Processor::detect())), Arc::new(Aten)],
    }
}

/// The cuts of autodiff graphs of libtorch's tensors.
pub fn isolation() -> Box<dyn Isolation> {
    Box::new(Cuts::<Backend>::default())
}
