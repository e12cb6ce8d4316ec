//! libtorch's switches of determinism and precision, and the vector instructions that it chose.
#![expect(unsafe_code, reason = "tch exposes none of these; switches.cpp does")]

use std::ffi::{CStr, c_char, c_int};

use super::native_error::{NativeError, checked};

unsafe extern "C" {
    fn densenet_bench_switches(
        deterministic: bool,
        tf32: bool,
        cudnn_benchmark: bool,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_cpu_capability(name: *mut c_char, length: usize, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_switch_state(bits: *mut u32, error: *mut c_char, room: usize) -> c_int;
}

/// The state of libtorch's switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Only algorithms whose results repeat to the last bit may run; others end in an error.
    pub deterministic_algorithms: bool,
    /// cuDNN takes none but deterministic algorithms.
    pub deterministic_cudnn: bool,
    /// cuDNN times its algorithms and takes the fastest, which may be another each time.
    pub cudnn_benchmark: bool,
    /// cuBLAS may round the factors of f32 products to TF32.
    pub tf32_cublas: bool,
    /// cuDNN may.
    pub tf32_cudnn: bool,
}

/// Sets all switches of this process.
///
/// # Errors
/// An exception of libtorch.
pub fn set_switches(deterministic: bool, tf32: bool, cudnn_benchmark: bool) -> Result<(), NativeError> {
    // SAFETY: the function writes at most `room` bytes to `error`, which `checked` provides, and lets no exception out.
    checked(|error, room| unsafe { densenet_bench_switches(deterministic, tf32, cudnn_benchmark, error, room) })
}

/// The set of vector instructions of ATen's own kernels on this processor, in its words: `AVX512`, `AVX2`, `DEFAULT`.
///
/// # Errors
/// An exception of libtorch.
pub fn cpu_capability() -> Result<String, NativeError> {
    let mut name = [0u8; 64];
    // SAFETY: as above; at most `name`'s length is written to it, with the zero that ends it.
    checked(|error, room| unsafe { densenet_bench_cpu_capability(name.as_mut_ptr().cast(), name.len(), error, room) })?;
    let name = CStr::from_bytes_until_nul(&name).map_or_else(|_| "".into(), CStr::to_string_lossy);
    Ok(name.into_owned())
}

/// The state of this process's switches.
///
/// # Errors
/// An exception of libtorch.
pub fn switches() -> Result<Switches, NativeError> {
    let mut bits = 0u32;
    // SAFETY: as above; `bits` is written before the call returns.
    checked(|error, room| unsafe { densenet_bench_switch_state(&raw mut bits, error, room) })?;
    let is_set = |bit: u32| bits & (1 << bit) != 0;
    Ok(Switches {
        deterministic_algorithms: is_set(0),
        deterministic_cudnn: is_set(1),
        cudnn_benchmark: is_set(2),
        tf32_cublas: is_set(3),
        tf32_cudnn: is_set(4),
    })
}
