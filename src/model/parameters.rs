//! The learned tensors of a network and its running statistics, as Burn modules, one for each node that has any.

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::batch_norm::BatchNorm;
use super::segment_graph::learned_tensors;
use crate::formats::weights::{WeightTensor, Weights};
use crate::network::{Graph, Node, NodeId, Operation};

/// The tensors of one node.
#[derive(Module, Debug)]
pub enum Layer {
    /// A convolution's.
    Convolution(Conv2d),
    /// A normalisation's.
    BatchNorm(BatchNorm),
    /// The classifier's.
    Linear(Linear),
}

/// The tensors of every node that has any, in the order of the nodes.
#[derive(Module, Debug)]
pub struct Parameters {
    layers: Vec<Layer>,
}

impl Parameters {
    /// Takes each node's tensors from the weights by name. They were checked against the graph, so that none is missing.
    /// Those of the frozen start are without autodiff, whatever the device.
    pub(super) fn new(graph: &Graph, weights: &Weights, device: &Device) -> Self {
        let (start, plain) = (graph.frozen_start(), device.clone().without_autodiff());
        let layer = |(id, node): (NodeId, &Node)| {
            let source = Source {
                weights,
                device: if id < start { &plain } else { device },
                epsilon: graph.epsilon,
            };
            let layer = source.layer(node)?;
            Some(layer.frozen(|tensor| graph.frozen.contains(&format!("{}.{tensor}", node.name))))
        };
        Self {
            layers: graph.nodes.iter().enumerate().filter_map(layer).collect(),
        }
    }

    /// The layers in the order of the nodes.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Each layer with its node's name.
    fn named<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = (&'a str, &'a Layer)> {
        let nodes = graph.nodes.iter().filter(|node| has_tensors(node));
        nodes.map(|node| node.name.as_str()).zip(&self.layers)
    }

    /// The learned tensors by PyTorch's names.
    fn learned<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = (String, Learned<'a>)> {
        self.named(graph).flat_map(|(name, layer)| {
            let named = move |(tensor, learned)| (format!("{name}.{tensor}"), learned);
            layer.learned().into_iter().map(named)
        })
    }

    /// Every tensor by PyTorch's names and in its layout, running statistics included.
    pub(super) fn weights(&self, graph: &Graph) -> Weights {
        let mut weights = Weights::new();
        for (name, learned) in self.learned(graph) {
            weights.insert(name, learned.weight());
        }
        for (name, layer) in self.named(graph) {
            if let Some(norm) = layer.as_norm() {
                for (tensor, value) in ["running_mean", "running_var"].iter().zip(norm.running()) {
                    weights.insert(format!("{name}.{tensor}"), weight_tensor(value.into_data()));
                }
            }
        }
        weights
    }

    /// The learned tensors' names and IDs.
    pub(super) fn learned_ids<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = (String, ParamId)> + 'a {
        self.learned(graph).map(|(name, learned)| (name, learned.id()))
    }

    /// A value for each learned tensor, by PyTorch's names and in its layout: the result of `value_of`, in the tensor's
    /// own shape here; tensors without one are left out.
    pub(super) fn learned_values(&self, graph: &Graph, value_of: impl Fn(ParamId) -> Option<TensorData>) -> Weights {
        let values = self.learned(graph).filter_map(|(name, learned)| {
            let value = weight_tensor(value_of(learned.id())?);
            Some((name, learned.turned(value)))
        });
        values.collect()
    }

    /// The inverse: passes each learned tensor's value to `give`, in the tensor's own shape here.
    pub(super) fn give_learned_values(
        &self,
        graph: &Graph,
        named: &Weights,
        mut give: impl FnMut(ParamId, TensorData),
    ) {
        for (name, learned) in self.learned(graph) {
            if let Some(tensor) = named.get(&name) {
                let tensor = learned.turned(tensor.clone());
                give(learned.id(), TensorData::new(tensor.values, tensor.shape));
            }
        }
    }

    /// Every learned tensor's gradient by PyTorch's names and in its layout.
    pub(super) fn gradients(&self, graph: &Graph, gradients: &Gradients) -> Weights {
        let found = self.learned(graph).filter_map(|(name, learned)| {
            let gradient = weight_tensor(learned.gradient(gradients)?);
            Some((name, learned.turned(gradient)))
        });
        found.collect()
    }

    /// Learned values.
    pub(super) fn count(&self) -> usize {
        self.layers
            .iter()
            .flat_map(Layer::learned)
            .map(|(_, learned)| learned.count())
            .sum()
    }
}

