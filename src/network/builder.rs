//! Lays a graph out, node by node.

use std::collections::BTreeSet;

use super::graph::{Block, Graph, Node, NodeId, Operation, Segment};
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
                linear_deviation: None,
                nodes: vec![images],
                segments: Vec::new(),
                blocks: Vec::new(),
                frozen: BTreeSet::new(),
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

    /// Starts a segment: the following nodes belong to it. A single output passes from one segment to the next.
    pub fn segment(&mut self, name: impl Into<String>) {
        let next = self.graph.nodes.len();
        self.graph.segments.push(Segment {
            name: name.into(),
            nodes: next..next,
        });
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
        self.any_convolution(name, input, [kernel, stride], channels, false)
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
        self.any_convolution(name, input, [kernel, stride], channels, true)
    }

    fn any_convolution(
        &mut self,
        name: impl Into<String>,
        input: NodeId,
        [kernel, stride]: [usize; 2],
        channels: usize,
        bias: bool,
    ) -> NodeId {
        let padding = kernel / 2;
        let output = self.shape(input).with_channels(channels);
        let operation = Operation::Convolution {
            kernel,
            stride,
            padding,
            bias,
        };
        self.push(name, operation, vec![input], output.windowed(kernel, stride, padding))
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
        let output = self.shape(input).windowed(kernel, stride, padding);
        let operation = Operation::MaxPool {
            kernel,
            stride,
            padding,
        };
        self.push(name, operation, vec![input], output)
    }

    /// Average pooling without padding.
    pub fn average_pool(&mut self, name: impl Into<String>, input: NodeId, kernel: usize, stride: usize) -> NodeId {
        let output = self.shape(input).windowed(kernel, stride, 0);
        self.push(name, Operation::AveragePool { kernel, stride }, vec![input], output)
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

    /// The graph, whose convolutions' weights are drawn as `initialization` says, and linear layers' normally with
    /// `linear_deviation` where there is one.
    pub fn finish(self, initialization: Initialization, linear_deviation: Option<f64>) -> Graph {
        Graph {
            initialization,
            linear_deviation,
            ..self.graph
        }
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
