//! Everything that names libtorch. What its devices can do is described in `backends`.

mod aten;
mod device;
mod executions;
mod fused;
mod layout;
mod memory;
mod native;
mod native_error;
mod recompute;
mod switches;
mod tensors;
#[cfg(test)]
mod tests;
mod values;

pub use device::{cpu, cuda, cuda_devices, limit_threads};
pub use executions::{isolation, lowerings};
pub use memory::{CpuTensors, CudaTensors, allocate_by_system};
pub use native_error::NativeError;
pub use switches::{Switches, cpu_capability, set_switches, switches};
