//! The memory of a forward pass in evaluation, in closed form.

use super::convolution_memory::ConvolutionMemory;
use super::graph::{Graph, Node, NodeId, Operation, VALUE};
use super::processor::Processor;

impl Graph {
    /// The most bytes of live tensors in a forward pass in evaluation, with `plain` execution (Burn's stock modules) on
    /// libtorch's CPU, f32.
    ///
    /// Nothing is kept for a backward pass, and what only one operation needs is overwritten: normalisation and ReLU
    /// need no memory but where a later node reads their input too, as in a dense block.
    pub fn evaluation_peak(&self, batch_size: usize, processor: Processor) -> u64 {
        let batch = batch_size as u64;
        let running = |node: &Node| match node.operation {
            Operation::BatchNorm => 2 * node.output.channels,
            _ => 0,
        };
        let weights: usize = self.nodes.iter().map(|node| node.parameters() + running(node)).sum();
        let bytes = |values: usize| VALUE * batch * values as u64;
        let last_uses = self.last_uses();
        let mut highest = 0;
        // Outputs that the node at work or a later one reads. The images are counted below.
        let mut live: Vec<NodeId> = Vec::new();
        for (id, node) in self.evaluated() {
            live.retain(|&other| last_uses[other].is_some_and(|last| last >= id));
            let held: u64 = live.iter().map(|&other| bytes(self.nodes[other].output.values())).sum();
            let overwrites = node
                .overwritable_input()
                .is_some_and(|input| input > 0 && last_uses[input] == Some(id));
            let made = made(node, overwrites, batch_size, processor);
            highest = highest.max(held + made);
            live.push(id);
        }
        VALUE * weights as u64 + bytes(self.input.values()) + highest
    }
}

/// Bytes that a node allocates in evaluation beside its inputs, the result included; `overwrites` is whether nothing else
/// reads [`Node::overwritable_input`], so that the result may take its place.
pub(super) fn made(node: &Node, overwrites: bool, batch_size: usize, processor: Processor) -> u64 {
    let bytes = |values: usize| VALUE * (batch_size * values) as u64;
    let output = bytes(node.output.values());
    match node.operation {
        Operation::Images => 0,
        Operation::Convolution { .. } => ConvolutionMemory::of(node, batch_size, processor).forward(),
        Operation::BatchNorm | Operation::Relu | Operation::Addition | Operation::Sigmoid | Operation::Scaling
            if overwrites =>
        {
            0
        }
        Operation::BatchNorm | Operation::Relu | Operation::Addition | Operation::Sigmoid | Operation::Scaling => {
            output
        }
        // A vector is another view of the maps.
        Operation::Dropout { .. } | Operation::Flatten => 0,
        // With the places of the maxima, 8 bytes each, which nobody asked for.
        Operation::MaxPool { .. } => 3 * output,
        // With the zeros, which are put behind the maps.
        Operation::ZeroChannels => 2 * output - bytes(node.input.values()),
        Operation::Concatenation
        | Operation::AveragePool { .. }
        | Operation::AdaptiveAveragePool
        | Operation::GlobalAveragePool
        | Operation::Linear => output,
    }
}

#[cfg(test)]
mod tests {
    use crate::network::families::densenet::DenseNet;
    use crate::network::{Network, Processor, Shape, VectorInstructions};

    /// Bytes that libtorch 2.9.0 was counted to have live, on a processor with AVX-512.
    #[test]
    fn the_peak_of_evaluation_is_the_counted_one() {
        let input = Shape::square(3, 32);
        let basic = DenseNet {
            block_layers: vec![3; 3],
            ..DenseNet::BASIC
        };
        let bc = DenseNet {
            bottleneck: true,
            compression: 0.5,
            initial_channels: 24,
            ..basic.clone()
        };
        let one = DenseNet {
            block_layers: vec![4],
            ..basic.clone()
        };
        for (network, batch_size, counted) in [
            (&basic, 8, 6_323_720),
            (&basic, 64, 48_299_528),
            (&bc, 8, 6_693_688),
            (&bc, 64, 51_422_008),
            (&one, 64, 49_124_072),
        ] {
            let predicted = network.graph(input, 10).unwrap().evaluation_peak(
                batch_size,
                Processor {
                    instructions: VectorInstructions::Avx512,
                    threads: 2,
                },
            );
            assert!(
                predicted.abs_diff(counted) * 100 < counted,
                "{network:?}: {predicted} for {counted}"
            );
        }
    }
}
