//! One segment of a graph by itself, as an execution sees it.

use crate::network::{Graph, Node, Operation, Segment, Shape};

/// A place among the values of a segment: 0 is the input, `n + 1` the output of its node `n`.
pub type Value = usize;

/// A segment's nodes with their places: what each reads, and which parameters are its own.
#[derive(Clone, Debug)]
pub struct SegmentGraph {
    /// The segment's name.
    pub name: String,
    /// The nodes in order. Their own `inputs` are those of the whole graph: see [`SegmentGraph::inputs`].
    pub nodes: Vec<Node>,
    /// One image's part of the input.
    pub entering: Shape,
    /// Whether the input is the batch of images.
    pub reads_images: bool,
    /// The normalisations' epsilon.
    pub epsilon: f64,
    inputs: Vec<Vec<Value>>,
    operands: Vec<Vec<Value>>,
    first_parameters: Vec<usize>,
    norms: Vec<usize>,
    trained: Vec<bool>,
    tracked: Vec<bool>,
    has_fixed_statistics: bool,
}

impl SegmentGraph {
    /// A segment of a graph in which a single value passes from each segment to the next.
    pub fn new(graph: &Graph, segment: &Segment) -> Self {
        let nodes = &graph.nodes[segment.nodes.clone()];
        let entering = segment.entering;
        let inputs: Vec<Vec<Value>> = nodes
            .iter()
            .map(|node| node.inputs.iter().map(|&input| segment.place(input)).collect())
            .collect();
        let (mut first_parameters, mut norms) = (Vec::new(), Vec::new());
        let (mut parameters, mut norm) = (0, 0);
        for node in nodes {
            first_parameters.push(parameters);
            norms.push(norm);
            parameters += learned_tensors(node.operation);
            norm += usize::from(node.operation == Operation::BatchNorm);
        }
        Self {
            name: segment.name.clone(),
            nodes: nodes.to_vec(),
            entering: graph.nodes[entering].output,
            reads_images: graph.nodes[entering].operation == Operation::Images,
            epsilon: graph.epsilon,
            operands: operands(nodes, &inputs),
            inputs,
            first_parameters,
            norms,
            trained: nodes.iter().flat_map(|node| trained(graph, node)).collect(),
            tracked: {
                let tracked = graph.tracked();
                let made = tracked[segment.nodes.clone()].iter().copied();
                [tracked[entering]].into_iter().chain(made).collect()
            },
            has_fixed_statistics: graph.fixed_statistics()[segment.nodes.clone()].contains(&true),
        }
    }

    /// Whether one of its normalisations is frozen behind a layer that is trained, and takes its running statistics
    /// while the network trains.
    pub fn has_fixed_statistics(&self) -> bool {
        self.has_fixed_statistics
    }

    /// Of each parameter, in the order of the nodes, whether it is trained: a frozen one has no gradient.
    pub fn trained(&self) -> &[bool] {
        &self.trained
    }

    /// Whether a value's gradient is wanted: something that is trained comes before it.
    pub fn is_tracked(&self, value: Value) -> bool {
        self.tracked[value]
    }

    /// The nodes with the value that each makes.
    pub fn values(&self) -> impl Iterator<Item = (Value, &Node)> {
        (1..).zip(&self.nodes)
    }

    /// The node that makes a value; none for the input.
    pub fn node(&self, value: Value) -> Option<&Node> {
        self.nodes.get(value.checked_sub(1)?)
    }

    /// The values that the node of a value reads.
    pub fn inputs(&self, value: Value) -> &[Value] {
        of_value(&self.inputs, value)
    }

    /// The values that the node of a value is made from where concatenations are not made one from the other: of a
    /// concatenation that starts with another one, the inputs of both.
    pub fn operands(&self, value: Value) -> &[Value] {
        of_value(&self.operands, value)
    }

    /// Whether a value is made by a concatenation.
    pub fn is_concatenation(&self, value: Value) -> bool {
        self.node(value)
            .is_some_and(|node| node.operation == Operation::Concatenation)
    }

    /// For each value the last one that is made from it, by [`SegmentGraph::operands`]; none of those that nothing is
    /// made from.
    pub fn last_uses(&self) -> Vec<Option<Value>> {
        let mut last = vec![None; self.nodes.len() + 1];
        for (value, _) in self.values() {
            for &operand in self.operands(value) {
                last[operand] = Some(value);
            }
        }
        last
    }

