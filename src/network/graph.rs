//! A network as plain data: a graph of operations, laid out for images of one shape.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::error::NetworkError;
use super::initialization::Initialization;
use super::shape::Shape;

/// Batch normalisation's epsilon where a family has none of its own: PyTorch's and the authors'.
pub const EPSILON: f64 = 1e-5;

/// Bytes of an f32.
pub(super) const VALUE: u64 = 4;

/// A node's place in [`Graph::nodes`], which is also that of its output.
pub type NodeId = usize;

/// A node's operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// The batch of images itself: the first node, and no other.
    Images,
    /// A convolution.
    Convolution {
        /// Rows and columns of the window.
        kernel: [usize; 2],
        /// The step between windows.
        stride: usize,
        /// Rows and columns of zeros added on each side.
        padding: [usize; 2],
        /// Whether each output channel has a learned value added.
        bias: bool,
    },
    /// Batch normalisation with a learned scale and shift a channel.
    BatchNorm,
    /// max(0, x).
    Relu,
    /// Dropout while training, the identity in evaluation.
    Dropout {
        /// The share of values set to zero.
        share: f64,
    },
    /// Max pooling.
    MaxPool {
        /// The window's side.
        kernel: usize,
        /// The step between windows.
        stride: usize,
        /// Rows and columns added on each side.
        padding: usize,
        /// Whether rows and columns that no whole window reaches have a window that passes the maps' end.
        passes_end: bool,
    },
    /// Average pooling, in which padding counts as zeros; a window of 1 only leaves out rows and columns.
    AveragePool {
        /// The window's side.
        kernel: usize,
        /// The step between windows.
        stride: usize,
        /// Rows and columns of zeros added on each side.
        padding: usize,
    },
    /// Channels of zeros behind the input's.
    ZeroChannels,
    /// The channels of all inputs, one after the other.
    Concatenation,
    /// The sum of two inputs.
    Addition,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Each feature map of the second input times its value, a 1x1 map, in the first.
    Scaling,
    /// The mean of each feature map.
    GlobalAveragePool,
    /// Average pooling to given sides, whatever the maps' are: row y of n is the mean of the rows from floor(y height / n)
    /// to ceil((y + 1) height / n) - 1, and so are the columns. Windows may overlap.
    AdaptiveAveragePool,
    /// The values of all feature maps as one vector, channel by channel.
    Flatten,
    /// A matrix and a bias.
    Linear,
}

impl Operation {
    /// What operations of a kind have in common, in words: `3x3 convolution`, `pooling`.
    pub fn kind(self) -> String {
        let word = match self {
            Self::Convolution { kernel, .. } => return format!("{}x{} convolution", kernel[0], kernel[1]),
            Self::Images => "images",
            Self::BatchNorm => "batch normalization",
            Self::Relu => "ReLU",
            Self::Dropout { .. } => "dropout",
            Self::MaxPool { .. } | Self::AveragePool { .. } | Self::GlobalAveragePool | Self::AdaptiveAveragePool => {
                "pooling"
            }
            Self::ZeroChannels => "channels of zeros",
            Self::Concatenation => "concatenation",
            Self::Addition => "addition",
            Self::Sigmoid => "sigmoid",
            Self::Scaling => "scaling",
            Self::Flatten => "flattening",
            Self::Linear => "linear",
        };
        word.to_owned()
    }
}

/// An operation with its inputs and shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The module's name as torchvision has it, `features.denseblock1.denselayer1.conv1`.
    pub name: String,
    /// Its operation.
    pub operation: Operation,
    /// The nodes whose outputs it reads, each before it.
    pub inputs: Vec<NodeId>,
    /// One image's part of the last input.
    pub input: Shape,
    /// One image's part of the output.
    pub output: Shape,
}

impl Node {
    /// The input whose place the result may take where nothing else reads it: the first, but for what scales it.
    pub(super) fn overwritable_input(&self) -> Option<NodeId> {
        match self.operation {
            Operation::Scaling => self.inputs.last().copied(),
            _ => self.inputs.first().copied(),
        }
    }

    /// Learned values.
    pub fn parameters(&self) -> usize {
        match self.operation {
            Operation::Convolution { kernel, bias, .. } => {
                (kernel[0] * kernel[1] * self.input.channels + usize::from(bias)) * self.output.channels
            }
            Operation::BatchNorm => 2 * self.output.channels,
            Operation::Linear => (self.input.channels + 1) * self.output.channels,
            _ => 0,
        }
    }

    /// The tensors in PyTorch's layout, learned values first, then running statistics: (name, shape).
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let named = |part: &str, shape: Vec<usize>| (format!("{}.{part}", self.name), shape);
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        match self.operation {
            Operation::Convolution { kernel, bias, .. } => {
                let weight = named("weight", vec![outputs, inputs, kernel[0], kernel[1]]);
                let bias = bias.then(|| named("bias", vec![outputs]));
                [weight].into_iter().chain(bias).collect()
            }
            Operation::BatchNorm => ["weight", "bias", "running_mean", "running_var"]
                .map(|part| named(part, vec![outputs]))
                .to_vec(),
            Operation::Linear => vec![named("weight", vec![outputs, inputs]), named("bias", vec![outputs])],
            _ => Vec::new(),
        }
    }

    /// Multiply-accumulates for one image: convolutions and the classifier, as is usual; the normalisations and
    /// poolings are not counted.
    pub fn macs(&self) -> u64 {
        match self.operation {
            Operation::Convolution { kernel, .. } => {
                (kernel[0] * kernel[1] * self.input.channels) as u64 * self.output.values() as u64
            }
            Operation::Linear => (self.input.channels * self.output.channels) as u64,
            _ => 0,
        }
    }

    /// Whether it is a convolution or the classifier: what the papers count as a layer.
    pub fn is_weighted(&self) -> bool {
        matches!(self.operation, Operation::Convolution { .. } | Operation::Linear)
    }
}

