//! Everything that names libtorch. The next backend is one module beside this one.

mod aten;
mod device;
mod executions;
mod layout;
mod memory;
mod native;
mod native_error;
mod switches;
mod tensors;

pub use device::{cpu, cuda, cuda_devices, limit_threads};
pub use executions::segments;
pub use memory::{CpuTensors, CudaTensors};
pub use native_error::NativeError;
pub use switches::{Switches, set_switches, switches};
