//! NVML's reading of a GPU, and a trait that takes it.

use super::gpu_error::GpuError;

/// NVML's reading of a GPU at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuReading {
    /// Memory in use by all, without what the driver reserves for itself, in bytes.
    pub used: u64,
    /// The processes on the GPU, or why they are unknown.
    pub processes: Result<Vec<GpuProcess>, GpuError>,
}

/// A process on the GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuProcess {
    /// Its PID, on the host or in this container.
    pub pid: u32,
    /// The memory it holds, in bytes, where the driver reports it.
    pub used: Option<u64>,
}

/// Takes readings from NVML.
pub trait GpuReader {
    /// The current reading.
    ///
    /// # Errors
    /// NVML does not report it.
    fn read(&mut self) -> Result<GpuReading, GpuError>;
}
