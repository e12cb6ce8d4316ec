//! A graph as what stands one behind the other and what stands side by side: how a drawing shows it.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, NodeId};

/// A part of the way through a graph. Each reads what the part before it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A node of one input.
    Node(NodeId),
    /// Branches side by side, and the node that joins them. A branch without parts is the input itself.
    Parallel {
        /// The branches, in the order in which the joining node reads them.
        branches: Vec<Vec<Part>>,
        /// The node that joins them.
        join: NodeId,
    },
    /// Branches that read one another, and the node that joins them.
    Crossed {
        /// Their nodes, in the order of the forward pass.
        nodes: Vec<NodeId>,
        /// The node that joins them.
        join: NodeId,
    },
}

impl Part {
    /// The node whose output the part gives.
    pub fn last(&self) -> NodeId {
        match self {
            Self::Node(id) | Self::Parallel { join: id, .. } | Self::Crossed { join: id, .. } => *id,
        }
    }
}

/// The ways through a graph.
#[derive(Clone, Debug)]
pub struct Ways<'a> {
    graph: &'a Graph,
    /// For each node the last one before it through which every way from the images passes; the images' own place of the
    /// images (immediate dominators, which an acyclic graph gives in one pass).
    dominators: Vec<NodeId>,
}

impl<'a> Ways<'a> {
    /// The ways through a graph.
    pub fn of(graph: &'a Graph) -> Self {
        let mut ways = Self {
            graph,
            dominators: Vec::with_capacity(graph.nodes.len()),
        };
        for node in &graph.nodes {
            let common = node.inputs.iter().copied().reduce(|one, other| ways.common(one, other));
            ways.dominators.push(common.unwrap_or(0));
        }
        ways
    }

    /// The parts behind `entry` up to `exit`, which every way to `exit` passes in this order.
    pub fn parts(&self, entry: NodeId, exit: NodeId) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut id = exit;
        while id > entry {
            let before = self.dominators[id];
            parts.push(match self.graph.nodes[id].inputs.len() {
                0 | 1 => Part::Node(id),
                _ => self.joined(before, id),
            });
            id = before;
        }
        parts.reverse();
        parts
    }

    /// What stands between a node and the one that joins all branches from there.
    fn joined(&self, fork: NodeId, join: NodeId) -> Part {
        let inputs = &self.graph.nodes[join].inputs;
        if self.are_apart(fork, inputs) {
            return Part::Parallel {
                branches: inputs.iter().map(|&input| self.parts(fork, input)).collect(),
                join,
            };
        }
        let mut nodes = BTreeSet::new();
        let mut open = inputs.clone();
        while let Some(id) = open.pop() {
            if id > fork && nodes.insert(id) {
                open.extend(&self.graph.nodes[id].inputs);
            }
        }
        Part::Crossed {
            nodes: nodes.into_iter().collect(),
            join,
        }
    }

    /// Whether no node behind `fork` is on the way to two of the ends of branches.
    fn are_apart(&self, fork: NodeId, ends: &[NodeId]) -> bool {
        let mut branches: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (branch, &end) in ends.iter().enumerate() {
            let mut open = vec![end];
            while let Some(id) = open.pop() {
                if id <= fork {
                    continue;
                }
                match branches.insert(id, branch) {
                    None => open.extend(&self.graph.nodes[id].inputs),
                    Some(before) if before == branch => {}
                    Some(_) => return false,
                }
            }
        }
        true
    }

    /// The last node through which every way to either node passes, of two whose dominators are known.
    fn common(&self, mut one: NodeId, mut other: NodeId) -> NodeId {
        while one != other {
            // A dominator stands before what it dominates.
            match one > other {
                true => one = self.dominators[one],
                false => other = self.dominators[other],
            }
        }
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Operation, Shape, presets};

    fn graph(name: &str) -> Graph {
        let preset = crate::network::preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        preset.network.graph(image, preset.classes).unwrap()
    }

    fn nodes_of(parts: &[Part]) -> Vec<NodeId> {
        let of = |part: &Part| match part {
            Part::Node(id) => vec![*id],
            Part::Parallel { branches, join } => {
                let inside = branches.iter().flat_map(|branch| nodes_of(branch));
                inside.chain([*join]).collect()
            }
            Part::Crossed { nodes, join } => nodes.iter().copied().chain([*join]).collect(),
        };
        parts.iter().flat_map(of).collect()
    }

    #[test]
    fn the_parts_of_every_network_hold_every_node_once() {
        for preset in presets() {
            let graph = graph(preset.name);
            let parts = Ways::of(&graph).parts(0, graph.nodes.len() - 1);
            let mut nodes = nodes_of(&parts);
            nodes.sort_unstable();
            let own: Vec<NodeId> = (1..graph.nodes.len()).filter(|&id| !graph.is_auxiliary(id)).collect();
            assert_eq!(nodes, own, "{}", preset.name);
        }
    }

    #[test]
    fn a_dense_layer_stands_beside_its_own_input() {
        let graph = graph("densenet-40-12");
        let parts = Ways::of(&graph).parts(0, graph.nodes.len() - 1);
        let layers = parts.iter().filter_map(|part| match part {
            Part::Parallel { branches, join } => Some((branches, graph.nodes[*join].operation)),
            _ => None,
        });
        let layers: Vec<_> = layers.collect();
        assert_eq!(layers.len(), 36);
        for (branches, join) in layers {
            assert_eq!(join, Operation::Concatenation);
            assert_eq!((branches[0].len(), branches[1].len()), (0, 3));
        }
    }

    #[test]
    fn an_inception_block_has_its_branches_side_by_side_and_is_one_part_where_two_of_them_begin_alike() {
        let graph = graph("inception-v3");
        let parts = Ways::of(&graph).parts(0, graph.nodes.len() - 1);
        let of = |name: &str| {
            let is_it = |part: &&Part| graph.nodes[part.last()].name == format!("{name}.concatenation");
            parts.iter().find(is_it).unwrap()
        };
        assert!(matches!(of("Mixed_5b"), Part::Parallel { branches, .. } if branches.len() == 4));
        // Its one concatenation reads both ends of two forks.
        assert!(matches!(of("Mixed_7c"), Part::Crossed { .. }));
    }

    #[test]
    fn branches_that_read_one_another_are_one_part() {
        use crate::network::Network;
        use crate::network::families::densenet::DenseNet;
        let network = DenseNet {
            block_layers: vec![40, 2],
            visible_layers: Some(3),
            ..DenseNet::BASIC
        };
        let graph = network.graph(Shape::square(3, 8), 10).unwrap();
        let parts = Ways::of(&graph).parts(0, graph.nodes.len() - 1);
        let crossed = parts.iter().filter(|part| matches!(part, Part::Crossed { .. }));
        assert_eq!(crossed.count(), 1);
    }
}
