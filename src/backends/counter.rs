//! The bytes of a device's tensors: what a network needs, apart from what allocators and libraries keep.

use std::fmt;

use super::backend::Refusal;
use super::device::{BackendDevice, DeviceError};

/// The most bytes since the last [`TensorCounter::reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TensorPeaks {
    /// Of live tensors, as the backend's allocator counts them.
    pub allocated: Option<u64>,
    /// Held by the backend's caching allocator, where it has one.
    pub reserved: Option<u64>,
}

/// The counters of one device.
pub trait TensorCounter: fmt::Debug {
    /// Makes an allocation fail that would make more bytes live; `false` where the device cannot be held to it.
    fn limit(&self, bytes: u64) -> bool;

    /// Begins new peaks at what is live now.
    fn reset(&self);

    /// The most bytes since the last reset.
    fn peaks(&self) -> TensorPeaks;
}

/// The counters of a device that does not count.
#[derive(Debug)]
struct Uncounted;

impl TensorCounter for Uncounted {
    fn limit(&self, _: u64) -> bool {
        false
    }

    fn reset(&self) {}

    fn peaks(&self) -> TensorPeaks {
        TensorPeaks::default()
    }
}

/// Begins to count in this process, before the first tensor is made. With `limit`, an allocation that would make more
/// bytes live fails as if the memory were used up.
///
/// # Errors
/// A backend that is not built in, or a limit on a device that cannot be held to one.
pub fn count_tensors(device: BackendDevice, limit: Option<u64>) -> Result<Box<dyn TensorCounter>, DeviceError> {
    let counter = (device.runtime()?.count_tensors)(device.index());
    let counter = counter.unwrap_or_else(|| Box::new(Uncounted));
    match limit {
        Some(bytes) if !counter.limit(bytes) => Err(DeviceError::new(
            device,
            Refusal::new(
                format!("its memory cannot be held to {bytes} bytes"),
                "leave --memory-limit out, or take --device cpu",
            ),
        )),
        _ => Ok(counter),
    }
}
