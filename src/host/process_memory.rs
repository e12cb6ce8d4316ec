//! The most memory that this process held on its device, as the system sees it.

use std::fmt;

use super::device::DeviceChoice;
use super::gpu::Gpu;
use super::gpu_memory::GpuWatch;
use super::memory::peak_resident_bytes;
use super::visible_gpus::CudaView;

/// Where a peak comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeakSource {
    /// The resident set, of the kernel's own keeping.
    ResidentSet,
    /// NVML's figure for this process.
    NvmlProcess,
    /// The rise of the memory in use on a GPU that nobody else uses.
    NvmlDeviceDifference,
}

impl fmt::Display for PeakSource {
    /// As in the column `process_peak_source`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResidentSet => "resident-set",
            Self::NvmlProcess => "nvml-process",
            Self::NvmlDeviceDifference => "nvml-device-difference",
        })
    }
}

/// The most memory that this process held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessPeak {
    /// In bytes.
    pub bytes: u64,
    /// Where the figure comes from.
    pub source: PeakSource,
}

/// A watch over this process's memory on one device.
#[derive(Debug)]
pub enum ProcessMemory {
    /// The kernel keeps the peak.
    ResidentSet,
    /// NVML is asked again and again.
    Gpu(GpuWatch),
    /// Nobody tells, and why.
    Untold(String),
}

impl ProcessMemory {
    /// Begins to watch. To be called before the device is opened: on CUDA what this process holds may have to be told
    /// from what was in use before.
    pub fn watch(device: DeviceChoice) -> Self {
        let DeviceChoice::Cuda(index) = device else {
            return Self::ResidentSet;
        };
        match Gpu::open(index, &CudaView::of_this_process()) {
            Ok(gpu) => GpuWatch::start(gpu).map_or_else(Self::Untold, Self::Gpu),
            Err(error) => Self::Untold(error.to_string()),
        }
    }

    /// The peak; to be called while the device's memory is still held.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn finish(self) -> Result<ProcessPeak, String> {
        match self {
            Self::ResidentSet => peak_resident_bytes()
                .map(|bytes| ProcessPeak {
                    bytes,
                    source: PeakSource::ResidentSet,
                })
                .ok_or_else(|| "this system does not tell a process's highest resident set".to_owned()),
            Self::Gpu(watch) => watch.finish(),
            Self::Untold(reason) => Err(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_of_a_process_on_the_cpu_is_its_resident_set() {
        for device in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            let peak = ProcessMemory::watch(device).finish().unwrap();
            assert_eq!(peak.source.to_string(), "resident-set");
            assert!(peak.bytes > 1 << 20);
        }
    }
}
