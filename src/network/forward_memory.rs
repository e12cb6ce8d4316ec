//! The memory that a training step's forward pass fills, node by node, in closed form.

use super::graph::{Graph, NodeId};
use super::memory::{Kept, Walk};
use super::processor::Processor;

impl Graph {
    /// The bytes that are live after each node of a training step's forward pass beyond those before the first one: what is
    /// kept for backward, and what a later node reads. With `plain` execution on libtorch's CPU, f32, as
    /// [`Graph::training_memory`].
    pub fn forward_bytes(&self, batch_size: usize, processor: Processor) -> Vec<u64> {
        let walk = Walk::new(self, batch_size as u64, true, processor);
        let mut kept = Kept::default();
        let mut unread: Vec<NodeId> = Vec::new();
        let mut live = vec![0];
        for (id, node) in walk.layers() {
            if walk.is_tracked(id) {
                walk.keep(node, &mut kept);
            }
            unread.retain(|&other| walk.is_read_after(other, id));
            unread.push(id);
            let waiting = unread.iter().filter(|&&other| !kept.has(other));
            let waiting: u64 = waiting.map(|&other| walk.output(&self.nodes[other])).sum();
            live.push(kept.bytes() + waiting);
        }
        live
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, VectorInstructions, tiny};

    #[test]
    fn a_value_is_live_while_it_is_kept_or_read_later() {
        let graph = tiny().graph(Shape::square(3, 8), 2).unwrap();
        let processor = Processor {
            instructions: VectorInstructions::Avx2,
            threads: 1,
        };
        let live = graph.forward_bytes(5, processor);
        assert_eq!(live.len(), graph.nodes.len());
        let at = |name: &str| live[graph.nodes.iter().position(|node| node.name == name).unwrap()];
        let stem = 4 * 5 * 16 * 64;
        assert_eq!(at("features.conv0"), stem);
        // The norm keeps the stem's maps and the batch's mean and variance; its output is read by the ReLU.
        assert_eq!(at("features.denseblock1.denselayer1.norm1"), 2 * stem + 8 * 16);
        // The last value is the logits', beside what is kept.
        assert!(live.last().unwrap() > &(2 * stem));
    }
}
