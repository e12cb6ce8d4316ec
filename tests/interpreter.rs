//! A graph carried out node by node against the modules that read like the paper, bit for bit.

#![cfg(feature = "burn")]

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use densenet_bench::backends::{CPU, FLEX};
use densenet_bench::formats::weights::Weights;
use densenet_bench::model::densenet::DenseNet as Modules;
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::families::densenet::{DenseNet, DropoutAfter, Order};
use densenet_bench::network::{Network, Shape, Stem};
use densenet_bench::training::cross_entropy;

const CLASSES: usize = 3;
const IMAGES: usize = 4;

/// One of each kind.
fn networks() -> Vec<DenseNet> {
    let basic = DenseNet {
        block_layers: vec![2, 3],
        growth_rate: 5,
        ..DenseNet::BASIC
    };
    let bottleneck = DenseNet {
        bottleneck: true,
        compression: 0.5,
        ..basic.clone()
    };
    let imagenet = DenseNet {
        stem: Stem::Imagenet,
        ..bottleneck.clone()
    };
    let article = DenseNet {
        transition_relu: false,
        final_relu: false,
        ..imagenet.clone()
    };
    let post = DenseNet {
        order: Order::PostActivation,
        ..bottleneck.clone()
    };
    let dropout = DenseNet {
        dropout: 0.3,
        ..bottleneck.clone()
    };
    let dropout_after_3x3 = DenseNet {
        dropout_after: DropoutAfter::ThreeByThree,
        ..dropout.clone()
    };
    vec![basic, bottleneck, imagenet, article, post, dropout, dropout_after_3x3]
}

/// Every value as its bits.
fn bits<const D: usize>(tensor: Tensor<D>) -> Vec<u32> {
    tensor.into_data().iter::<f32>().map(f32::to_bits).collect()
}

fn batch(image: Shape, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    let values = (0..IMAGES * image.values()).map(|index| ((index * 37 % 101) as f32 - 50.0) / 40.0);
    let shape = [IMAGES, image.channels, image.height, image.width];
    let labels: Vec<i64> = (0..IMAGES as i64).map(|label| label % CLASSES as i64).collect();
    (
        Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), device),
        Tensor::from_data(TensorData::new(labels, [IMAGES]), device),
    )
}

/// What both give, as bits: the logits of training and of evaluation, and the gradients of the stem's and the
/// classifier's weights.
struct Found {
    logits: Vec<u32>,
    evaluated: Vec<u32>,
    first: Vec<u32>,
    last: Vec<u32>,
}

fn through_modules(network: &DenseNet, weights: &Weights, image: Shape, device: &Device) -> Found {
    let learning = device.clone().autodiff();
    let model = Modules::new(network, weights, &learning);
    learning.seed(5);
    let (images, labels) = batch(image, &learning);
    let logits = model.forward(images);
    let gradients = cross_entropy(logits.clone(), labels).backward();
    let (images, _) = batch(image, device);
    Found {
        logits: bits(logits),
        first: bits(model.conv0.weight.val().grad(&gradients).unwrap()),
        last: bits(model.classifier.weight.val().grad(&gradients).unwrap().transpose()),
        // With the running statistics of one step.
        evaluated: bits(model.valid().forward(images)),
    }
}

fn through_the_graph(network: &DenseNet, weights: &Weights, image: Shape, device: &Device) -> Found {
    let learning = device.clone().autodiff();
    let graph = Arc::new(network.graph(image, CLASSES).unwrap());
    let model = Model::new(graph, weights, &learning, &[]).unwrap();
    learning.seed(5);
    let (images, labels) = batch(image, &learning);
    let logits = model.forward(images);
    let gradients = model.gradients(&cross_entropy(logits.clone(), labels).backward());
    let of = |name: &str| gradients[name].values.iter().map(|value| value.to_bits()).collect();
    let (images, _) = batch(image, device);
    Found {
        logits: bits(logits),
        first: of("features.conv0.weight"),
        last: of("classifier.weight"),
        evaluated: bits(model.valid().forward(images)),
    }
}

#[test]
fn the_graph_gives_the_bits_of_the_modules() {
    for choice in [FLEX.device(0), CPU.device(0)] {
        if !choice.backend().is_built() {
            continue;
        }
        for network in networks() {
            let image = Shape::square(3, if network.stem == Stem::Imagenet { 33 } else { 9 });
            let weights = initial_weights(&network.graph(image, CLASSES).unwrap(), 3);
            let device = choice.open().unwrap();
            let modules = through_modules(&network, &weights, image, &device);
            let graph = through_the_graph(&network, &weights, image, &device);
            let what = format!("{network:?} on {choice}");
            assert!(modules.logits.iter().any(|&value| value != modules.logits[0]), "{what}");
            assert_eq!(graph.logits, modules.logits, "{what}: logits");
            assert_eq!(graph.first, modules.first, "{what}: the stem's gradient");
            assert_eq!(graph.last, modules.last, "{what}: the classifier's gradient");
            assert_eq!(graph.evaluated, modules.evaluated, "{what}: logits in evaluation");
        }
    }
}
