//! The executions that libtorch's devices have beside the plain one.

use std::sync::Arc;

use super::aten::Aten;
use super::fused::Fused;
use super::recompute::AtenRecompute;
use crate::formats::ablation::{Execution, RunSettings};
use crate::kernels::Processor;
use crate::model::Lowering;

/// The lowerings on libtorch's devices; the first that takes a segment runs it, and what none takes is plain.
pub fn lowerings(run: &RunSettings) -> Vec<Arc<dyn Lowering>> {
    let aten = || -> Arc<dyn Lowering> { Arc::new(Aten::new(run)) };
    match run.execution {
        Execution::Plain => Vec::new(),
        Execution::Aten => vec![aten()],
        Execution::Recompute => vec![Arc::new(AtenRecompute), aten()],
        Execution::Fused => vec![Arc::new(Fused::new(Processor::detect())), aten()],
    }
}
