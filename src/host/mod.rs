//! The machine that a run is on: devices, threads, memory, and what is recorded of all that.

mod device;
mod environment;
mod memory;
mod threads;

#[cfg(feature = "burn")]
pub use device::open;
pub use device::{DeviceChoice, DeviceError, cuda_devices, gpu_models};
pub use environment::{Environment, build, now};
pub use memory::{available_memory, peak_resident_bytes};
pub use threads::{available_threads, limit_threads, thread_variables};
