//! What a segment keeps for its backward pass goes with it. Alone in its process, since it counts all tensors.
#![cfg(feature = "libtorch")]

use burn::tensor::{Tensor, TensorData};
use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::{Execution, RunSettings, TrainSettings};
use densenet_bench::host::check_execution;
use densenet_bench::libtorch::CpuTensors;
use densenet_bench::model::initial_weights;
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Network, Shape};
use densenet_bench::training::{Learner, build};

#[test]
fn live_tensors_do_not_grow_from_step_to_step_and_a_forward_pass_alone_leaves_none() {
    let tensors = CpuTensors::count().unwrap();
    let network = DenseNet {
        block_layers: vec![2, 1],
        growth_rate: 3,
        bottleneck: true,
        dropout: 0.1,
        ..DenseNet::BASIC
    };
    let image = Shape {
        channels: 1,
        height: 6,
        width: 6,
    };
    let graph = network.graph(image, 3).unwrap();
    let weights = initial_weights(&graph, 0);
    let choice = CPU.device(0);
    for execution in [Execution::Aten, Execution::Recompute, Execution::Fused] {
        let run = RunSettings {
            execution,
            ..RunSettings::default()
        };
        check_execution(&run, choice).unwrap();
        let device = choice.open().unwrap().autodiff();
        let model = build(&graph, &weights, &run, choice, &device).unwrap();
        let mut learner = Learner::new(model, &TrainSettings::default());
        let batch = || {
            let images = TensorData::new(vec![0.5f32; 4 * 36], [4, 1, 6, 6]);
            let labels = TensorData::new(vec![0i64, 1, 2, 0], [4]);
            (Tensor::from_data(images, &device), Tensor::from_data(labels, &device))
        };
        let mut after = Vec::new();
        for _ in 0..300 {
            let (images, labels) = batch();
            drop(learner.step(images, labels, 0.01));
            after.push(tensors.live());
        }
        assert_eq!(after[1], after[299], "{execution:?}");
        for _ in 0..3 {
            // A graph whose backward pass is never made goes too: with the next one that is.
            let (images, labels) = batch();
            drop(learner.forward(images, labels));
        }
        let (images, labels) = batch();
        drop(learner.step(images, labels, 0.01));
        assert_eq!(tensors.live(), after[299], "{execution:?}: forward passes alone");
    }
}
