//! Everything that names libtorch. What its devices can do is described in `backends`.

mod aten;
mod autocast;
mod device;
mod executions;
mod host_tensors;
mod in_place;
mod layout;
mod memory;
mod native;
mod native_error;
mod recompute;
mod step_graph;
mod switches;
mod tensors;
#[cfg(test)]
mod tests;
mod trace;
mod uploads;
mod values;
mod versions;

pub use device::{cpu, cuda, cuda_devices, limit_threads};
pub use executions::{isolation, lowerings};
pub use in_place::InPlaceTensors;
pub use memory::{CpuTensors, CudaTensors, allocate_by_system};
pub use native_error::NativeError;
pub use step_graph::{has_step_graphs, step_graph};
pub use switches::{Switches, cpu_capability, set_switches, switches};
pub use trace::operations_of;
pub use uploads::uploads;
pub use versions::{LibtorchVersions, cuda_versions};