/// A learned tensor of a layer.
pub(super) enum Learned<'a> {
    /// A normalisation's scale or shift, or the bias of a convolution or a linear layer.
    Vector(&'a Param<Tensor<1>>),
    /// The classifier's weight. Burn keeps it as `[inputs, outputs]`, PyTorch as `[outputs, inputs]`.
    Matrix(&'a Param<Tensor<2>>),
    /// A convolution's weight, `[outputs, inputs, height, width]`.
    Kernel(&'a Param<Tensor<4>>),
}

impl Layer {
    /// The same, of which those tensors are frozen that `is_frozen` names, such as `weight`: they need no gradient.
    fn frozen(self, is_frozen: impl Fn(&str) -> bool) -> Self {
        let (weight, bias) = (is_frozen("weight"), is_frozen("bias"));
        if !weight && !bias {
            return self;
        }
        match self {
            Self::Convolution(conv) => Self::Convolution(Conv2d {
                weight: conv.weight.set_require_grad(!weight),
                bias: conv.bias.map(|tensor| tensor.set_require_grad(!bias)),
                ..conv
            }),
            Self::BatchNorm(norm) => Self::BatchNorm(norm.frozen(weight, bias)),
            Self::Linear(linear) => Self::Linear(Linear {
                weight: linear.weight.set_require_grad(!weight),
                bias: linear.bias.map(|tensor| tensor.set_require_grad(!bias)),
            }),
        }
    }

    /// The normalisation, if it is one.
    pub(super) fn as_norm(&self) -> Option<&BatchNorm> {
        match self {
            Self::BatchNorm(norm) => Some(norm),
            Self::Convolution(_) | Self::Linear(_) => None,
        }
    }

    /// The learned tensors in PyTorch's order.
    pub(super) fn learned(&self) -> Vec<(&'static str, Learned<'_>)> {
        match self {
            Self::Convolution(conv) => {
                let bias = conv.bias.iter().map(|bias| ("bias", Learned::Vector(bias)));
                [("weight", Learned::Kernel(&conv.weight))]
                    .into_iter()
                    .chain(bias)
                    .collect()
            }
            Self::BatchNorm(norm) => vec![
                ("weight", Learned::Vector(&norm.inner.gamma)),
                ("bias", Learned::Vector(&norm.inner.beta)),
            ],
            Self::Linear(linear) => {
                let bias = linear.bias.iter().map(|bias| ("bias", Learned::Vector(bias)));
                [("weight", Learned::Matrix(&linear.weight))]
                    .into_iter()
                    .chain(bias)
                    .collect()
            }
        }
    }
}

impl Learned<'_> {
    pub(super) fn id(&self) -> ParamId {
        match self {
            Self::Vector(vector) => vector.id,
            Self::Matrix(matrix) => matrix.id,
            Self::Kernel(kernel) => kernel.id,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Vector(vector) => vector.val().shape().num_elements(),
            Self::Matrix(matrix) => matrix.val().shape().num_elements(),
            Self::Kernel(kernel) => kernel.val().shape().num_elements(),
        }
    }

    /// In PyTorch's layout.
    fn weight(&self) -> WeightTensor {
        weight_tensor(match self {
            Self::Vector(vector) => vector.val().into_data(),
            Self::Matrix(matrix) => matrix.val().transpose().into_data(),
            Self::Kernel(kernel) => kernel.val().into_data(),
        })
    }

    /// None of a frozen one.
    fn gradient(&self, gradients: &Gradients) -> Option<TensorData> {
        fn found<const D: usize>(parameter: &Param<Tensor<D>>, gradients: &Gradients) -> Option<TensorData> {
            let tensor = parameter.val();
            // Burn panics where a tensor is without autodiff, as those of the frozen start are.
            let gradient = tensor.is_require_grad().then(|| tensor.grad(gradients)).flatten();
            gradient.map(Tensor::into_data)
        }
        match self {
            Self::Vector(vector) => found(vector, gradients),
            Self::Matrix(matrix) => found(matrix, gradients),
            Self::Kernel(kernel) => found(kernel, gradients),
        }
    }

    /// From Burn's layout to PyTorch's, and back.
    fn turned(&self, tensor: WeightTensor) -> WeightTensor {
        match self {
            Self::Matrix(_) => transposed(&tensor),
            Self::Vector(_) | Self::Kernel(_) => tensor,
        }
    }
}

/// Whether a node has a layer.
pub(super) fn has_tensors(node: &Node) -> bool {
    learned_tensors(node.operation) > 0
}

/// The weights that tensors are taken from, and their device.
pub(super) struct Source<'a> {
    pub(super) weights: &'a Weights,
    pub(super) device: &'a Device,
    /// The normalisations'.
    pub(super) epsilon: f64,
}

