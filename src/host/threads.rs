//! One budget of threads for libtorch, rayon and the preparation of images: their count changes the order of sums, and
//! so the last bits; and threads that are not needed must not take the processor from those that are.
//!
//! `--threads N` are the threads that may work at the same time. Three pools share them by turns and not by shares:
//!
//! - libtorch's OpenMP pool has N, and works within one of libtorch's operations;
//! - rayon's global pool has N, and works within one of flex's or of the fused kernels, between libtorch's operations;
//! - on the CPU batches are prepared by the training thread itself, between two steps. On CUDA that thread mostly waits
//!   for the GPU, and one of the N prepares the batches meanwhile, where there is more than one.
//!
//! So of the pools one works at a time, and what is left is how the other's threads wait. OpenMP's wait for their next
//! operation by looking again and again, by default for milliseconds, which takes whole cores from rayon's. To let them
//! sleep at once does not help: they have to be woken for every operation, and small networks then take twice as long
//! (`docs/performance.md`). So they spin for a bounded time, chosen by measuring, and then sleep. rayon's idle threads
//! offer the processor to others each time they look, and sleep after a few dozen looks.

use crate::backends::{BackendDevice, DeviceError};

/// How often an idle OpenMP thread looks for work before it sleeps. A look has one `pause` in it: 25 ns on an AMD EPYC, so
/// this is 50 microseconds there, and up to three times as many on processors with a longer pause.
const LOOKS: u32 = 2000;

/// Threads that this process may run at once, as the system (or its container) allows.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The variables that hold every thread pool of a trial's process to `threads`. They must be there before the process
/// starts, since OpenMP and rayon read them once.
pub fn thread_variables(threads: usize) -> [(&'static str, String); 5] {
    [
        ("OMP_NUM_THREADS", threads.to_string()),
        ("MKL_NUM_THREADS", threads.to_string()),
        ("RAYON_NUM_THREADS", threads.to_string()),
        // For any OpenMP: sleep where there is nothing to do. For GNU's, which libtorch brings: but look a few times first.
        ("OMP_WAIT_POLICY", "passive".to_owned()),
        ("GOMP_SPINCOUNT", LOOKS.to_string()),
    ]
}

/// Of `threads`, how many prepare batches beside the thread that trains.
pub fn loader_threads(device: BackendDevice, threads: usize) -> usize {
    usize::from(device.backend().runs_beside_processor && threads > 1)
}

/// Holds the pools of the device's own library to `threads` in this process.
///
/// # Errors
/// A backend that is not built in.
pub fn limit_threads(device: BackendDevice, threads: usize) -> Result<(), DeviceError> {
    (device.runtime()?.limit_threads)(threads);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::{CPU, CUDA, FLEX};

    #[test]
    fn every_pool_has_the_budget_and_openmps_idle_threads_go_to_sleep() {
        let variables = thread_variables(3);
        let value = |name| {
            variables
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.as_str())
        };
        for pool in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"] {
            assert_eq!(value(pool), Some("3"), "{pool}");
        }
        assert_eq!(value("OMP_WAIT_POLICY"), Some("passive"));
        let looks: u32 = value("GOMP_SPINCOUNT").unwrap().parse().unwrap();
        // 100,000 looks are milliseconds: whole cores for nothing.
        assert!((1..=20_000).contains(&looks), "{looks}");
    }

    #[test]
    fn no_thread_prepares_batches_where_the_training_threads_need_the_processor() {
        for device in [CPU.device(0), FLEX.device(0)] {
            assert_eq!(loader_threads(device, 8), 0, "{device}");
        }
        assert_eq!(loader_threads(CUDA.device(0), 8), 1);
        assert_eq!(loader_threads(CUDA.device(0), 1), 0);
    }
}
