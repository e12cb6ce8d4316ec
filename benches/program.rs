//! Makes a bench run like the program's trials: with their allocator and threads.

use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::RunSettings;
use densenet_bench::host::{available_threads, process_variables, restart_with};

/// With the system's allocator every step would give its buffers back to the kernel and fault them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Starts this bench again with the variables of a trial's process, those that are set already as they are:
/// OpenMP reads them once, when the process starts.
pub fn run_as_a_trial() {
    let variables = process_variables(&RunSettings::default(), CPU.device(0), available_threads());
    if let Err(error) = restart_with(variables, true) {
        eprintln!("warning: the bench cannot start itself with a trial's thread variables: {error}");
    }
}
