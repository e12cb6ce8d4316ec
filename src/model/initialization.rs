//! The weights that training starts from, drawn on the host: one seed gives one set on every backend.

use crate::formats::weights::{WeightTensor, Weights};
use crate::network::{Graph, NodeId, Operation};
use crate::random::{Purpose, Stream};

/// Draws every tensor of the network.
///
/// Convolutions: He et al. 2015 (arXiv 1502.01852), normal with standard deviation sqrt(2 / fan). Normalisations:
/// scale 1, shift 0, running mean 0 and variance 1. Linear layers: uniform within 1 / sqrt(inputs), PyTorch's and
/// Torch7's default. Either is normal with the standard deviation that the family gives it, if any. Every bias is 0. Each
/// layer has a stream of its own, by its name: networks that differ in an option start from the same weights wherever
/// they have the same layer, so that seeds pair them.
pub fn initial_weights(graph: &Graph, seed: u64) -> Weights {
    (0..graph.nodes.len()).flat_map(|id| drawn(graph, id, seed)).collect()
}

/// Draws the classifier's tensors alone, as [`initial_weights`] does.
pub fn initial_head(graph: &Graph, seed: u64) -> Weights {
    drawn(graph, graph.nodes.len() - 1, seed)
}

/// Draws the tensors of a layer.
fn drawn(graph: &Graph, id: NodeId, seed: u64) -> Weights {
    let layer = &graph.nodes[id];
    let own_deviation = graph.deviations.get(&id).copied();
    let mut stream = Stream::named(seed, Purpose::Initialization, &layer.name);
    let mut weights = Weights::new();
    for (name, shape) in layer.tensors() {
        let count = shape.iter().product();
        let values = match layer.operation {
            Operation::Convolution { kernel, .. } if name.ends_with("weight") => {
                let of_fan = || {
                    let (outputs, inputs) = (layer.output.channels, layer.input.channels);
                    graph.initialization.deviation(outputs, inputs, kernel)
                };
                let deviation = own_deviation.unwrap_or_else(of_fan);
                (0..count).map(|_| (deviation * stream.normal()) as f32).collect()
            }
            Operation::Linear if name.ends_with("weight") => {
                let bound = 1.0 / (layer.input.channels as f64).sqrt();
                let draw = |_| match own_deviation {
                    Some(deviation) => (deviation * stream.normal()) as f32,
                    None => (bound * (2.0 * stream.uniform() - 1.0)) as f32,
                };
                (0..count).map(draw).collect()
            }
            Operation::BatchNorm if name.ends_with("weight") || name.ends_with("running_var") => vec![1.0; count],
            _ => vec![0.0; count],
        };
        weights.insert(name, WeightTensor { shape, values });
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::families::densenet::DenseNet;
    use crate::network::{Initialization, Network, Shape, preset};

    fn standard_deviation(values: &[f32]) -> f64 {
        let sum: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        (sum / values.len() as f64).sqrt()
    }

    #[test]
    fn convolutions_have_the_deviation_of_their_fan() {
        let mut network = DenseNet {
            block_layers: vec![12; 3],
            ..DenseNet::BASIC
        };
        let name = "features.denseblock3.denselayer12.conv1.weight";
        let input = Shape::square(3, 32);
        for (initialization, fan) in [
            (Initialization::HeFanOut, 9 * 12),
            (Initialization::HeFanIn, 9 * (16 + 35 * 12)),
        ] {
            network.initialization = initialization;
            let graph = network.graph(input, 10).unwrap();
            let weights = initial_weights(&graph, 3);
            let expected = (2.0 / fan as f64).sqrt();
            let relative = standard_deviation(&weights[name].values) / expected;
            // 47,088 draws: the deviation's own standard error is 0.33 %.
            assert!((relative - 1.0).abs() < 0.015, "{initialization:?}: {relative}");
        }
    }

    #[test]
    fn a_seed_gives_one_set_of_weights_and_another_seed_another() {
        let graph = preset("densenet-40-12")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        assert_eq!(initial_weights(&graph, 1), initial_weights(&graph, 1));
        assert_ne!(initial_weights(&graph, 1), initial_weights(&graph, 2));
    }

    #[test]
    fn options_without_weights_of_their_own_do_not_change_the_others() {
        let mut network = DenseNet {
            block_layers: vec![16; 3],
            bottleneck: true,
            compression: 0.5,
            ..DenseNet::BASIC
        };
        let graph = |network: &DenseNet| network.graph(Shape::square(3, 32), 10).unwrap();
        let before = initial_weights(&graph(&network), 5);
        network.dropout = 0.2;
        network.transition_relu = false;
        network.final_relu = false;
        assert_eq!(initial_weights(&graph(&network), 5), before);
        // A deeper network starts with the same layers.
        network.block_layers = vec![17, 16, 16];
        let deeper = initial_weights(&graph(&network), 5);
        let name = "features.denseblock1.denselayer16.conv2.weight";
        assert_eq!(deeper[name], before[name]);
    }

    #[test]
    fn the_draws_are_those_of_every_version() {
        // Recorded results name a seed: an update that changes what it draws must not go unnoticed.
        let network = preset("densenet-40-12").unwrap().network;
        let graph = network.graph(Shape::square(3, 32), 10).unwrap();
        let weights = initial_weights(&graph, 0);
        let first = |name: &str| {
            weights[name].values[..2]
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<u32>>()
        };
        assert_eq!(first("features.conv0.weight"), [1_035_997_415, 1_034_651_470]);
        assert_eq!(first("classifier.weight"), [3_169_962_951, 3_149_337_729]);
    }
}
