//! Why backends lack an execution: the same words for each that lacks it.

use super::backend::BackendDevice;
use super::backend::Refusal;

/// Of `aten`.
pub(super) fn aten(device: BackendDevice) -> Refusal {
    Refusal::new(
        format!("execution is \"aten\", and ATen's operations are libtorch's, which the device {device} is not of"),
        "take --device cpu or cuda:N in a program that was built with libtorch, or execution \"plain\" or \"recompute\"",
    )
}

/// Of `fused`.
pub(super) fn fused(device: BackendDevice) -> Refusal {
    Refusal::new(
        format!(
            "execution is \"fused\", and its kernels are for the CPU with libtorch's tensors, which the device {device} is \
             not"
        ),
        "take --device cpu in a program that was built with libtorch, or execution \"plain\" or \"recompute\"",
    )
}
