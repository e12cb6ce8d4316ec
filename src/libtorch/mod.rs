//! Everything that names libtorch. The next backend is one module beside this one.

mod device;
mod memory;
mod native_error;
mod switches;

pub use device::{cpu, cuda, cuda_devices, limit_threads};
pub use memory::{CpuTensors, CudaTensors};
pub use native_error::NativeError;
pub use switches::{Switches, set_switches, switches};
