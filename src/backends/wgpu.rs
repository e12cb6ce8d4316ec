//! `wgpu`: Burn's backend for GPUs of any make, over Vulkan, Metal, DirectX or OpenGL.

use super::backend::{AutoRank, Backend, MemorySource, Refusal, Runtime};
use super::generic;

/// Burn's wgpu backend, on the adapter that wgpu prefers.
pub static WGPU: Backend = Backend {
    name: "wgpu",
    is_numbered: false,
    summary: "Burn's wgpu backend",
    feature: "wgpu",
    auto: AutoRank::Never,
    versions: || {
        vec![
            ("cubecl", env!("DENSENET_BENCH_CUBECL_VERSION").to_owned()),
            ("wgpu", env!("DENSENET_BENCH_WGPU_VERSION").to_owned()),
        ]
    },
    find: |_| match adapters() {
        0 => Err(Refusal::new(
            "wgpu sees no adapter",
            "install a Vulkan driver and check it with vulkaninfo, or take --device cpu",
        )),
        _ => Ok(()),
    },
    repair: "check the driver with vulkaninfo, or take --device cpu",
    accelerators: adapter,
    precision: generic::f32_alone,
    has_cudnn: false,
    execution: generic::execution,
    layout: generic::layout,
    step_graphs: super::refusals::step_graphs,
    updates_in_place: |_| false,
    variables: |_| Vec::new(),
    recorded_variables: &[
        "CUBECL_WGPU_DEFAULT_DEVICE",
        "CUBECL_WGPU_MAX_TASKS",
        "MESA_VK_DEVICE_SELECT",
        "VK_DRIVER_FILES",
        "VK_ICD_FILENAMES",
        "VK_LOADER_DRIVERS_SELECT",
    ],
    runs_beside_processor: true,
    visible_devices: None,
    limits_memory: false,
    can_allocate_by_system: false,
    predicts_memory: false,
    process_memory: MemorySource::Unknown("wgpu does not report the memory of its device"),
    runtime: RUNTIME,
};

#[cfg(not(feature = "wgpu"))]
const RUNTIME: Option<Runtime> = None;

#[cfg(feature = "wgpu")]
const RUNTIME: Option<Runtime> = Some(Runtime {
    open: |_| burn::tensor::Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
    lowerings: generic::lowerings::<burn::backend::Wgpu>,
    fastest: |_| Execution::Plain,
    isolation: generic::isolation::<burn::backend::Wgpu>,
    in_place: |_, _| None,
    step_graph: |_| Err("the backend has no graphs".to_owned()),
    uploads: None,
    // It has none.
    set_switches: |_| Ok(()),
    limit_threads: |_| {},
    count_tensors: |_| None,
    allocate_by_system: || false,
});

/// Adapters that wgpu sees; none without it.
fn adapters() -> usize {
    #[cfg(feature = "wgpu")]
    return burn::tensor::Device::enumerate(burn::tensor::DeviceType::Wgpu).len();
    #[cfg(not(feature = "wgpu"))]
    return 0;
}

/// The adapter's name, as its driver gives it.
fn adapter() -> Option<String> {
    #[cfg(feature = "wgpu")]
    return burn::tensor::Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)
        .identity()
        .map(|identity| identity.name);
    #[cfg(not(feature = "wgpu"))]
    return None;
}
