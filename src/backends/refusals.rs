//! Why backends lack an execution: the same message for each that lacks it.

use super::backend::BackendDevice;
use super::backend::Refusal;

/// The refusal of `aten`.
pub(super) fn aten(device: BackendDevice) -> Refusal {
    Refusal::new(
        format!("execution is \"aten\", which needs libtorch, and the device is {device}"),
        "take --device cpu or cuda:N in a program that was built with libtorch, or execution \"plain\" or \"recompute\"",
    )
}

/// The refusal of graphs.
pub(super) fn step_graphs(device: BackendDevice) -> Result<(), Refusal> {
    Err(Refusal::new(
        format!("cuda-graph is true, and the device {device} has no CUDA graphs"),
        "leave cuda-graph out, or take a CUDA device",
    ))
}

/// The refusal of `fused`.
pub(super) fn fused(device: BackendDevice) -> Refusal {
    Refusal::new(
        format!("execution is \"fused\", which runs on the processor alone, and the device is {device}"),
        "take --device cpu or flex, or execution \"plain\" or \"recompute\"",
    )
}
