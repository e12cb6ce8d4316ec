//! The executions that libtorch's devices have beside the plain one.

use std::sync::Arc;

use super::aten::Aten;
use super::fused::Fused;
use super::recompute::AtenRecompute;
use crate::formats::ablation::Execution;
use crate::kernels::Processor;
use crate::model::{Segmented, Segments};
use crate::network::DenseNet;

/// What carries a network out on libtorch's devices; none for Burn's own modules.
pub fn segments(network: &DenseNet, execution: Execution) -> Option<Arc<dyn Segments>> {
    match execution {
        Execution::Plain => None,
        Execution::Aten => Some(Arc::new(Segmented::new(network, Aten))),
        Execution::Recompute => Some(Arc::new(Segmented::new(network, AtenRecompute))),
        Execution::Fused => Some(Arc::new(Segmented::new(network, Fused::new(Processor::detect())))),
    }
}
