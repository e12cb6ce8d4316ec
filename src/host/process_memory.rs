//! The peak memory of this process on its device, as the system reports it.

use super::gpu::Gpu;
use super::gpu_memory::GpuWatch;
use super::memory::peak_resident_bytes;
use super::process_peak::{PeakSource, ProcessPeak};
use super::visible_gpus::CudaView;
use crate::backends::{BackendDevice, MemorySource};

/// A watch over this process's memory on one device.
#[derive(Debug)]
pub enum ProcessMemory {
    /// The kernel keeps the peak.
    ResidentSet,
    /// NVML is asked.
    Gpu(Box<GpuWatch>),
    /// It is unknown, for this reason.
    Unknown(String),
}

impl ProcessMemory {
    /// Starts watching. To be called before the device is opened: on CUDA this process's memory may have to be
    /// distinguished from the memory in use before.
    pub fn watch(device: BackendDevice) -> Self {
        match device.backend().process_memory {
            MemorySource::ResidentSet => Self::ResidentSet,
            MemorySource::Nvml => match Gpu::open(device.index(), &CudaView::of_this_process()) {
                Ok(gpu) => Self::on(gpu),
                Err(error) => Self::Unknown(error.to_string()),
            },
            MemorySource::Unknown(reason) => Self::Unknown(reason.to_owned()),
        }
    }

    /// Starts watching on that GPU.
    pub fn on(gpu: Gpu) -> Self {
        Self::Gpu(Box::new(GpuWatch::start(gpu)))
    }

    /// Takes a reading, where the peak comes from readings; never to be called while steps are timed.
    pub fn observe(&mut self) {
        if let Self::Gpu(watch) = self {
            watch.observe();
        }
    }

    /// The GPU, if the process is on one that NVML reports.
    pub fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Gpu(watch) => Some(watch.gpu()),
            Self::ResidentSet | Self::Unknown(_) => None,
        }
    }

    /// The peak; to be called while the device's memory is still held.
    ///
    /// # Errors
    /// Why it is unknown, in words.
    pub fn finish(self) -> Result<ProcessPeak, String> {
        match self {
            Self::ResidentSet => peak_resident_bytes()
                .map(|bytes| ProcessPeak {
                    bytes,
                    source: PeakSource::ResidentSet,
                })
                .ok_or_else(|| "this system does not report a process's highest resident set".to_owned()),
            Self::Gpu(watch) => (*watch).finish(),
            Self::Unknown(reason) => Err(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::{CPU, FLEX};

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_of_a_process_on_the_cpu_is_its_resident_set() {
        for device in [CPU.device(0), FLEX.device(0)] {
            let peak = ProcessMemory::watch(device).finish().unwrap();
            assert_eq!(peak.source.to_string(), "resident-set");
            assert!(peak.bytes > 1 << 20);
        }
    }
}
