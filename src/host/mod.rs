//! The machine that a run is on: devices, threads, memory, and what is recorded of all that.

mod arithmetic;
mod device;
mod environment;
mod memory;
mod oom;
mod process_memory;
mod tensor_memory;
mod threads;

pub use arithmetic::{ArithmeticError, apply_arithmetic, check_arithmetic, process_variables};
#[cfg(feature = "burn")]
pub use device::open;
pub use device::{DeviceChoice, DeviceError, cuda_devices, gpu_models, has_tf32};
pub use environment::{Environment, build, now};
pub use memory::{available_memory, peak_resident_bytes};
pub use oom::{OomKills, prefer_to_be_killed};
pub use process_memory::{ProcessMemory, ProcessPeak};
pub use tensor_memory::{TensorMemory, TensorPeaks};
pub use threads::{available_threads, limit_threads};
