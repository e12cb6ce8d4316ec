//! The peak memory of a process, and the source of the figure.

use std::fmt;

/// Where a peak comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeakSource {
    /// The resident set, as the kernel records it.
    ResidentSet,
    /// NVML's figure for this process.
    NvmlProcess,
    /// The rise of the memory in use on a GPU that no other process uses.
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

/// The peak memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessPeak {
    /// In bytes.
    pub bytes: u64,
    /// Where the figure comes from.
    pub source: PeakSource,
}
