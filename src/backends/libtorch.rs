//! The common part of libtorch's two backends, its CPU and its CUDA devices.

#[cfg(feature = "libtorch")]
use crate::formats::ablation::Precision;
use crate::formats::ablation::{Execution, MapLayout, RunSettings};

/// The version of the libtorch that the program was built against. The build refuses any but the one that tch is written
/// for, unless `LIBTORCH_BYPASS_VERSION_CHECK` is set.
pub const LIBTORCH_VERSION: &str = env!("DENSENET_BENCH_LIBTORCH_VERSION");

/// The versions that are recorded for both.
pub(super) const VERSIONS: &[(&str, &str)] = &[
    ("tch", env!("DENSENET_BENCH_TCH_VERSION")),
    ("libtorch", LIBTORCH_VERSION),
];

/// How feature maps lie where `fastest` is the device's faster layout.
pub(super) fn layout(run: &RunSettings, fastest: MapLayout) -> MapLayout {
    match run.execution {
        Execution::Plain => MapLayout::Nchw,
        Execution::Aten => run.layout.unwrap_or(fastest),
        Execution::Recompute => fastest,
        Execution::Fused => MapLayout::ChannelsLast,
    }
}

/// What updates a network's tensors where they are.
#[cfg(feature = "libtorch")]
pub(super) fn in_place(
    model: &crate::model::Model,
    rule: crate::model::SgdRule,
) -> Option<Box<dyn crate::model::InPlace>> {
    Some(Box::new(crate::libtorch::InPlaceTensors::new(model, rule)))
}

/// Sets libtorch's switches.
#[cfg(feature = "libtorch")]
pub(super) fn set_switches(run: &RunSettings) -> Result<(), String> {
    let tf32 = match run.precision {
        Precision::F32 | Precision::Bf16 | Precision::F16 => false,
        Precision::Tf32 => true,
    };
    crate::libtorch::set_switches(run.deterministic, tf32, run.cudnn_benchmark).map_err(|error| error.to_string())
}
