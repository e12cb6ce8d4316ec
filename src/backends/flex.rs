//! `flex`: Burn's backend in pure Rust, on the processor.

use super::backend::{AutoRank, Backend, MemorySource, Runtime};
use super::{generic, refusals};
use crate::formats::ablation::Execution;

/// Burn's pure-Rust backend.
pub static FLEX: Backend = Backend {
    name: "flex",
    is_numbered: false,
    summary: "Burn's pure-Rust backend",
    feature: "burn",
    auto: AutoRank::Fallback,
    versions: Vec::new,
    find: |_| Ok(()),
    repair: "take --device cpu",
    accelerators: || None,
    precision: generic::f32_alone,
    has_cudnn: false,
    execution: |device, execution| match execution {
        Execution::Plain | Execution::Recompute | Execution::Fused => Ok(()),
        Execution::Aten => Err(refusals::aten(device)),
    },
    layout: generic::layout,
    step_graphs: refusals::step_graphs,
    updates_in_place: |_| false,
    variables: |_| Vec::new(),
    recorded_variables: &[],
    runs_beside_processor: false,
    visible_devices: None,
    limits_memory: false,
    can_allocate_by_system: false,
    predicts_memory: false,
    process_memory: MemorySource::ResidentSet,
    runtime: RUNTIME,
};

#[cfg(not(feature = "burn"))]
const RUNTIME: Option<Runtime> = None;

#[cfg(feature = "burn")]
const RUNTIME: Option<Runtime> = Some(Runtime {
    open: |_| burn::tensor::Device::flex(),
    lowerings: lowered::lowerings,
    fastest: |_| Execution::Fused,
    isolation: generic::isolation::<burn::backend::Flex>,
    in_place: |_, _| None,
    step_graph: |_| Err("the backend has no graphs".to_owned()),
    uploads: None,
    // It has none, and repeats to the last bit.
    set_switches: |_| Ok(()),
    // rayon's pool is sized by a variable when the process starts.
    limit_threads: |_| {},
    count_tensors: |_| None,
    allocate_by_system: || false,
});

/// The executions of Burn's own operations, and `fused` on copies of its tensors.
#[cfg(feature = "burn")]
mod lowered {
    use std::sync::Arc;

    use burn::backend::Flex;

    use crate::backends::generic;
    use crate::formats::ablation::{Execution, RunSettings};
    use crate::model::{CopiedTensors, Fused, Lowering};

    pub fn lowerings(run: &RunSettings) -> Vec<Arc<dyn Lowering>> {
        match run.execution {
            Execution::Fused => {
                let processor = run.instructions.fastest();
                vec![Arc::new(Fused::<CopiedTensors<Flex>>::new(processor))]
            }
            _ => generic::lowerings::<Flex>(run),
        }
    }
}
