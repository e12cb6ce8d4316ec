//! One budget of threads for libtorch and flex: their count changes the order of sums, and so the last bits.

/// Threads that this process may run at once, as the system (or its container) allows.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The variables that hold every thread pool of a trial's process to `threads`. They must be there before the process
/// starts, since OpenMP and rayon read them once.
pub fn thread_variables(threads: usize) -> [(&'static str, String); 4] {
    [
        ("OMP_NUM_THREADS", threads.to_string()),
        ("MKL_NUM_THREADS", threads.to_string()),
        ("RAYON_NUM_THREADS", threads.to_string()),
        // Idle OpenMP threads that spin take the processor from the threads that prepare images.
        ("OMP_WAIT_POLICY", "passive".to_owned()),
    ]
}

/// Holds libtorch's own pools to `threads` in this process.
pub fn limit_threads(threads: usize) {
    #[cfg(feature = "libtorch")]
    crate::libtorch::limit_threads(threads);
    #[cfg(not(feature = "libtorch"))]
    let _ = threads;
}
