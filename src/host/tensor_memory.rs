//! The bytes of a device's tensors: what a network needs, apart from what allocators and libraries keep.

use super::device::{DeviceChoice, DeviceError};
#[cfg(feature = "libtorch")]
use crate::libtorch::{CpuTensors, CudaTensors};

/// The most bytes since the last [`TensorMemory::reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TensorPeaks {
    /// Of live tensors, as the backend's allocator counts them.
    pub allocated: Option<u64>,
    /// Held by the backend's caching allocator; CUDA alone has one.
    pub reserved: Option<u64>,
}

/// The counters of one device.
#[derive(Clone, Copy, Debug)]
pub enum TensorMemory {
    /// libtorch's CPU: its allocator, wrapped by one that counts.
    #[cfg(feature = "libtorch")]
    Cpu(CpuTensors),
    /// libtorch's CUDA: its caching allocator's statistics.
    #[cfg(feature = "libtorch")]
    Cuda(CudaTensors),
    /// The backend does not count.
    Uncounted,
}

impl TensorMemory {
    /// Begins to count in this process, before the first tensor is made. With `limit`, an allocation that would make
    /// more bytes live fails as if the memory were used up.
    ///
    /// # Errors
    /// A limit on a device that cannot be held to one.
    pub fn count(device: DeviceChoice, limit: Option<u64>) -> Result<Self, DeviceError> {
        let memory = match device {
            #[cfg(feature = "libtorch")]
            DeviceChoice::Auto | DeviceChoice::Cpu => CpuTensors::count().map(Self::Cpu),
            #[cfg(feature = "libtorch")]
            DeviceChoice::Cuda(index) => CudaTensors::of(index).map(Self::Cuda),
            _ => None,
        };
        let memory = memory.unwrap_or(Self::Uncounted);
        if let Some(bytes) = limit {
            memory.limit(bytes, device)?;
        }
        Ok(memory)
    }

    fn limit(self, bytes: u64, device: DeviceChoice) -> Result<(), DeviceError> {
        match self {
            #[cfg(feature = "libtorch")]
            Self::Cpu(tensors) => {
                tensors.limit(bytes);
                Ok(())
            }
            _ => Err(DeviceError {
                device: device.to_string(),
                rule: format!("its memory cannot be held to {bytes} bytes"),
                remedy: "leave --memory-limit out, or take --device cpu".to_owned(),
            }),
        }
    }

    /// Begins new peaks at what is live now.
    pub fn reset(self) {
        match self {
            #[cfg(feature = "libtorch")]
            Self::Cpu(tensors) => tensors.reset_peak(),
            #[cfg(feature = "libtorch")]
            // Without a reset the peaks are those since the process began, and `peaks` tells whether they can be read.
            Self::Cuda(tensors) => drop(tensors.reset_peaks()),
            Self::Uncounted => {}
        }
    }

    /// The most bytes since the last reset.
    pub fn peaks(self) -> TensorPeaks {
        match self {
            #[cfg(feature = "libtorch")]
            Self::Cpu(tensors) => TensorPeaks {
                allocated: Some(tensors.peak()),
                reserved: None,
            },
            #[cfg(feature = "libtorch")]
            Self::Cuda(tensors) => tensors.peaks().map_or_else(
                |_| TensorPeaks::default(),
                |(allocated, reserved)| TensorPeaks {
                    allocated: Some(allocated),
                    reserved: Some(reserved),
                },
            ),
            Self::Uncounted => TensorPeaks::default(),
        }
    }
}
