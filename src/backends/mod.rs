//! The backends of Burn that a network can run on, each as one descriptor.
//!
//! A backend is one file of this folder and one line of [`BACKENDS`]. Everything that is particular to one (how a device
//! opens, what it can be told, what it counts) is asked of its [`Backend`]; no other code names a backend to tell it from
//! the others. A name that is not in the table is refused.

mod backend;
mod counter;
mod cpu;
mod cuda;
mod device;
mod flex;
#[cfg(feature = "burn")]
mod generic;
mod libtorch;
mod lookup;
mod refusals;

pub use backend::{AutoRank, Backend, MemorySource, PrecisionSupport, Refusal, Runtime};
pub use counter::{TensorCounter, TensorPeaks, count_tensors};
pub use cpu::CPU;
pub use cuda::{CUDA, GPU_ORDER};
pub use device::{BackendDevice, DeviceChoice, DeviceError};
pub use flex::FLEX;
pub use libtorch::LIBTORCH_VERSION;
pub use lookup::{device_help, fallback};

/// Every backend that the program knows, built in or not, in the order in which help and errors list them.
pub static BACKENDS: [&Backend; 3] = [&CPU, &CUDA, &FLEX];
