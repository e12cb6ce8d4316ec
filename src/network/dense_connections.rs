//! The dense blocks of a graph: which layers read the feature maps of which, from the concatenations alone.

use super::graph::{Graph, Node, NodeId, Operation};

/// A dense block: feature maps that are concatenated, of which the first are the input of all others (equation 2 of arXiv
/// 1608.06993), and the layers that read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseConnections {
    /// The nodes whose outputs are concatenated, in the order of the forward pass: the block's input, then the maps of each
    /// layer.
    pub sources: Vec<NodeId>,
    /// The convolutions and linear layers that read these, in the order of the forward pass: at most one for each layer,
    /// then what follows the block.
    pub readers: Vec<FeatureReader>,
}

/// A convolution or a linear layer that reads feature maps of a dense block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureReader {
    /// Its node.
    pub node: NodeId,
    /// The place in [`DenseConnections::sources`] of the layer that it belongs to, from 1; none of what follows the block.
    pub layer: Option<usize>,
    /// What its input channels are, in their order: a place in [`DenseConnections::sources`], and how many channels.
    pub reads: Vec<(usize, usize)>,
}

impl Graph {
    /// The dense blocks, in the order of the forward pass: every concatenation that has its own input among its parts. The
    /// parallel branches of an Inception block are none, since no branch reads another.
    pub fn dense_connections(&self) -> Vec<DenseConnections> {
        let mut nested = vec![false; self.nodes.len()];
        for node in self.nodes.iter().filter(|node| is_concatenation(node)) {
            node.inputs.iter().for_each(|&input| nested[input] = true);
        }
        let mut blocks: Vec<DenseConnections> = Vec::new();
        // From the end: the concatenation of a whole block comes after those that show a layer a part of it.
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if !is_concatenation(node) || nested[id] {
                continue;
            }
            let mut sources = self.concatenated(id);
            sources.sort_unstable();
            sources.dedup();
            let is_part = |block: &DenseConnections| sources.iter().all(|id| block.sources.binary_search(id).is_ok());
            if !blocks.iter().any(is_part) && self.all_follow_the_first(&sources) {
                let readers = self.readers(&sources, id);
                blocks.push(DenseConnections { sources, readers });
            }
        }
        blocks.reverse();
        blocks
    }

    /// The parts of a concatenation, and of those within it, in the order of their channels; any other node is its own part.
    fn concatenated(&self, id: NodeId) -> Vec<NodeId> {
        let mut parts = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            match is_concatenation(&self.nodes[id]) {
                true => open.extend(self.nodes[id].inputs.iter().rev()),
                false => parts.push(id),
            }
        }
        parts
    }

    /// Whether all nodes, which ascend, are computed from the first of them; there are two at least.
    fn all_follow_the_first(&self, nodes: &[NodeId]) -> bool {
        let [first, .., last] = *nodes else { return false };
        let mut follows = vec![false; last + 1];
        follows[first] = true;
        for id in first + 1..=last {
            follows[id] = self.nodes[id].inputs.iter().any(|&input| follows[input]);
        }
        nodes.iter().all(|&id| follows[id])
    }

    /// The layers that read the sources of a block, which ends with the concatenation `end`.
    fn readers(&self, sources: &[NodeId], end: NodeId) -> Vec<FeatureReader> {
        let place = |id: NodeId| sources.binary_search(&id).ok();
        let reader = |(id, node): (NodeId, &Node)| {
            let read = self.origin(*node.inputs.first()?, sources);
            if !node.is_weighted() || read > end {
                return None;
            }
            let parts = self.concatenated(read).into_iter();
            let reads: Option<Vec<(usize, usize)>> = parts
                .map(|part| Some((place(part)?, self.nodes[part].output.channels)))
                .collect();
            // A layer's convolutions stand before its maps, or are them.
            let layer = sources.partition_point(|&source| source < id);
            Some(FeatureReader {
                node: id,
                layer: (layer < sources.len()).then_some(layer),
                reads: reads?,
            })
        };
        let first = sources.first().map_or(0, |first| first + 1);
        let nodes = self.nodes.iter().enumerate().skip(first);
        nodes.filter_map(reader).collect()
    }

    /// Where the channels of an output come from: the nearest node before it that does more than change each channel by
    /// itself, or that is a source.
    fn origin(&self, from: NodeId, sources: &[NodeId]) -> NodeId {
        let mut id = from;
        while sources.binary_search(&id).is_err() {
            let node = &self.nodes[id];
            let input = match node.operation {
                Operation::BatchNorm
                | Operation::Relu
                | Operation::Dropout { .. }
                | Operation::MaxPool { .. }
                | Operation::AveragePool { .. }
                | Operation::GlobalAveragePool
                | Operation::AdaptiveAveragePool => node.inputs.first(),
                // The maps, not their factors.
                Operation::Scaling => node.inputs.last(),
                Operation::Images
                | Operation::Convolution { .. }
                | Operation::ZeroChannels
                | Operation::Concatenation
                | Operation::Addition
                | Operation::Sigmoid
                | Operation::Flatten
                | Operation::Linear => None,
            };
            match input {
                Some(&input) => id = input,
                None => break,
            }
        }
        id
    }
}

fn is_concatenation(node: &Node) -> bool {
    node.operation == Operation::Concatenation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset, presets};

    fn blocks(name: &str) -> (Graph, Vec<DenseConnections>) {
        let preset = preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        let graph = preset.network.graph(image, preset.classes).unwrap();
        let blocks = graph.dense_connections();
        (graph, blocks)
    }

    #[test]
    fn each_layer_of_the_papers_network_reads_all_before_it_and_the_transition_reads_all() {
        let (graph, blocks) = blocks("densenet-40-12");
        assert_eq!(blocks.len(), 3);
        let names = |block: &DenseConnections| graph.nodes[block.readers[12].node].name.clone();
        let following: Vec<String> = blocks.iter().map(names).collect();
        assert_eq!(
            following,
            ["features.transition1.conv", "features.transition2.conv", "classifier"]
        );
        for (block, input) in blocks.iter().zip([16, 160, 304]) {
            assert_eq!((block.sources.len(), block.readers.len()), (13, 13));
            for (reader, layer) in block.readers.iter().zip(1..) {
                let reads: Vec<(usize, usize)> = (0..layer).map(|s| (s, if s == 0 { input } else { 12 })).collect();
                assert_eq!(reader.reads, reads);
                assert_eq!(reader.layer, (layer < 13).then_some(layer));
            }
        }
    }

    #[test]
    fn the_channels_that_are_read_are_those_of_the_convolution() {
        for name in ["densenet-bc-100-12", "densenet-121"] {
            let (graph, blocks) = blocks(name);
            for reader in blocks.iter().flat_map(|block| &block.readers) {
                let channels: usize = reader.reads.iter().map(|(_, channels)| channels).sum();
                assert_eq!(channels, graph.nodes[reader.node].input.channels, "{name}");
            }
        }
    }

    #[test]
    fn parallel_branches_and_sums_are_no_dense_blocks() {
        for preset in presets() {
            let (_, blocks) = blocks(preset.name);
            let is_dense = preset.network.family().name == "densenet";
            assert_eq!(!blocks.is_empty(), is_dense, "{}", preset.name);
        }
    }
}
