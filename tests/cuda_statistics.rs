//! The statistics of libtorch's CUDA allocator, over an allocator that answers like it: `stand-ins/cuda_allocator.cpp`.
//! A process has one such allocator from its start, so each test runs in a process of its own.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

use std::env;
use std::path::Path;
use std::process::Command;

use densenet_bench::backends::{CUDA, TensorPeaks, count_tensors};
use densenet_bench::host::ProcessMemory;
use densenet_bench::libtorch::CudaTensors;
use densenet_bench::measurement::{Counters, StepCounters};

/// Marks a process as a test's.
const INSIDE: &str = "DENSENET_BENCH_TEST_INSIDE";

/// Runs `test` of that name in a process whose CUDA allocator is the stand-in with that row of allocations.
fn with_allocations(name: &str, row: &str, test: impl FnOnce()) {
    if env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return test();
    }
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("cuda_allocator.so");
    compile(&library);
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, name)
        .env("LD_PRELOAD", &library)
        .env("STAND_IN_CUDA_MEMORY", row)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("1 passed"), "the test is found by its name: {said}");
}

fn compile(library: &Path) {
    let lib = Path::new(env!("DENSENET_BENCH_LIBTORCH_LIB"));
    let root = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| lib.parent().unwrap().to_owned(), Into::into);
    let include = root.join("include");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand-ins/cuda_allocator.cpp");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    let compiled = Command::new("c++")
        .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"])
        .arg(format!("-D_GLIBCXX_USE_CXX11_ABI={abi}"))
        .arg("-isystem")
        .arg(&include)
        .arg("-isystem")
        .arg(include.join("torch/csrc/api/include"))
        .arg("-o")
        .args([library, &source])
        .arg("-L")
        .arg(lib)
        // Named as needed even where the linker finds no use of it: it has to be there before the stand-in's start.
        .args(["-Wl,--no-as-needed", "-lc10"])
        .arg(format!("-Wl,-rpath,{}", lib.display()))
        .status()
        .unwrap();
    assert!(compiled.success());
}

const MIB: u64 = 1 << 20;

#[test]
fn both_peaks_are_sums_over_all_pools() {
    let row = "0 large 5000000 0 small 600 0 large -5000000 0 small 100";
    with_allocations("both_peaks_are_sums_over_all_pools", row, || {
        let tensors = CudaTensors::of(0).unwrap();
        assert_eq!(tensors.peaks(), Ok((5_000_600, 6 * MIB + 2 * MIB)));
    });
}

#[test]
fn after_a_reset_the_peaks_start_at_the_live_and_the_reserved_bytes() {
    let row = "0 large 5000000 0 large -4000000 | 0 large 250000 0 large -1250000 |";
    let name = "after_a_reset_the_peaks_start_at_the_live_and_the_reserved_bytes";
    with_allocations(name, row, || {
        let tensors = CudaTensors::of(0).unwrap();
        assert_eq!(tensors.peaks(), Ok((5_000_000, 6 * MIB)));
        tensors.reset_peaks().unwrap();
        assert_eq!(tensors.peaks(), Ok((1_250_000, 6 * MIB)));
        tensors.reset_peaks().unwrap();
        assert_eq!(tensors.peaks(), Ok((0, 6 * MIB)));
    });
}

#[test]
fn each_device_has_peaks_of_its_own() {
    let row = "0 large 3000000 1 large 1000000 | 1 large 500000";
    with_allocations("each_device_has_peaks_of_its_own", row, || {
        let (first, second) = (CudaTensors::of(0).unwrap(), CudaTensors::of(1).unwrap());
        assert_eq!(second.peaks(), Ok((1_000_000, 2 * MIB)));
        second.reset_peaks().unwrap();
        assert_eq!(second.peaks(), Ok((1_500_000, 2 * MIB)));
        assert_eq!(first.peaks(), Ok((3_000_000, 4 * MIB)));
    });
}

#[test]
fn a_device_that_is_not_there_is_an_error_in_libtorchs_words() {
    let name = "a_device_that_is_not_there_is_an_error_in_libtorchs_words";
    with_allocations(name, "", || {
        let error = CudaTensors::of(2).unwrap().peaks().unwrap_err().to_string();
        assert!(error.contains("not initialized for device 2"), "{error}");
        assert!(CudaTensors::of(2).unwrap().reset_peaks().is_err());
    });
}

/// The peaks that a measurement on `cuda:0` records of the row's allocations.
fn recorded() -> TensorPeaks {
    let tensors = count_tensors(CUDA.device(0), None).unwrap();
    let process = ProcessMemory::Unknown("no NVML".to_owned());
    let mut counters = StepCounters::new(tensors, process, false);
    counters.begin();
    counters.end();
    counters.finish().tensors
}

#[test]
fn a_measurement_records_the_peaks_since_the_reset_before_its_timed_steps() {
    let row = "0 large 5000000 0 large -4000000 | 0 large 250000";
    let name = "a_measurement_records_the_peaks_since_the_reset_before_its_timed_steps";
    with_allocations(name, row, || {
        let expected = TensorPeaks {
            allocated: Some(1_250_000),
            reserved: Some(6 * MIB),
        };
        assert_eq!(recorded(), expected);
    });
}

#[test]
fn peaks_that_cannot_be_reset_are_empty_fields_and_never_numbers() {
    let row = "0 large 5000000 0 large -4000000 !";
    let name = "peaks_that_cannot_be_reset_are_empty_fields_and_never_numbers";
    with_allocations(name, row, || {
        // They can still be read, and are those of what came before.
        let tensors = CudaTensors::of(0).unwrap();
        assert!(tensors.reset_peaks().is_err());
        assert_eq!(tensors.peaks(), Ok((5_000_000, 6 * MIB)));
        assert_eq!(recorded(), TensorPeaks::default());
    });
}
