//! What the allocator does with pages that are free: the program's own, in a process with the variables of a trial.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::{Allocator, RunSettings};
#[cfg(feature = "libtorch")]
use densenet_bench::host::apply_arithmetic;
use densenet_bench::host::process_variables;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set for the process that prints its memory in place of testing anything.
const PRINT: &str = "DENSENET_BENCH_TEST_PRINTS_ITS_MEMORY";

const MIB: usize = 1 << 20;

/// MiB of this process that are in main memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() / 1024
}

/// As many MiB as a step's maps take, made and freed again.
fn a_step() {
    let maps: Vec<Vec<u8>> = (0..32).map(|step| vec![step + 1; 4 * MIB]).collect();
    assert!(maps.iter().all(|map| map[MIB] > 0));
}

/// How many more MiB are in main memory when a step has freed its 128 than before, in a process with the variables of
/// such a run.
fn resident_after_a_step(allocator: Option<Allocator>) -> usize {
    let run = RunSettings {
        allocator: allocator.unwrap_or_default(),
        ..RunSettings::default()
    };
    let test = "freed_pages_are_kept_for_the_next_step_unless_the_file_says_otherwise";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_remove("MIMALLOC_PURGE_DELAY")
        .envs(process_variables(&run, CPU.device(0), 1))
        .env(PRINT, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, after) = printed.split_once("<resident>").unwrap();
    after.split_once("</resident>").unwrap().0.parse().unwrap()
}

/// Bytes of this process's heap, from which the C library's allocator takes what is below 128 KiB and mimalloc nothing.
#[cfg(feature = "libtorch")]
fn heap() -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let heaps = maps.lines().filter(|line| line.ends_with("[heap]"));
    let size = |line: &str| {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        Some(u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?)
    };
    heaps.filter_map(size).sum()
}

/// How many bytes of tensors the heap has taken, in a process with the variables and switches of such a run.
#[cfg(feature = "libtorch")]
fn heap_of_tensors(allocator: Allocator) -> u64 {
    let run = RunSettings {
        allocator,
        ..RunSettings::default()
    };
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tensors_come_from_the_c_library_where_the_file_says_so",
            "--nocapture",
        ])
        .envs(process_variables(&run, CPU.device(0), 1))
        // Threads share the heap, where they would have mappings of their own.
        .env("MALLOC_ARENA_MAX", "1")
        .env(PRINT, allocator.name())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, after) = printed.split_once("<heap>").unwrap();
    after.split_once("</heap>").unwrap().0.parse().unwrap()
}

#[cfg(feature = "libtorch")]
#[test]
fn tensors_come_from_the_c_library_where_the_file_says_so() {
    if let Ok(name) = std::env::var(PRINT) {
        let allocator = [Allocator::KeepPages, Allocator::System].into_iter();
        let run = RunSettings {
            allocator: allocator
                .into_iter()
                .find(|allocator| allocator.name() == name)
                .unwrap(),
            ..RunSettings::default()
        };
        apply_arithmetic(&run, CPU.device(0)).unwrap();
        let device = CPU.device(0).open().unwrap();
        let before = heap();
        let tensors: Vec<_> = (0..64)
            .map(|_| burn::tensor::Tensor::<1>::ones([16 * 1024], &device))
            .collect();
        println!("<heap>{}</heap>", heap().saturating_sub(before));
        let last = tensors.into_iter().next_back().unwrap() * 3.0;
        assert_eq!(last.sum().into_scalar::<f32>(), 3.0 * 16.0 * 1024.0);
        return;
    }
    let grown = heap_of_tensors(Allocator::System);
    assert!(grown >= 60 * 64 * 1024, "{grown} bytes of 4 MiB are in the heap");
    let grown = heap_of_tensors(Allocator::KeepPages);
    assert!(
        grown < MIB as u64,
        "{grown} bytes are in the heap, though mimalloc has none of it"
    );
}

#[test]
fn freed_pages_are_kept_for_the_next_step_unless_the_file_says_otherwise() {
    if std::env::var_os(PRINT).is_some() {
        // The libraries of this process take many already.
        let before = resident();
        a_step();
        // Longer than mimalloc waits by default; it looks when something is allocated or freed.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        drop(vec![1u8; 5 * MIB]);
        println!("<resident>{}</resident>", resident().saturating_sub(before));
        return;
    }
    for keeps in [None, Some(Allocator::KeepPages)] {
        let kept = resident_after_a_step(keeps);
        assert!(kept >= 120, "{kept} MiB are still there with {keeps:?}");
    }
    let returned = resident_after_a_step(Some(Allocator::ReturnPages));
    assert!(returned < 32, "{returned} MiB are still there");
}
