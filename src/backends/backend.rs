//! A backend's descriptor.

use std::fmt;

use super::counter::TensorCounter;
use crate::formats::ablation::{Execution, MapLayout, Precision, RunSettings};

/// A backend: all that the program knows of it. Every field must be given, so that a new backend cannot inherit by
/// mistake a property of another.
pub struct Backend {
    /// Its name on the command line and in files, such as `flex`.
    pub name: &'static str,
    /// Whether there may be several devices, written with an index: `cuda:0`.
    pub is_numbered: bool,
    /// A short description.
    pub summary: &'static str,
    /// The feature of Cargo that it is built with.
    pub feature: &'static str,
    /// When `--device auto` takes it.
    pub auto: AutoRank,
    /// The versions of its libraries as this process runs with them, recorded with the results.
    pub versions: fn() -> Vec<(&'static str, String)>,
    /// Whether this machine has the device, asked only where the backend is built in.
    pub find: fn(BackendDevice) -> Result<(), Refusal>,
    /// The remedy where a network does not run on a device that was found.
    pub repair: &'static str,
    /// The models of its accelerators, as recorded; none for a backend that computes on the processor.
    pub accelerators: fn() -> Option<String>,
    /// Which devices compute in that precision.
    pub precision: fn(Precision) -> PrecisionSupport,
    /// Whether its convolutions are cuDNN's, which can time its algorithms and take the fastest.
    pub has_cudnn: bool,
    /// Whether the device supports an execution, or why not.
    pub execution: fn(BackendDevice, Execution) -> Result<(), Refusal>,
    /// How feature maps lie in memory with these settings.
    pub layout: fn(&RunSettings) -> MapLayout,
    /// Whether a device has graphs in which a training step is recorded, or why not.
    pub step_graphs: fn(BackendDevice) -> Result<(), Refusal>,
    /// Whether an execution's updates are made in place, over all tensors at once: where a launch of each operation, or a new
    /// tensor for each, costs more than its arithmetic.
    pub updates_in_place: fn(Execution) -> bool,
    /// Environment variables that a process needs before it starts, beside those of the thread pools and the allocator.
    pub variables: fn(&RunSettings) -> Vec<(&'static str, String)>,
    /// Environment variables that its libraries read, recorded with the results.
    pub recorded_variables: &'static [&'static str],
    /// Whether the processor is mostly idle while a step runs, so that a thread can prepare the next batches.
    pub runs_beside_processor: bool,
    /// The variable that shows a process some of its devices, which it then counts from 0; none where there is no such variable.
    pub visible_devices: Option<&'static str>,
    /// Whether live tensors can be held to a number of bytes (`--memory-limit`).
    pub limits_memory: bool,
    /// Whether tensors in main memory can be left to the C library's allocator (`[run] allocator = "system"`).
    pub can_allocate_by_system: bool,
    /// Whether the closed form of a training step's memory holds for it.
    pub predicts_memory: bool,
    /// Where the peak of a process's memory comes from.
    pub process_memory: MemorySource,
    /// Its implementation; none where the program was built without it.
    pub runtime: Option<Runtime>,
}

/// Starts what brings batches to the device of that index, or gives the library's message.
#[cfg(feature = "burn")]
pub type StartUploads = fn(usize) -> Result<Box<dyn crate::model::Uploads>, String>;

/// The implementation of a backend that is built in.
pub struct Runtime {
    /// Opens a device that [`Backend::find`] has found.
    #[cfg(feature = "burn")]
    pub open: fn(usize) -> burn::tensor::Device,
    /// The lowerings of settings whose execution [`Backend::execution`] allows; the first that takes a segment runs it,
    /// and what none takes is plain.
    #[cfg(feature = "burn")]
    pub lowerings: fn(&RunSettings) -> Vec<std::sync::Arc<dyn crate::model::Lowering>>,
    /// The fastest execution that [`Backend::execution`] allows for a network.
    #[cfg(feature = "burn")]
    pub fastest: fn(&crate::network::Graph) -> Execution,
    /// Cuts autodiff graphs into those of single nodes.
    #[cfg(feature = "burn")]
    pub isolation: fn() -> Box<dyn crate::model::Isolation>,
    /// What updates a network's tensors where they are; none where nothing does.
    #[cfg(feature = "burn")]
    pub in_place: fn(&crate::model::Model, crate::model::SgdRule) -> Option<Box<dyn crate::model::InPlace>>,
    /// A graph of the device of that index, where [`Backend::step_graphs`] says that there are any, or the library's message.
    #[cfg(feature = "burn")]
    pub step_graph: fn(usize) -> Result<Box<dyn crate::model::StepGraph>, String>,
    /// What brings batches to the device of that index beside its work; none where they are taken as they come.
    #[cfg(feature = "burn")]
    pub uploads: Option<StartUploads>,
    /// Sets this process's switches of determinism and precision, or returns the library's message.
    pub set_switches: fn(&RunSettings) -> Result<(), String>,
    /// Holds the library's own thread pools to that many threads.
    pub limit_threads: fn(usize),
    /// Starts counting the bytes of a device's tensors; none where they cannot be counted.
    pub count_tensors: fn(usize) -> Option<Box<dyn TensorCounter>>,
    /// Leaves tensors in main memory to the C library's allocator from now on; `false` where that is not possible.
    pub allocate_by_system: fn() -> bool,
}

impl Backend {
    /// Its device of that index; 0 is the only one of a backend that numbers none.
    pub const fn device(&'static self, index: usize) -> BackendDevice {
        BackendDevice { backend: self, index }
    }

    /// Whether the program was built with it.
    pub fn is_built(&self) -> bool {
        self.runtime.is_some()
    }

    /// Its devices as `--device` takes them: `flex`, `cuda:N`.
    pub fn pattern(&self) -> String {
        format!("{}{}", self.name, if self.is_numbered { ":N" } else { "" })
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Backend {
    /// Names are unique in the table.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Backend {}

/// When `--device auto` takes a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRank {
    /// Before all others, where it has a device.
    Preferred,
    /// Where no preferred one has a device.
    Fallback,
    /// Only by name.
    Never,
}

/// Which devices of a backend compute in a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecisionSupport {
    /// All.
    Always,
    /// CUDA devices of this compute capability, major and minor, and later.
    FromComputeCapability(i32, i32),
    /// None.
    Never,
}

/// Where the peak of a process's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySource {
    /// The process's resident set: tensors are in main memory.
    ResidentSet,
    /// NVIDIA's management library, for the GPU of the device's index.
    Nvml,
    /// It is unknown, for this reason.
    Unknown(&'static str),
}

/// Why a backend refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The problem.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl Refusal {
    /// A refusal with this message.
    pub fn new(rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }
}

/// A device: a backend of the table and an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendDevice {
    backend: &'static Backend,
    index: usize,
}

impl BackendDevice {
    /// Its backend.
    pub fn backend(self) -> &'static Backend {
        self.backend
    }

    /// Its index among the devices of its backend.
    pub fn index(self) -> usize {
        self.index
    }
}

impl fmt::Display for BackendDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backend.is_numbered {
            true => write!(f, "{}:{}", self.backend.name, self.index),
            false => f.write_str(self.backend.name),
        }
    }
}
