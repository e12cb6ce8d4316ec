//! Networks and files of their tensors, under any names and in any type.

use std::collections::BTreeMap;

use densenet_bench::formats::network_weights::{Taken, take};
use densenet_bench::formats::weights::{WeightTensor, Weights, WeightsError};
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Architecture, Graph, Shape, Stem, family};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use serde_json::json;

pub const FILE: &str = "w.safetensors";

/// Three blocks with a bottleneck and the imagenet stem: every kind of name there is.
pub fn densenet() -> Architecture {
    Architecture::new(DenseNet {
        block_layers: vec![2, 1, 2],
        growth_rate: 4,
        bottleneck: true,
        initial_channels: 8,
        compression: 0.5,
        stem: Stem::Imagenet,
        ..DenseNet::BASIC
    })
}

pub fn resnet(shortcut: &str) -> Architecture {
    let options = json!({
        "block_layers": [1, 1], "bottleneck": false, "initial_channels": 4, "stem": "cifar", "shortcut": shortcut,
        "initialization": "he-fan-out",
    });
    (family("resnet").unwrap().read)(options).unwrap()
}

pub fn graph(network: &Architecture) -> Graph {
    network.graph(Shape::square(3, 32), 5).unwrap()
}

/// Values that every type of floats holds exactly, others in each tensor.
pub fn weights_of(graph: &Graph) -> Weights {
    let tensors = graph.tensors().enumerate();
    let value = |tensor: usize, index: usize| ((tensor * 7 + index * 3) % 64) as f32 / 32.0 - 0.75;
    let tensor = |(number, (name, shape)): (usize, (String, Vec<usize>))| {
        let count = shape.iter().product();
        let values = (0..count).map(|index| value(number, index)).collect();
        (name, WeightTensor { shape, values })
    };
    tensors.map(tensor).collect()
}

/// A tensor as it lies in a file.
#[derive(Clone)]
pub struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

pub type File = BTreeMap<String, Stored>;

pub fn floats(shape: &[usize], values: &[f32]) -> Stored {
    Stored {
        dtype: Dtype::F32,
        shape: shape.to_vec(),
        bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// The weights under other names.
pub fn renamed(weights: &Weights, rename: impl Fn(&str) -> String) -> File {
    let stored = |(name, tensor): (&String, &WeightTensor)| (rename(name), floats(&tensor.shape, &tensor.values));
    weights.iter().map(stored).collect()
}

pub fn bytes(file: &File) -> Vec<u8> {
    let view = |(name, stored): (&String, &Stored)| {
        let view = TensorView::new(
            stored.dtype,
            stored.shape.clone(),
            Box::leak(stored.bytes.clone().into_boxed_slice()),
        );
        (name.clone(), view.unwrap())
    };
    serialize(file.iter().map(view), None).unwrap()
}

pub fn taken(file: &File, network: &Architecture) -> Result<Taken, WeightsError> {
    take(&bytes(file), FILE, &**network, &graph(network))
}

/// The message, with the file's name.
pub fn refused(file: &File, network: &Architecture) -> String {
    let message = taken(file, network).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{FILE}: ")), "{message}");
    message
}

/// Checks that a file gives the weights; its notes.
pub fn notes_of(file: &File, network: &Architecture, weights: &Weights) -> Vec<String> {
    let taken = taken(file, network).unwrap();
    assert!(taken.weights == *weights);
    taken.notes
}

pub fn old_torchvision(name: &str) -> String {
    let mut old = name.to_owned();
    if name.contains("denselayer") {
        for part in ["norm1", "norm2", "conv1", "conv2"] {
            let (word, number) = part.split_at(4);
            old = old.replace(part, &format!("{word}.{number}"));
        }
    }
    old
}

/// A. Veit's names; the imagenet stem's normalisation has none there.
pub fn veit(name: &str) -> String {
    let name = match name.strip_prefix("features.denseblock") {
        Some(rest) => {
            let (block, rest) = rest.split_once(".denselayer").unwrap();
            let (layer, rest) = rest.split_once('.').unwrap();
            let layer: usize = layer.parse().unwrap();
            format!("block{block}.layer.{}.{}", layer - 1, rest.replace("norm", "bn"))
        }
        None => name.to_owned(),
    };
    let parts = [
        ("features.conv0.", "conv1."),
        ("features.norm5.", "bn1."),
        ("features.transition1.norm.", "trans1.bn1."),
        ("features.transition1.conv.", "trans1.conv1."),
        ("features.transition2.norm.", "trans2.bn1."),
        ("features.transition2.conv.", "trans2.conv1."),
        ("classifier.", "fc."),
    ];
    parts
        .iter()
        .fold(name, |name, (ours, theirs)| name.replace(ours, theirs))
}
