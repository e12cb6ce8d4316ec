//! libtorch's devices and its pools of threads.

use burn::tensor::Device;

/// CUDA devices that libtorch sees.
pub fn cuda_devices() -> usize {
    usize::try_from(tch::Cuda::device_count()).unwrap_or(0)
}

/// libtorch's CPU.
#[expect(
    deprecated,
    reason = "Burn drops libtorch after 0.22; this module is where the harness names it"
)]
pub fn cpu() -> Device {
    Device::libtorch()
}

/// libtorch's CUDA device of that index, which [`cuda_devices`] has counted.
#[expect(
    deprecated,
    reason = "Burn drops libtorch after 0.22; this module is where the harness names it"
)]
pub fn cuda(index: usize) -> Device {
    Device::libtorch_cuda(index)
}

/// Holds libtorch's pools to `threads`: within an operation, and between operations to one, since ours run in turn.
pub fn limit_threads(threads: usize) {
    let threads = i32::try_from(threads).unwrap_or(i32::MAX);
    tch::set_num_threads(threads);
    // The pool between operations can be sized once in a process, before its first use.
    if tch::get_num_interop_threads() != 1 {
        tch::set_num_interop_threads(1);
    }
}
