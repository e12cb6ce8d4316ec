//! The machine that a run is on: devices, threads, memory, and what is recorded of all that.

mod allocator;
mod arithmetic;
mod device;
mod environment;
mod gpu;
mod gpu_memory;
mod memory;
mod oom;
mod panics;
mod process_memory;
mod restart;
mod stop;
mod tensor_memory;
mod threads;
mod visible_gpus;

pub use arithmetic::{ArithmeticError, apply_arithmetic, check_arithmetic, check_execution, process_variables};
#[cfg(feature = "burn")]
pub use device::open;
pub use device::{DeviceChoice, DeviceError, cuda_devices, gpu_models};
pub use environment::{Environment, build, nanoseconds, now};
pub use gpu::{Gpu, GpuError, GpuFacts, GpuLibrary, has_tf32};
pub use gpu_memory::{GpuPeak, GpuProcess, GpuReader, GpuReading, GpuWatch};
pub use memory::{available_memory, peak_resident_bytes};
pub use oom::{OomKills, prefer_to_be_killed};
pub use panics::{caught, first_line, said};
pub use process_memory::{PeakSource, ProcessMemory, ProcessPeak};
pub use restart::restart_with;
pub use stop::{Stop, leave_interrupts_to_the_parent};
pub use tensor_memory::{TensorMemory, TensorPeaks};
pub use threads::{available_threads, limit_threads, loader_threads};
pub use visible_gpus::{CudaView, GPU_ORDER, ListedGpu};