    /// The place of the first parameter of the node of a value among the segment's parameters.
    pub fn first_parameter(&self, value: Value) -> usize {
        self.first_parameters[value - 1]
    }

    /// The place of the node of a value among the segment's normalisations.
    pub fn norm(&self, value: Value) -> usize {
        self.norms[value - 1]
    }

    /// Whether the segment gives a value a channel, `[batch, channels]`, rather than maps.
    pub fn gives_vectors(&self) -> bool {
        let to_vectors = |node: &Node| {
            matches!(
                node.operation,
                Operation::GlobalAveragePool | Operation::Flatten | Operation::Linear
            )
        };
        self.nodes.iter().any(to_vectors)
    }
}

/// What a node has, by the value that it makes; nothing of the input.
fn of_value(nodes: &[Vec<Value>], value: Value) -> &[Value] {
    let node = value.checked_sub(1).and_then(|node| nodes.get(node));
    node.map_or(&[], Vec::as_slice)
}

/// [`SegmentGraph::operands`] of each node.
fn operands(nodes: &[Node], inputs: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let is_concatenation = |value: Value| value > 0 && nodes[value - 1].operation == Operation::Concatenation;
    let mut operands: Vec<Vec<Value>> = Vec::with_capacity(nodes.len());
    for (value, inputs) in (1..).zip(inputs) {
        let parts = inputs
            .iter()
            .flat_map(|&input| match is_concatenation(value) && is_concatenation(input) {
                true => operands[input - 1].clone(),
                false => vec![input],
            });
        operands.push(parts.collect());
    }
    operands
}

/// Of each learned tensor of a node whether it is trained.
fn trained(graph: &Graph, node: &Node) -> Vec<bool> {
    let learned = ["weight", "bias"].into_iter().take(learned_tensors(node.operation));
    learned.map(|tensor| graph.trains(node, tensor)).collect()
}

/// Learned tensors of an operation: a convolution's weight and its bias if there is one, a normalisation's scale and shift, a matrix and its bias.
pub fn learned_tensors(operation: Operation) -> usize {
    match operation {
        Operation::Convolution { bias, .. } => 1 + usize::from(bias),
        Operation::BatchNorm | Operation::Linear => 2,
        Operation::Images
        | Operation::Relu
        | Operation::Dropout { .. }
        | Operation::MaxPool { .. }
        | Operation::AveragePool { .. }
        | Operation::ZeroChannels
        | Operation::Concatenation
        | Operation::Addition
        | Operation::Sigmoid
        | Operation::Scaling
        | Operation::GlobalAveragePool
        | Operation::AdaptiveAveragePool
        | Operation::Flatten => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::preset;

    #[test]
    fn a_dense_blocks_concatenations_are_each_made_from_the_maps_of_all_layers_before() {
        let network = preset("densenet-40-12").unwrap().network;
        let graph = network.graph(Shape::square(3, 32), 10).unwrap();
        let block = SegmentGraph::new(&graph, &graph.segments[1]);
        let concatenations: Vec<Value> = (1..=block.nodes.len())
            .filter(|&value| block.is_concatenation(value))
            .collect();
        assert_eq!(concatenations.len(), 12);
        for (layer, &value) in concatenations.iter().enumerate() {
            let operands = block.operands(value);
            assert_eq!((operands[0], operands.len()), (0, layer + 2));
        }
        // The maps that enter are read last where the last concatenation is made.
        assert_eq!(block.last_uses()[0], concatenations.last().copied());
    }

    #[test]
    fn parameters_and_normalisations_are_counted_in_the_order_of_the_nodes() {
        let network = preset("densenet-bc-100-12").unwrap().network;
        let graph = network.graph(Shape::square(3, 32), 10).unwrap();
        let block = SegmentGraph::new(&graph, &graph.segments[1]);
        let at = |name: &str| {
            let named = |(_, node): &(Value, &Node)| node.name.ends_with(name);
            block.values().find(named).unwrap().0
        };
        let second = at("denselayer2.conv2");
        assert_eq!(block.first_parameter(second), 6 + 5);
        assert_eq!(block.norm(at("denselayer2.norm2")), 3);
        assert!(!block.gives_vectors() && !block.reads_images);
    }
}
