//! What each execution's segments give backward where a part of them is frozen.

use tch::{Device, Kind, Tensor};

use super::aten::{Aten, AtenSegment};
use super::host_tensors::LibtorchTensors;
use super::recompute::Recomputed;
use super::tensors::{Backend, BurnTensor, from_tch, to_tch};
use crate::formats::ablation::RunSettings;
use crate::kernels::Processor;
use crate::model::{
    FusedBlock, Pass, RecomputePlan, SegmentGradients, SegmentGraph, SegmentInput, SegmentKernel, Watch,
};
use crate::network::families::densenet::DenseNet;
use crate::network::families::googlenet::GoogLeNet;
use crate::network::families::vgg::Vgg;
use crate::network::{Graph, Network, Operation, Shape, Stem};

const IMAGES: i64 = 3;

/// Some values between -1 and 1, the same in every run.
fn values(shape: &[i64], place: usize) -> Tensor {
    let count: i64 = shape.iter().product();
    let steps = Tensor::arange(count, (Kind::Double, Device::Cpu)) * 0.7 + place as f64;
    (steps.square().sin() * 0.9).to_kind(Kind::Float).view(shape)
}

/// A segment's parameters.
fn parameters(segment: &SegmentGraph) -> Vec<Tensor> {
    let learned = segment.nodes.iter().flat_map(|node| {
        let tensors = node
            .tensors()
            .into_iter()
            .filter(|(name, _)| !name.contains(".running_"));
        tensors.map(|(_, shape)| shape.iter().map(|&size| size as i64).collect::<Vec<i64>>())
    });
    learned
        .enumerate()
        .map(|(place, shape)| values(&shape, place))
        .collect()
}

/// What a segment gives backward, from the same maps, parameters and gradient of its output each time.
fn gradients(kernel: &dyn SegmentKernel<Backend = Backend>, segment: &SegmentGraph) -> SegmentGradients<BurnTensor> {
    let Shape {
        channels,
        height,
        width,
    } = segment.entering;
    let norms = segment
        .nodes
        .iter()
        .filter(|node| node.operation == Operation::BatchNorm);
    let input = SegmentInput {
        maps: from_tch(values(&[IMAGES, channels as i64, height as i64, width as i64], 5)),
        parameters: parameters(segment).into_iter().map(from_tch).collect(),
        pass: Pass::Training {
            maps_gradient: segment.is_tracked(0),
            fixed: norms.map(|_| None).collect(),
        },
        watch: Watch::default(),
    };
    let output = kernel.carry_out(input);
    let gradient = values(&to_tch(&output.output).size(), 9);
    output.backward.expect("a backward pass while training")(from_tch(gradient))
}

/// The executions that take a segment, with their kernels.
fn kernels(segment: &SegmentGraph) -> Vec<(&'static str, Box<dyn SegmentKernel<Backend = Backend>>)> {
    let mut found: Vec<(&'static str, Box<dyn SegmentKernel<Backend = Backend>>)> = vec![(
        "aten",
        Box::new(AtenSegment::new(segment, Aten::new(&RunSettings::default()))),
    )];
    if let Ok(plan) = RecomputePlan::new(segment) {
        found.push(("recompute", Box::new(Recomputed(plan))));
    }
    if let Ok(block) = FusedBlock::<LibtorchTensors>::new(segment, Processor::detect()) {
        found.push(("fused", Box::new(block)));
    }
    found
}

/// Networks, each with what is frozen of it: the normalisations keep taking the batch's statistics.
fn networks() -> Vec<(Graph, &'static [&'static str])> {
    let densenet = DenseNet {
        block_layers: vec![2, 2],
        growth_rate: 5,
        bottleneck: true,
        compression: 0.5,
        stem: Stem::Imagenet,
        ..DenseNet::BASIC
    };
    let basic = DenseNet {
        block_layers: vec![3, 1],
        growth_rate: 4,
        ..DenseNet::BASIC
    };
    let googlenet = GoogLeNet {
        width_multiplier: 0.0625,
        dropout: 0.0,
        ..GoogLeNet::WITHOUT_HEADS
    };
    let vgg = Vgg {
        block_layers: vec![1, 2],
        batch_norm: true,
        initial_channels: 6,
        ..Vgg::PAPERS
    };
    let of_bottlenecks: &[&str] = &[
        "*.conv*",
        "*.norm*.weight",
        "*.norm*.bias",
        "*.conv2.weight",
        "features.conv0",
    ];
    let of_basic: &[&str] = &["*.conv*", "*.norm*.weight", "*.norm*.bias", "features.conv0"];
    let laid_out = |network: &dyn Network, side| network.graph(Shape::square(3, side), 4).unwrap();
    vec![
        (laid_out(&densenet, 40), of_bottlenecks),
        (laid_out(&basic, 9), of_basic),
        (
            laid_out(&googlenet, 65),
            &["*.conv.weight", "*.bn.bias", "inception3a.branch?.conv.weight"],
        ),
        (laid_out(&vgg, 16), &["*.bias", "features.0", "features.?.weight"]),
    ]
}

/// Whether two gradients differ by rounding alone: where a gradient is left out, libtorch may compute the others in another
/// order.
fn are_close(found: &Tensor, expected: &Tensor) -> bool {
    let largest = |tensor: Tensor| tensor.abs().max().double_value(&[]);
    found.size() == expected.size() && largest(found - expected) <= 1e-5 * largest(expected.shallow_clone()).max(1e-6)
}

#[test]
fn a_frozen_parameter_has_no_gradient_in_any_execution_and_the_others_keep_theirs() {
    let mut taken = std::collections::BTreeMap::new();
    for (whole, patterns) in networks() {
        for pattern in patterns {
            let mut frozen = whole.clone();
            frozen.freeze(&[(*pattern).to_owned()]).unwrap();
            for segment in &whole.segments {
                let [all, some] = [&whole, &frozen].map(|graph| SegmentGraph::new(graph, segment));
                let is_trained = some.is_tracked(some.nodes.len()) && !some.has_fixed_statistics();
                let has_matrix = segment.name == "classifier";
                if has_matrix || !is_trained || some.trained().iter().all(|&trained| trained) {
                    continue;
                }
                for ((execution, of_all), (again, of_some)) in kernels(&all).into_iter().zip(kernels(&some)) {
                    let what = format!("{execution}, {pattern} frozen, {}", segment.name);
                    assert_eq!(execution, again, "{what}");
                    *taken.entry(execution).or_insert(0) += 1;
                    let (expected, found) = (gradients(&*of_all, &all), gradients(&*of_some, &some));
                    assert_eq!(found.maps.is_some(), some.is_tracked(0), "{what}");
                    if let (Some(found), Some(expected)) = (&found.maps, &expected.maps) {
                        assert!(
                            are_close(&to_tch(found), &to_tch(expected)),
                            "{what}: the maps' gradient is another"
                        );
                    }
                    assert_eq!(found.parameters.len(), some.trained().len(), "{what}");
                    let pairs = found.parameters.iter().zip(&expected.parameters).zip(some.trained());
                    for (place, ((found, expected), &is_trained)) in pairs.enumerate() {
                        assert_eq!(found.is_some(), is_trained, "{what}: parameter {place}");
                        let expected = expected.as_ref().map(to_tch).expect("nothing is frozen of the whole");
                        if let Some(found) = found {
                            assert!(
                                are_close(&to_tch(found), &expected),
                                "{what}: parameter {place} has another"
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(
        taken["aten"] > 30 && taken["recompute"] > 20 && taken["fused"] >= 8,
        "{taken:?}"
    );
}
