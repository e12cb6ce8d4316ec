//! How fast a device multiplies matrices and moves memory: the limits that a step's time is held against.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};

use super::record::Rates;
use crate::backends::{BackendDevice, DeviceError};
use crate::host;

/// Tries of each at the least; they go on until they have lasted [`LEAST_SECONDS`] together. The best counts: a limit is what
/// the device reaches, not what it does on average.
const LEAST_TRIES: usize = 4;
const LEAST_SECONDS: f64 = 0.1;
/// Bytes of a value in 32 bits.
const VALUE: usize = 4;

/// Sizes at which a device reaches its limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The side of the square matrices.
    pub side: usize,
    /// Values that a pass over memory reads and writes, beyond what caches hold.
    pub values: usize,
}

impl Sizes {
    /// Of a processor, or of an accelerator beside it.
    pub(super) fn of(runs_beside_processor: bool) -> Self {
        match runs_beside_processor {
            false => Self {
                side: 1024,
                values: 1 << 25,
            },
            true => Self {
                side: 8192,
                values: 1 << 28,
            },
        }
    }

    /// The bytes that are live at once.
    pub(super) fn bytes(self) -> u64 {
        (VALUE * (3 * self.side * self.side).max(2 * self.values)) as u64
    }
}

/// What a device reaches with so many threads, beside no measurement.
///
/// # Errors
/// A device that cannot be had.
pub fn device_rates(device: BackendDevice, threads: usize) -> Result<Rates, DeviceError> {
    host::limit_threads(device, threads)?;
    Ok(rates(
        &device.open()?,
        Sizes::of(device.backend().runs_beside_processor),
    ))
}

/// Measures a device's limits in f32 under the process's threads and switches: the product of two square matrices, and a pass
/// that multiplies a long vector by a number (STREAM's "scale", McCalpin 1995), which reads and writes every byte once.
pub(super) fn rates(device: &Device, sizes: Sizes) -> Rates {
    let uniform = Distribution::Uniform(-1.0, 1.0);
    let shape = [sizes.side, sizes.side];
    let [one, other] = [(); 2].map(|()| Tensor::<2>::random(shape, uniform, device));
    let multiply = best(device, || drop(one.clone().matmul(other.clone())));
    drop((one, other));
    let mut vector = Some(Tensor::<1>::ones([sizes.values], device));
    let scale = best(device, || vector = vector.take().map(|vector| vector.mul_scalar(1.0)));
    Rates {
        flops_per_second: 2.0 * (sizes.side as f64).powi(3) / multiply,
        bytes_per_second: (2 * VALUE * sizes.values) as f64 / scale,
    }
}

/// The shortest of some tries after one that is not timed, in seconds.
fn best(device: &Device, mut work: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        work();
        super::workload::wait_for(device);
        start.elapsed().as_secs_f64()
    };
    once();
    let (mut least, mut spent, mut tries) = (f64::INFINITY, 0.0, 0);
    while tries < LEAST_TRIES || spent < LEAST_SECONDS {
        let took = once();
        (least, spent, tries) = (least.min(took), spent + took, tries + 1);
    }
    least
}
