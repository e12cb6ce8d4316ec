//! The machine that a run is on: devices, threads, memory, and the record of all that.

mod allocator;
mod arithmetic;
mod difference;
mod energy;
mod environment;
mod fonts;
mod gpu;
mod gpu_error;
mod gpu_memory;
mod gpu_reading;
mod gpu_state;
mod instructions;
mod loaded;
mod memory;
mod oom;
mod panics;
mod pinning;
mod process_identity;
mod process_memory;
mod process_peak;
mod processor;
mod processor_time;
mod restart;
mod start_up;
mod stop;
mod system_state;
mod thread_choice;
mod threads;
mod visible_gpus;

pub use arithmetic::{
    ArithmeticError, apply_arithmetic, check_arithmetic, check_execution, process_variables, recorded_graph,
    recorded_layout,
};
pub use difference::{Difference, Way};
pub use energy::{Energy, EnergyCounter, EnergySource, EnergyStart, Packages};
pub use environment::{Environment, build, nanoseconds, now};
pub use fonts::{font_files, read_font};
pub use gpu::{Gpu, GpuFacts, GpuLibrary, compute_capability};
pub use gpu_error::GpuError;
pub use gpu_memory::{GpuPeak, GpuWatch};
pub use gpu_reading::{GpuProcess, GpuReader, GpuReading};
pub use gpu_state::{GpuRecord, GpuState};
pub use instructions::{dispatched, vector_instructions};
pub use loaded::loaded_library;
pub use memory::{available_memory, peak_resident_bytes};
pub use oom::{OomKills, prefer_to_be_killed};
pub use panics::{caught, first_line, said};
pub use pinning::{allowed_processors, pin_to};
pub use process_identity::{ProcessIdentity, host_name};
pub use process_memory::ProcessMemory;
pub use process_peak::{PeakSource, ProcessPeak};
pub use processor::{ProcessorIdentity, instructions_in_words, processor_in_words, this_processor};
pub use processor_time::{ProcessorTime, ProcessorWatch};
pub use restart::restart_with;
pub use start_up::since_start;
pub use stop::{Stop, leave_interrupts_to_the_parent, outlive_the_file_size_limit};
pub use thread_choice::{ThreadChoice, choose_threads, choose_threads_of, default_threads};
pub use threads::{available_threads, limit_threads, loader_threads};
pub use visible_gpus::{CudaView, ListedGpu};
