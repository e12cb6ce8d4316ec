//! Lays a graph out, node by node.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{AuxiliaryHead, Block, EPSILON, Graph, Node, NodeId, Operation, Segment};
use super::initialization::Initialization;
use super::shape::Shape;

/// Appends nodes to a graph. Every method gives the new node, whose shape follows from its inputs.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// A graph that has only the images.
    pub fn new(input: Shape, classes: usize) -> Self {
        let images = Node {
            name: "images".to_owned(),
            operation: Operation::Images,
            inputs: Vec::new(),
            input,
            output: input,
        };
        Self {
            graph: Graph {
                input,
                classes,
                initialization: Initialization::HeFanOut,
                deviations: BTreeMap::new(),
                epsilon: EPSILON,
                nodes: vec![images],
                segments: Vec::new(),
                blocks: Vec::new(),
                frozen: BTreeSet::new(),
                auxiliary: Vec::new(),
            },
        }
    }

    /// The images.
    pub fn images(&self) -> NodeId {
        0
    }

    /// One image.
    pub fn input(&self) -> Shape {
        self.graph.input
    }

    /// One image's part of a node's output.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.nodes[node].output
    }

    /// The epsilon of all normalisations, where it is not PyTorch's default.
    pub fn epsilon(&mut self, epsilon: f64) {
        self.graph.epsilon = epsilon;
    }

    /// Starts a segment: the following nodes belong to it. Of the nodes before it the last alone is read in it.
    pub fn segment(&mut self, name: impl Into<String>) {
        self.segment_behind(self.graph.nodes.len() - 1, name);
    }

    /// Starts a segment in which of the nodes before it `entering` alone is read.
    pub fn segment_behind(&mut self, entering: NodeId, name: impl Into<String>) {
        let next = self.graph.nodes.len();
        self.graph.segments.push(Segment {
            name: name.into(),
            entering,
            nodes: next..next,
        });
    }

    /// Lays out an auxiliary head, whose loss is multiplied by `weight`: whole segments, of which the last node gives
    /// logits. A block of `layers` layers in tables.
    pub fn auxiliary_head(
        &mut self,
        name: &str,
        layers: usize,
        weight: f64,
        lay_out: impl FnOnce(&mut Self) -> NodeId,
    ) {
        let first = self.graph.nodes.len();
        self.block(name, layers, "layer", lay_out);
        let nodes = first..self.graph.nodes.len();
        self.graph.auxiliary.push(AuxiliaryHead { nodes, weight });
    }

    /// Lays out a block that a table shows as one line: `layers` layers, each a `unit`.
    pub fn block<T>(
        &mut self,
        name: impl Into<String>,
        layers: usize,
        unit: &'static str,
        lay_out: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let first = self.graph.nodes.len();
        let result = lay_out(self);
        self.graph.blocks.push(Block {
            name: name.into(),
            layers,
            unit,
            nodes: first..self.graph.nodes.len(),
        });
        result
    }

    /// A square convolution without bias, whose padding keeps the size at stride 1: `kernel / 2`.
    pub fn convolution(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: usize,
        stride: usize,
        channels: usize,
    ) -> NodeId {
        let padding = kernel / 2;
        self.window_convolution(name, input, [kernel; 2], stride, [padding; 2], channels)
    }

    /// A convolution without bias, with `kernel` rows and columns in its window and `padding` of them on each side.
    pub fn window_convolution(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: [usize; 2],
        stride: usize,
        padding: [usize; 2],
        channels: usize,
    ) -> NodeId {
        let operation = Operation::Convolution {
            kernel,
            stride,
            padding,
            bias: false,
        };
        self.any_convolution(name, input, operation, channels)
    }

    /// A square convolution with bias, whose padding keeps the size at stride 1.
    pub fn biased_convolution(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: usize,
        stride: usize,
        channels: usize,
    ) -> NodeId {
        let operation = Operation::Convolution {
            kernel: [kernel; 2],
            stride,
            padding: [kernel / 2; 2],
            bias: true,
        };
        self.any_convolution(name, input, operation, channels)
    }

    /// Has the weights of a convolution or a linear layer drawn normally with this standard deviation.
    pub fn draw_with(&mut self, node: NodeId, deviation: f64) {
        self.graph.deviations.insert(node, deviation);
    }

    /// Batch normalisation.
    pub fn batch_norm(&mut self, name: impl Into<String>, input: NodeId) -> NodeId {
        self.same_shape(name, Operation::BatchNorm, input)
    }

    /// ReLU.
    pub fn relu(&mut self, name: impl Into<String>, input: NodeId) -> NodeId {
        self.same_shape(name, Operation::Relu, input)
    }

    /// Dropout of a share of the values.
    pub fn dropout(&mut self, name: impl Into<String>, input: NodeId, share: f64) -> NodeId {
        self.same_shape(name, Operation::Dropout { share }, input)
    }

    /// Max pooling.
    pub fn max_pool(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> NodeId {
        let output = self.shape(input).windowed([kernel; 2], stride, [padding; 2]);
        let operation = Operation::MaxPool {
            kernel,
            stride,
            padding,
            passes_end: false,
        };
        self.push(name, operation, vec![input], output)
    }

    /// Max pooling without padding, whose last windows may pass the end of the maps.
    pub fn max_pool_to_the_end(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: usize,
        stride: usize,
    ) -> NodeId {
        let output = self.shape(input).windowed_to_the_end(kernel, stride, 0);
        let operation = Operation::MaxPool {
            kernel,
            stride,
            padding: 0,
            passes_end: true,
        };
        self.push(name, operation, vec![input], output)
    }

    /// Average pooling, in which `padding` rows and columns on each side count as zeros.
    pub fn average_pool(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> NodeId {
        let output = self.shape(input).windowed([kernel; 2], stride, [padding; 2]);
        let operation = Operation::AveragePool {
            kernel,
            stride,
            padding,
        };
        self.push(name, operation, vec![input], output)
    }

    /// Channels of zeros behind the input's, up to `channels`.
    pub fn zero_channels(&mut self, name: impl Into<String>, input: NodeId, channels: usize) -> NodeId {
        let output = self.shape(input).with_channels(channels);
        self.push(name, Operation::ZeroChannels, vec![input], output)
    }

    /// The channels of all inputs, which agree in height and width.
    pub fn concatenation(&mut self, name: impl Into<String>, inputs: &[NodeId]) -> NodeId {
        let channels = inputs.iter().map(|&input| self.shape(input).channels).sum();
        let output = self.shape(inputs[0]).with_channels(channels);
        self.push(name, Operation::Concatenation, inputs.to_vec(), output)
    }

    /// The sum of two outputs of one shape.
    pub fn addition(&mut self, name: impl Into<String>, inputs: [NodeId; 2]) -> NodeId {
        let output = self.shape(inputs[0]);
        self.push(name, Operation::Addition, inputs.to_vec(), output)
    }

    /// 1 / (1 + exp(-x)) of each value.
    pub fn sigmoid(&mut self, name: impl Into<String>, input: NodeId) -> NodeId {
        self.same_shape(name, Operation::Sigmoid, input)
    }

    /// Each feature map times its value in `factors`, maps of 1x1.
    pub fn scaling(&mut self, name: impl Into<String>, factors: NodeId, maps: NodeId) -> NodeId {
        let output = self.shape(maps);
        self.push(name, Operation::Scaling, vec![factors, maps], output)
    }

    /// The mean of each feature map.
    pub fn global_average_pool(&mut self, name: impl Into<String>, input: NodeId) -> NodeId {
        let output = Shape::vector(self.shape(input).channels);
        self.push(name, Operation::GlobalAveragePool, vec![input], output)
    }

    /// Average pooling to square maps of `side`; the maps themselves where they have these sides.
    pub fn adaptive_average_pool(&mut self, name: impl Into<String>, input: NodeId, side: usize) -> NodeId {
        let maps = self.shape(input);
        let output = Shape::square(maps.channels, side);
        if output == maps {
            return input;
        }
        self.push(name, Operation::AdaptiveAveragePool, vec![input], output)
    }

    /// All values of the maps as one vector.
    pub fn flatten(&mut self, name: impl Into<String>, input: NodeId) -> NodeId {
        let output = Shape::vector(self.shape(input).values());
        self.push(name, Operation::Flatten, vec![input], output)
    }

    /// A matrix and a bias, from a vector to one of `outputs` values.
    pub fn linear(&mut self, name: impl Into<String>, input: NodeId, outputs: usize) -> NodeId {
        self.push(name, Operation::Linear, vec![input], Shape::vector(outputs))
    }

    /// Classes of the data.
    pub fn classes(&self) -> usize {
        self.graph.classes
    }

    /// The classifier, a segment of its own: from the mean of each map to a logit a class.
    pub fn classifier(&mut self, name: &str, input: NodeId) -> NodeId {
        self.segment("classifier");
        self.linear(name, input, self.graph.classes)
    }

    /// The graph, whose convolutions' weights are drawn as `initialization` says where none has a deviation of its own.
    pub fn finish(self, initialization: Initialization) -> Graph {
        Graph {
            initialization,
            ..self.graph
        }
    }

    fn any_convolution(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        operation: Operation,
        channels: usize,
    ) -> NodeId {
        let maps = self.shape(input).with_channels(channels);
        let output = match operation {
            Operation::Convolution {
                kernel,
                stride,
                padding,
                ..
            } => maps.windowed(kernel, stride, padding),
            _ => maps,
        };
        self.push(name, operation, vec![input], output)
    }

    fn same_shape(&mut self, name: impl Into<String>, operation: Operation, input: NodeId) -> NodeId {
        let output = self.shape(input);
        self.push(name, operation, vec![input], output)
    }

    fn push(&mut self, name: impl Into<String>, operation: Operation, inputs: Vec<NodeId>, output: Shape) -> NodeId {
        let id = self.graph.nodes.len();
        let input = inputs.last().map_or(output, |&input| self.shape(input));
        self.graph.nodes.push(Node {
            name: name.into(),
            operation,
            inputs,
            input,
            output,
        });
        if let Some(segment) = self.graph.segments.last_mut() {
            segment.nodes.end = id + 1;
        }
        id
    }
}
