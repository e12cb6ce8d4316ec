//! The order in which a backward pass takes a graph's nodes.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::graph::{Graph, NodeId, Operation};

/// The tracked nodes as Burn's autodiff passes them backward: those with the most steps between the images, or what is
/// frozen, and them first, and of equally many those with the fewest nodes between them and the loss
/// (`autodiff/server.rs`).
pub(super) fn backward_order(graph: &Graph, tracked: &[bool]) -> Vec<NodeId> {
    let nodes = &graph.nodes;
    let mut steps = vec![0; nodes.len()];
    for (id, node) in nodes.iter().enumerate().filter(|&(id, _)| tracked[id]) {
        // Burn's normalisation is a chain of operations.
        let own = if node.operation == Operation::BatchNorm { 10 } else { 1 };
        let before = node.inputs.iter().map(|&input| steps[input]).max().unwrap_or(0);
        steps[id] = before + own;
    }
    let mut found = vec![false; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    // The network's own logits enter the loss first.
    let mut queue: VecDeque<NodeId> = graph.outputs().filter(|&id| id > 0).collect();
    queue.rotate_right(1.min(queue.len()));
    while let Some(id) = queue.pop_front() {
        if tracked[id] && !std::mem::replace(&mut found[id], true) {
            order.push(id);
            queue.extend(&nodes[id].inputs);
        }
    }
    order.sort_by_key(|&id| Reverse(steps[id]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset};

    fn order(name: &str) -> Vec<String> {
        let graph = preset(name).unwrap().network.graph(Shape::square(3, 32), 10).unwrap();
        let order = backward_order(&graph, &graph.tracked());
        assert_eq!(order.len(), graph.nodes.len() - 1);
        order.iter().map(|&id| graph.nodes[id].name.clone()).collect()
    }

    #[test]
    fn a_chain_is_passed_from_its_end() {
        let graph = preset("densenet-40-12")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        let backward: Vec<NodeId> = (1..graph.nodes.len()).rev().collect();
        assert_eq!(backward_order(&graph, &graph.tracked()), backward);
    }

    #[test]
    fn the_short_way_waits_for_the_long_one() {
        let order = order("resnet-18");
        let at = |name: &str| order.iter().position(|other| other == name).unwrap();
        assert!(at("layer2.0.conv2") < at("layer2.0.downsample.1"));
        assert!(at("layer2.0.downsample.0") < at("layer2.0.conv1"));
        assert!(at("layer2.0.conv1") < at("layer1.1.addition"));
    }
}
