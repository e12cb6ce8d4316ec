//! The bytes of a device's tensors: a network's need, without the caches of allocators and libraries.

use std::fmt;

/// The most bytes since the last [`TensorCounter::reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TensorPeaks {
    /// Of live tensors, as the backend's allocator counts them.
    pub allocated: Option<u64>,
    /// Held by the backend's caching allocator, where it has one.
    pub reserved: Option<u64>,
}

/// The counters of one device.
pub trait TensorCounter: fmt::Debug + Send + Sync {
    /// Makes an allocation fail that would make more bytes live; `false` where the device cannot be held to it.
    fn limit(&self, _bytes: u64) -> bool {
        false
    }

    /// Resets the peaks to the bytes that are live now; `false` where that failed, so that what [`TensorCounter::peaks`] gives
    /// is not of what came after.
    #[must_use]
    fn reset(&self) -> bool;

    /// The bytes that are live now; none where they cannot be counted. It may reset the peaks.
    fn live(&self) -> Option<u64> {
        None
    }

    /// The most bytes since the last reset.
    fn peaks(&self) -> TensorPeaks;
}
