//! The bytes of libtorch's tensors, from its own allocators.
#![expect(
    unsafe_code,
    reason = "tch has no counters; counting_allocator.cpp and switches.cpp do"
)]

use std::ffi::{c_char, c_int};

use super::native_error::{NativeError, checked};

unsafe extern "C" {
    fn densenet_bench_count_install() -> c_int;
    fn densenet_bench_count_use_system() -> c_int;
    fn densenet_bench_count_beside(bytes: i64);
    fn densenet_bench_count_live() -> u64;
    fn densenet_bench_count_peak() -> u64;
    fn densenet_bench_count_calls() -> u64;
    fn densenet_bench_count_order() -> u64;
    fn densenet_bench_count_reset_peak();
    fn densenet_bench_count_limit(bytes: u64);
    fn densenet_bench_cuda_peaks(
        device: i8,
        allocated: *mut u64,
        reserved: *mut u64,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_cuda_reset_peaks(device: i8, error: *mut c_char, room: usize) -> c_int;
}

/// The tensors on libtorch's CPU, counted byte by byte from the start of the count.
#[derive(Clone, Copy, Debug)]
pub struct CpuTensors(());

impl CpuTensors {
    /// Starts counting in this process; `None` where libtorch's allocator cannot be replaced. To be called before the
    /// first tensor is made: earlier tensors are not counted.
    pub fn count() -> Option<Self> {
        // SAFETY: it registers an allocator with static storage, which any thread may use at any time.
        let installed = unsafe { densenet_bench_count_install() } == 0;
        installed.then_some(Self(()))
    }

    /// Takes the memory of all tensors made from now on from the C library's own allocator, past mimalloc; `false` where
    /// that cannot be found.
    pub fn from_system(self) -> bool {
        // SAFETY: it looks two functions up by their names and their types, and writes atomics; any thread may use what
        // they point to at any time.
        unsafe { densenet_bench_count_use_system() == 0 }
    }

    /// Bytes of tensors that are live.
    pub fn live(self) -> u64 {
        // SAFETY: it reads an atomic.
        unsafe { densenet_bench_count_live() }
    }

    /// The highest sum of live bytes since the last [`CpuTensors::reset_peak`].
    pub fn peak(self) -> u64 {
        // SAFETY: it reads an atomic.
        unsafe { densenet_bench_count_peak() }
    }

    /// Allocations so far.
    pub fn calls(self) -> u64 {
        // SAFETY: it reads an atomic.
        unsafe { densenet_bench_count_calls() }
    }

    /// A number that follows from the sizes of the allocations since the last call of this, in their order; 0 of none. It means
    /// something where one thread allocates.
    pub fn order(self) -> u64 {
        // SAFETY: it exchanges an atomic.
        unsafe { densenet_bench_count_order() }
    }

    /// Resets the peak to the bytes that are live now.
    pub fn reset_peak(self) {
        // SAFETY: it writes an atomic.
        unsafe { densenet_bench_count_reset_peak() }
    }

    /// Live bytes beyond which an allocation fails, as one does that the system refuses.
    pub fn limit(self, bytes: u64) {
        // SAFETY: it writes an atomic.
        unsafe { densenet_bench_count_limit(bytes) }
    }
}

/// Counts bytes that the program has taken beside the tensors, or, where negative, given back.
pub(super) fn count_beside_tensors(bytes: i64) {
    // SAFETY: it changes atomics.
    unsafe { densenet_bench_count_beside(bytes) }
}

/// Takes the memory of all tensors in main memory from the C library's own allocator, from now on; `false` where that is
/// not possible. They are counted as well.
pub fn allocate_by_system() -> bool {
    CpuTensors::count().is_some_and(CpuTensors::from_system)
}

/// The tensors on a CUDA device, as its caching allocator counts them.
#[derive(Clone, Copy, Debug)]
pub struct CudaTensors {
    device: i8,
}

impl CudaTensors {
    /// The counters of the device of that index; `None` of an index that libtorch cannot have.
    pub fn of(device: usize) -> Option<Self> {
        Some(Self {
            device: i8::try_from(device).ok()?,
        })
    }

    /// The most bytes of live tensors, and the most that the allocator held, since the last
    /// [`CudaTensors::reset_peaks`].
    ///
    /// # Errors
    /// An exception of libtorch, such as where it has no CUDA.
    pub fn peaks(self) -> Result<(u64, u64), NativeError> {
        let (mut allocated, mut reserved) = (0, 0);
        // SAFETY: both numbers are written before the call returns 0; at most `room` bytes go to `error`, which
        // `checked` provides; no exception gets out.
        checked(|error, room| unsafe {
            densenet_bench_cuda_peaks(self.device, &raw mut allocated, &raw mut reserved, error, room)
        })?;
        Ok((allocated, reserved))
    }

    /// Resets the peaks to the bytes that are live and held now.
    ///
    /// # Errors
    /// An exception of libtorch.
    pub fn reset_peaks(self) -> Result<(), NativeError> {
        // SAFETY: as above.
        checked(|error, room| unsafe { densenet_bench_cuda_reset_peaks(self.device, error, room) })
    }
}
