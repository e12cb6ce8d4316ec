//! libtorch's autocast, by which networks compute in 16 bits.
#![expect(
    unsafe_code,
    reason = "tch exposes it for CUDA alone; autocast.cpp does for the CPU too"
)]

use std::ffi::{c_char, c_int};

use tch::Device;

use super::native_error::checked;

unsafe extern "C" {
    fn densenet_bench_autocast(is_on: bool, is_cuda: bool, is_bf16: bool, error: *mut c_char, room: usize) -> c_int;
}

/// A type of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// 8 bits of exponent, 7 of mantissa.
    Bf16,
    /// 5 bits of exponent, 10 of mantissa.
    F16,
}

/// Carries out operations on a device under autocast; as they are without a type.
pub(super) fn with_autocast<T>(half: Option<Half>, device: Device, work: impl FnOnce() -> T) -> T {
    let _on = half.map(|half| Autocast::on(half, device));
    work()
}

/// Autocast of this thread, which ends when this is dropped, also by a panic.
struct Autocast {
    half: Half,
    is_cuda: bool,
}

impl Autocast {
    fn on(half: Half, device: Device) -> Self {
        let scope = Self {
            half,
            is_cuda: device.is_cuda(),
        };
        scope.set(true);
        scope
    }

    fn set(&self, is_on: bool) {
        // SAFETY: the function writes at most `room` bytes to `error`, which `checked` provides, and lets no exception
        // out; what it sets belongs to this thread.
        let called = checked(|error, room| unsafe {
            densenet_bench_autocast(is_on, self.is_cuda, self.half == Half::Bf16, error, room)
        });
        called.unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        self.set(false);
    }
}
