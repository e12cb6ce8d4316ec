//! What the program reaches in libtorch beside tch.
#![cfg(feature = "libtorch")]

#[macro_use]
mod skipped;

use densenet_bench::libtorch::{CpuTensors, CudaTensors, Switches, cpu, set_switches, switches};
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::{Shape, preset};

#[test]
fn the_switches_stand_as_they_were_set() {
    for deterministic in [true, false] {
        for tf32 in [true, false] {
            for cudnn_benchmark in [true, false] {
                set_switches(deterministic, tf32, cudnn_benchmark).unwrap();
                let expected = Switches {
                    deterministic_algorithms: deterministic,
                    deterministic_cudnn: deterministic,
                    cudnn_benchmark,
                    tf32_cublas: tf32,
                    tf32_cudnn: tf32,
                };
                assert_eq!(switches(), Ok(expected));
            }
        }
    }
}

#[test]
fn tensors_are_counted_to_the_byte_and_libtorchs_refusal_at_the_limit_is_a_panic_with_its_words() {
    let tensors = CpuTensors::count().unwrap();
    let before = tensors.live();
    tensors.reset_peak();
    let ones = burn::tensor::Tensor::<2>::ones([100, 25], &cpu());
    assert_eq!(tensors.live() - before, 100 * 25 * 4);
    let doubled = ones.clone() * 2.0;
    assert_eq!(tensors.live() - before, 2 * 100 * 25 * 4);
    drop((ones, doubled));
    assert_eq!(tensors.live(), before);
    // A factor is a tensor too, of 4 to 12 bytes, for as long as the product takes.
    let peak = tensors.peak() - before;
    assert!((20_000..20_064).contains(&peak), "{peak}");
    tensors.reset_peak();
    assert_eq!(tensors.peak(), before);

    // oneDNN takes its memory through the same allocator, by another of its functions.
    let network = preset("densenet-40-12").unwrap().network;
    let image = Shape {
        channels: 3,
        height: 16,
        width: 16,
    };
    let graph = network.graph(image, 10).unwrap();
    let weights = initial_weights(&graph, 0);
    let model = Model::new(std::sync::Arc::new(graph), &weights, &cpu(), &[]).unwrap();
    let held = tensors.live();
    let logits = model.forward(burn::tensor::Tensor::ones([8, 3, 16, 16], &cpu()));
    assert_eq!(logits.dims(), [8, 10]);
    drop(logits);
    assert_eq!(tensors.live(), held);

    tensors.limit(held + 1000);
    let refused = std::panic::catch_unwind(|| burn::tensor::Tensor::<1>::ones([4096], &cpu()));
    tensors.limit(u64::MAX);
    let message = refused
        .err()
        .and_then(|panic| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    assert!(message.contains("can't allocate memory"), "{message}");
    assert_eq!(tensors.live(), held);
}

#[test]
fn without_cuda_its_statistics_are_an_error_and_not_a_crash() {
    if densenet_bench::libtorch::cuda_devices() > 0 {
        return skipped!("libtorch has CUDA here");
    }
    let tensors = CudaTensors::of(0).unwrap();
    for error in [tensors.peaks().unwrap_err(), tensors.reset_peaks().unwrap_err()] {
        assert!(error.to_string().starts_with("libtorch: "), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_doctor_names_the_libtorch_that_is_used_where_the_one_that_was_built_against_is_gone() {
    use std::process::Command;

    let built = env!("DENSENET_BENCH_LIBTORCH_LIB");
    // A program whose libtorch is in another folder of a name as long, which is not there.
    let gone = format!("{}~", &built[..built.len() - 1]);
    let mut program = std::fs::read(env!("CARGO_BIN_EXE_densenet-bench")).unwrap();
    let windows = program.windows(built.len()).enumerate();
    let places: Vec<usize> = windows
        .filter_map(|(place, bytes)| (bytes == built.as_bytes()).then_some(place))
        .collect();
    for place in places {
        program[place..place + gone.len()].copy_from_slice(gone.as_bytes());
    }
    let folder = tempfile::tempdir().unwrap();
    let moved = folder.path().join("densenet-bench");
    std::fs::copy(env!("CARGO_BIN_EXE_densenet-bench"), &moved).unwrap();
    std::fs::write(&moved, program).unwrap();
    let output = Command::new(&moved)
        .arg("doctor")
        .env("LD_LIBRARY_PATH", built)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said
        .lines()
        .find(|line| line.contains(" libtorch  "))
        .unwrap_or_default();
    assert!(line.starts_with("note "), "{said}");
    assert!(line.contains(&format!("the one in {built} is used")), "{line}");
    assert!(line.ends_with(&format!("{gone}, which is gone")), "{line}");
    assert!(output.status.success(), "the CPU path works: {said}");
}
