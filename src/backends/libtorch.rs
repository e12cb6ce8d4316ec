//! The common part of libtorch's two backends, its CPU and its CUDA devices.

use super::backend::Refusal;
#[cfg(feature = "libtorch")]
use crate::formats::ablation::Precision;
use crate::formats::ablation::{Execution, MapLayout, RunSettings};

/// The version of the libtorch that the process runs with; none in a program without it.
pub fn libtorch_version() -> Option<String> {
    #[cfg(feature = "libtorch")]
    return crate::libtorch::LibtorchVersions::here()
        .ok()
        .map(|versions| versions.recorded().to_owned());
    #[cfg(not(feature = "libtorch"))]
    return None;
}

/// The versions that are recorded for both.
pub(super) fn versions() -> Vec<(&'static str, String)> {
    let mut versions = vec![("tch", env!("DENSENET_BENCH_TCH_VERSION").to_owned())];
    versions.extend(libtorch_version().map(|version| ("libtorch", version)));
    versions
}

/// Refuses a libtorch whose objects are laid out otherwise than the program was compiled for: one that `LD_LIBRARY_PATH` or
/// `LD_PRELOAD` has put in the place of its own.
pub(super) fn fits() -> Result<(), Refusal> {
    #[cfg(feature = "libtorch")]
    if let Ok(versions) = crate::libtorch::LibtorchVersions::here()
        && !versions.fit()
    {
        let rule = format!(
            "the program was compiled for libtorch {} and runs with {}",
            versions.headers, versions.libraries
        );
        return Err(Refusal::new(
            rule,
            "check LD_LIBRARY_PATH and LD_PRELOAD, or build it again",
        ));
    }
    Ok(())
}

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
