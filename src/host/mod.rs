//! The machine that a run is on: devices, threads, memory, and the record of all that.

mod allocator;
mod arithmetic;
mod environment;
mod gpu;
mod gpu_error;
mod gpu_memory;
mod gpu_reading;
mod instructions;
mod memory;
mod oom;
mod panics;
mod process_memory;
mod process_peak;
mod restart;
mod stop;
mod threads;
mod visible_gpus;

pub use arithmetic::{ArithmeticError, apply_arithmetic, check_arithmetic, check_execution, process_variables};
pub use environment::{Environment, build, nanoseconds, now};
pub use gpu::{Gpu, GpuFacts, GpuLibrary, compute_capability};
pub use gpu_error::GpuError;
pub use gpu_memory::{GpuPeak, GpuWatch};
pub use gpu_reading::{GpuProcess, GpuReader, GpuReading};
pub use instructions::vector_instructions;
pub use memory::{available_memory, peak_resident_bytes};
pub use oom::{OomKills, prefer_to_be_killed};
pub use panics::{caught, first_line, said};
pub use process_memory::ProcessMemory;
pub use process_peak::{PeakSource, ProcessPeak};
pub use restart::restart_with;
pub use stop::{Stop, leave_interrupts_to_the_parent};
pub use threads::{available_threads, limit_threads, loader_threads};
pub use visible_gpus::{CudaView, ListedGpu};
