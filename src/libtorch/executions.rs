//! The executions that libtorch's devices have beside the plain one.

use std::sync::Arc;

use super::aten::Aten;
use super::host_tensors::LibtorchTensors;
use super::recompute::AtenRecompute;
use super::tensors::Backend;
use crate::formats::ablation::{Execution, RunSettings};
use crate::kernels::count_buffers;
use crate::model::{Cuts, Fused, Isolation, Lowering};

/// The lowerings on libtorch's devices; the first that takes a segment runs it, and what none takes is plain.
pub fn lowerings(run: &RunSettings) -> Vec<Arc<dyn Lowering>> {
    let aten = || -> Arc<dyn Lowering> { Arc::new(Aten::new(run)) };
    match run.execution {
        Execution::Plain => Vec::new(),
        Execution::Aten => vec![aten()],
        Execution::Recompute => vec![Arc::new(AtenRecompute), aten()],
        Execution::Fused => {
            count_buffers(super::memory::count_beside_tensors);
            vec![Arc::new(Fused::<LibtorchTensors>::new(run.instructions.fastest()))]
        }
    }
}

/// The cuts of autodiff graphs of libtorch's tensors.
pub fn isolation() -> Box<dyn Isolation> {
    Box::new(Cuts::<Backend>::default())
}
