//! Starts counting the tensors of a device.

use super::backend::{BackendDevice, Refusal};
use super::counter::{TensorCounter, TensorPeaks};
use super::device::DeviceError;

/// The counters of a device that does not count.
#[derive(Debug)]
struct Uncounted;

impl TensorCounter for Uncounted {
    fn reset(&self) -> bool {
        false
    }

    fn peaks(&self) -> TensorPeaks {
        TensorPeaks::default()
    }
}

/// Starts counting in this process, before the first tensor is made. With `limit`, an allocation that would make more
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
