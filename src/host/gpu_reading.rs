//! What NVML says of a GPU, and something that can be asked.

use super::gpu_error::GpuError;

/// What NVML says of a GPU at one moment.
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
    /// Its number, on the host or in this container.
    pub pid: u32,
    /// The memory it holds, in bytes, where the driver reports it.
    pub used: Option<u64>,
}

/// Something that can be asked what NVML says now.
pub trait GpuReader {
    /// What NVML says now.
    ///
    /// # Errors
    /// What it does not report.
    fn read(&mut self) -> Result<GpuReading, GpuError>;
}
