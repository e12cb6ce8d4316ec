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