impl Source<'_> {
    fn layer(&self, node: &Node) -> Option<Layer> {
        let name = node.name.as_str();
        match node.operation {
            Operation::Convolution {
                stride, padding, bias, ..
            } => Some(Layer::Convolution(self.convolution(name, stride, padding, bias))),
            Operation::BatchNorm => Some(Layer::BatchNorm(self.norm(name))),
            Operation::Linear => Some(Layer::Linear(self.linear(name))),
            _ => None,
        }
    }

    pub(super) fn convolution(&self, name: &str, stride: usize, [rows, columns]: [usize; 2], bias: bool) -> Conv2d {
        let weight = self.tensor::<4>(&format!("{name}.weight"));
        let [_, _, height, width] = weight.dims();
        Conv2d {
            weight: Param::from_tensor(weight),
            bias: bias.then(|| Param::from_tensor(self.tensor(&format!("{name}.bias")))),
            stride: [stride; 2],
            kernel_size: [height, width],
            dilation: [1; 2],
            groups: 1,
            padding: PaddingConfig2d::Explicit(rows, columns, rows, columns),
        }
    }

    pub(super) fn norm(&self, name: &str) -> BatchNorm {
        BatchNorm::new(
            self.tensor(&format!("{name}.weight")),
            self.tensor(&format!("{name}.bias")),
            self.tensor(&format!("{name}.running_mean")),
            self.tensor(&format!("{name}.running_var")),
            self.epsilon,
        )
    }

    pub(super) fn linear(&self, name: &str) -> Linear {
        Linear {
            // Burn keeps [inputs, outputs]. Turned round in memory, since the updates leave it so: from a view a
            // backend may take other kernels, and a trial that is resumed would differ in its last bits.
            weight: Param::from_tensor(self.placed(&transposed(&self.weights[&format!("{name}.weight")]))),
            bias: Some(Param::from_tensor(self.tensor(&format!("{name}.bias")))),
        }
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.placed(&self.weights[name])
    }

    fn placed<const D: usize>(&self, tensor: &WeightTensor) -> Tensor<D> {
        Tensor::from_data(
            TensorData::new(tensor.values.clone(), tensor.shape.clone()),
            self.device,
        )
    }
}

/// A transposed matrix.
fn transposed(tensor: &WeightTensor) -> WeightTensor {
    let columns = tensor.shape.last().copied().unwrap_or(1);
    let rows = tensor.values.len() / columns.max(1);
    let values = (0..columns).flat_map(|column| (0..rows).map(move |row| tensor.values[row * columns + column]));
    WeightTensor {
        shape: vec![columns, rows],
        values: values.collect(),
    }
}

fn weight_tensor(data: TensorData) -> WeightTensor {
    WeightTensor {
        shape: data.shape().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}
