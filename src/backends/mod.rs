//! The backends of Burn that a network can run on, each as one descriptor.
//!
//! A backend is one file of this folder and one line of [`BACKENDS`] (`table.rs`). Everything that is particular to one
//! (how a device opens, its switches, its counters) is asked of its [`Backend`]; no other code names a backend to
//! distinguish it from the others. A name that is not in the table is refused.

mod backend;
mod counter;
mod counting;
mod cpu;
mod cuda;
mod device;
mod flex;
mod generic;
mod libtorch;
mod lookup;
mod refusals;
mod table;
mod wgpu;

pub use backend::{AutoRank, Backend, BackendDevice, MemorySource, PrecisionSupport, Refusal, Runtime};
pub use counter::{TensorCounter, TensorPeaks};
pub use counting::count_tensors;
pub use cpu::CPU;
pub use cuda::{CUDA, GPU_ORDER};
pub use device::{DeviceChoice, DeviceError};
pub use flex::FLEX;
pub use libtorch::libtorch_version;
pub use lookup::{accelerator, device_help, fallback};
pub use table::BACKENDS;
pub use wgpu::WGPU;
