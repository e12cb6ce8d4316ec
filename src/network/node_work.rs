//! What a single node, or a part that is carried out as one, must compute and move at the least.

use std::ops::{Add, Range};

use super::graph::{Graph, Node, NodeId, Operation, VALUE};
use super::step_work::StepWork;

/// The least work of a part of a training step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartWork {
    /// Of its forward pass.
    pub forward: StepWork,
    /// Of its backward pass.
    pub backward: StepWork,
}

impl Graph {
    /// The least work of one node in a training step on `batch_size` images, whatever stands before and behind it: each
    /// input is read once and each output written once. What can be a view of a value that is there (flattening, a
    /// concatenation's or an addition's gradients) moves nothing. Arithmetic is that of convolutions and linear layers, as
    /// in [`Graph::training_work`].
    pub fn node_work(&self, id: NodeId, batch_size: usize) -> PartWork {
        let node = &self.nodes[id];
        if node.is_weighted() {
            return self.weighted_work(node, batch_size);
        }
        let tracked = self.tracked();
        let images = batch_size as u64;
        let values = |id: NodeId| images * self.nodes[id].output.values() as u64;
        let inputs: u64 = node.inputs.iter().map(|&input| values(input)).sum();
        let wanted: u64 = node
            .inputs
            .iter()
            .filter(|&&input| tracked[input])
            .map(|&input| values(input))
            .sum();
        let output = values(id);
        let parameters = node.parameters() as u64;
        let (forward, backward) = match node.operation {
            Operation::Images | Operation::Flatten => (0, 0),
            Operation::BatchNorm => (inputs + output + parameters, output + inputs + wanted + 2 * parameters),
            // The output, or the input, says where the gradient passes.
            Operation::Relu | Operation::Sigmoid => (inputs + output, 2 * output + wanted),
            Operation::Scaling => (inputs + output, output + inputs + wanted),
            Operation::ZeroChannels => (inputs + output, 0),
            Operation::Concatenation | Operation::Addition => (inputs + output, 0),
            Operation::MaxPool { .. }
            | Operation::AveragePool { .. }
            | Operation::GlobalAveragePool
            | Operation::AdaptiveAveragePool
            | Operation::Dropout { .. }
            | Operation::Convolution { .. }
            | Operation::Linear => (inputs + output, output + wanted),
        };
        // Of dropout a byte for each value says which are left.
        let mask = match node.operation {
            Operation::Dropout { .. } => output,
            _ => 0,
        };
        let moved = |values: u64, mask: u64| StepWork {
            flops: 0,
            bytes: VALUE * values + mask,
        };
        PartWork {
            forward: moved(forward, mask),
            backward: match tracked[id] {
                true => moved(backward, mask),
                false => StepWork::default(),
            },
        }
    }

    /// The least work of nodes that are carried out as one: that of their convolutions and linear layers, between which all
    /// else may be done where these read or write. The sum over all nodes of a network is that of [`Graph::training_work`]
    /// without the optimizer.
    pub fn part_work(&self, nodes: Range<NodeId>, batch_size: usize) -> PartWork {
        let weighted = self.nodes[nodes].iter().filter(|node| node.is_weighted());
        let works = weighted.map(|node| self.weighted_work(node, batch_size));
        works.fold(PartWork::default(), |sum, work| PartWork {
            forward: sum.forward.add(work.forward),
            backward: sum.backward.add(work.backward),
        })
    }

    fn weighted_work(&self, node: &Node, batch_size: usize) -> PartWork {
        let [forward, backward] = self.weighted_passes(node, batch_size, &self.tracked());
        PartWork { forward, backward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset, presets, tiny};

    #[test]
    fn the_parts_of_a_network_make_up_its_step_but_for_the_optimizer() {
        for preset in presets() {
            let graph = preset.network.graph(Shape::square(3, 224), 10).unwrap();
            let whole = graph.training_work(3);
            let optimizer = 5 * VALUE * graph.parameters() as u64;
            let parts = graph
                .segments
                .iter()
                .map(|segment| graph.part_work(segment.nodes.clone(), 3));
            let parts = parts.flat_map(|work| [work.forward, work.backward]);
            let sum = parts.fold(StepWork::default(), Add::add);
            assert_eq!(sum.flops, whole.flops);
            assert_eq!(sum.bytes + optimizer, whole.bytes);
            let nodes = (1..graph.nodes.len()).flat_map(|id| {
                let work = graph.node_work(id, 3);
                [work.forward.flops, work.backward.flops]
            });
            assert_eq!(nodes.sum::<u64>(), whole.flops);
        }
    }

    #[test]
    fn a_nodes_bytes_are_those_counted_by_hand() {
        let graph = tiny().graph(Shape::square(3, 8), 2).unwrap();
        let work = |name: &str| {
            let id = graph.nodes.iter().position(|node| node.name == name).unwrap();
            graph.node_work(id, 5)
        };
        // 16 maps of 8x8 of 5 images.
        let maps = 5 * 16 * 64;
        let norm = work("features.denseblock1.denselayer1.norm1");
        assert_eq!(norm.forward.bytes, 4 * (2 * maps + 32));
        assert_eq!(norm.backward.bytes, 4 * (3 * maps + 64));
        let relu = work("features.denseblock1.denselayer1.relu1");
        assert_eq!((relu.forward.bytes, relu.backward.bytes), (8 * maps, 12 * maps));
        // The layer's 12 new maps behind the 16.
        let both = graph
            .nodes
            .iter()
            .position(|node| node.operation == Operation::Concatenation);
        let both = graph.node_work(both.unwrap(), 5);
        assert_eq!((both.forward.bytes, both.backward.bytes), (4 * 2 * 5 * 28 * 64, 0));
    }

    #[test]
    fn what_no_backward_pass_reaches_has_none() {
        let mut graph = preset("densenet-40-12")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        graph.freeze(&["features".to_owned()]).unwrap();
        for id in 1..graph.nodes.len() - 1 {
            assert_eq!(
                graph.node_work(id, 2).backward,
                StepWork::default(),
                "{}",
                graph.nodes[id].name
            );
        }
        assert!(graph.node_work(graph.nodes.len() - 1, 2).backward.flops > 0);
    }
}