/// A part of a network between two places where a single tensor passes; the unit that an execution takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name, `denseblock1`.
    pub name: String,
    /// The node whose output enters: the images, or the last node of an earlier segment.
    pub entering: NodeId,
    /// Its nodes.
    pub nodes: Range<NodeId>,
}

impl Segment {
    /// The place of a node's output among those of the segment: 0 is what enters, `n + 1` the output of its node `n`.
    pub fn place(&self, node: NodeId) -> usize {
        if node == self.entering {
            0
        } else {
            node + 1 - self.nodes.start
        }
    }
}

/// A classifier beside the network, which training alone has: its loss is added to that of the network's own logits.
#[derive(Clone, Debug, PartialEq)]
pub struct AuxiliaryHead {
    /// Its nodes, whole segments, of which the last gives logits.
    pub nodes: Range<NodeId>,
    /// What its loss is multiplied by.
    pub weight: f64,
}

/// Layers that a table shows as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name, `features.denseblock1`.
    pub name: String,
    /// How many layers.
    pub layers: usize,
    /// The name of each of them, `dense layer`.
    pub unit: &'static str,
    /// Its nodes.
    pub nodes: Range<NodeId>,
}

/// A network laid out for images of one shape and a number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// One image.
    pub input: Shape,
    /// Number of classes.
    pub classes: usize,
    /// How the convolutions' weights are drawn.
    pub initialization: Initialization,
    /// Convolutions and linear layers whose weights are drawn normally, each with its standard deviation.
    pub deviations: BTreeMap<NodeId, f64>,
    /// The normalisations' epsilon.
    pub epsilon: f64,
    /// Every operation, each behind those whose outputs it reads; the images first, the logits last.
    pub nodes: Vec<Node>,
    /// The segments, which hold every node but the images.
    pub segments: Vec<Segment>,
    /// Blocks that a table shows as one line; the other nodes have a line each.
    pub blocks: Vec<Block>,
    /// The learned tensors that keep their values while the network trains, by name.
    pub frozen: BTreeSet<String>,
    /// The classifiers that training has beside the network's own.
    pub auxiliary: Vec<AuxiliaryHead>,
}

impl Graph {
    /// Every node but the images, in the order of the forward pass.
    pub fn layers(&self) -> &[Node] {
        self.nodes.get(1..).unwrap_or_default()
    }

    /// Every tensor in PyTorch's layout: (name, shape).
    pub fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>)> {
        self.nodes.iter().flat_map(Node::tensors)
    }

    /// Learned values of the whole network.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(Node::parameters).sum()
    }

    /// Multiply-accumulates of convolutions and classifier for one image in evaluation, without auxiliary heads.
    pub fn macs(&self) -> u64 {
        self.evaluated().map(|(_, node)| node.macs()).sum()
    }

    /// Whether training alone has a node: one of an auxiliary head.
    pub fn is_auxiliary(&self, node: NodeId) -> bool {
        self.auxiliary.iter().any(|head| head.nodes.contains(&node))
    }

    /// Every node but the images and those that training alone has.
    pub(super) fn evaluated(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        let layers = self.nodes.iter().enumerate().skip(1);
        layers.filter(move |&(id, _)| !self.is_auxiliary(id))
    }

    /// The nodes that give logits: the auxiliary heads' last ones, and the last of all.
    pub fn outputs(&self) -> impl Iterator<Item = NodeId> {
        let heads = self.auxiliary.iter().map(|head| head.nodes.end - 1);
        heads.chain(self.nodes.len().checked_sub(1))
    }

    /// Convolutions and the classifier on the longest way through the network: the depth of the papers' names
    /// (DenseNet-121 has 121, ResNet-50 has 50, whose projections stand beside the way).
    pub fn depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let before = node.inputs.iter().map(|&input| depths[input]).max().unwrap_or(0);
            depths.push(before + usize::from(node.is_weighted()));
        }
        depths.last().copied().unwrap_or(0)
    }

    /// The last node that reads each node's output; none of logits.
    pub fn last_uses(&self) -> Vec<Option<NodeId>> {
        let mut last = vec![None; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last[input] = Some(id);
            }
        }
        last
    }

    /// Checks that every batch normalisation sees more than one value a channel while training with batches of
    /// `batch_size` images: the variance of a single value is undefined. Frozen ones do not look at it.
    ///
    /// # Errors
    /// The first normalisation that would see one value.
    pub fn check_training_batch(&self, batch_size: usize) -> Result<(), NetworkError> {
        let single = self.nodes.iter().find(|node| {
            node.operation == Operation::BatchNorm
                && batch_size * node.input.height * node.input.width == 1
                && !self.is_frozen(node)
        });
        match single {
            None => Ok(()),
            Some(node) => Err(NetworkError::new(
                "batch-size",
                format!(
                    "a batch of {batch_size} image leaves {} one value per channel (a 1x1 map), which has no variance",
                    node.name
                ),
                "train with larger batches or larger images",
            )),
        }
    }
}
