//! `flex`: Burn's backend in pure Rust, on the processor.

use super::backend::{AutoRank, Backend, MemorySource, Runtime};
use super::generic;

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
    execution: generic::execution,
    layout: generic::layout,
    step_graphs: super::refusals::step_graphs,
    updates_in_place: false,
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
    lowerings: generic::lowerings::<burn::backend::Flex>,
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
