//! `plain`: each node by Burn's own module or operation, as any Burn user would write it.

use burn::nn::DropoutConfig;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AdaptiveAvgPool2dConfig, AvgPool2dConfig, MaxPool2dConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};

use super::parameters::Layer;
use crate::network::{Node, Operation};

/// The output of a node.
#[derive(Clone, Debug)]
pub enum Activation {
    /// `[batch, channels, height, width]`.
    Maps(Tensor<4>),
    /// `[batch, values]`.
    Vectors(Tensor<2>),
}

impl Activation {
    /// The same values with or without autodiff.
    pub(super) fn with_autodiff(self, with: bool) -> Self {
        fn turned<const D: usize>(tensor: Tensor<D>, with: bool) -> Tensor<D> {
            if with {
                tensor.autodiff()
            } else {
                tensor.without_autodiff()
            }
        }
        match self {
            Self::Maps(maps) => Self::Maps(turned(maps, with)),
            Self::Vectors(vectors) => Self::Vectors(turned(vectors, with)),
        }
    }

    /// The sum with another one of the same shape.
    ///
    /// # Panics
    /// Of maps and vectors: a gradient has the shape of its value.
    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Maps(one), Self::Maps(other)) => Self::Maps(one + other),
            (Self::Vectors(one), Self::Vectors(other)) => Self::Vectors(one + other),
            _ => unreachable!("gradients of one value are of one kind"),
        }
    }

    /// Feature maps.
    ///
    /// # Panics
    /// Of vectors: no graph that a family lays out has a node that reads maps behind one that gives vectors.
    pub(super) fn maps(self) -> Tensor<4> {
        match self {
            Self::Maps(maps) => maps,
            Self::Vectors(_) => unreachable!("a node that reads feature maps has some before it"),
        }
    }

    /// A value for each channel.
    ///
    /// # Panics
    /// As [`Activation::maps`].
    pub(super) fn vectors(self) -> Tensor<2> {
        match self {
            Self::Vectors(vectors) => vectors,
            Self::Maps(_) => unreachable!("a node that reads vectors has some before it"),
        }
    }
}

/// Runs a node on its inputs; `layer` are its tensors, where it has any.
pub(super) fn carry_out(node: &Node, layer: Option<&Layer>, inputs: Vec<Activation>) -> Activation {
    let mut inputs = inputs.into_iter();
    let mut maps = || inputs.next().map(Activation::maps).expect("a node has its inputs");
    Activation::Maps(match (node.operation, layer) {
        (Operation::Convolution { .. }, Some(Layer::Convolution(conv))) => conv.forward(maps()),
        (Operation::BatchNorm, Some(Layer::BatchNorm(norm))) => norm.forward(maps()),
        (Operation::Linear, Some(Layer::Linear(linear))) => {
            let vectors = inputs.next().map(Activation::vectors).expect("a node has its inputs");
            return Activation::Vectors(linear.forward(vectors));
        }
        (Operation::Convolution { .. } | Operation::BatchNorm | Operation::Linear, _) => {
            unreachable!("the parameters were built from the same graph")
        }
        (Operation::Images, _) => maps(),
        (Operation::Relu, _) => {
            return match inputs.next().expect("a node has its inputs") {
                Activation::Maps(maps) => Activation::Maps(relu(maps)),
                Activation::Vectors(vectors) => Activation::Vectors(relu(vectors)),
            };
        }
        (Operation::Dropout { share }, _) => {
            let dropout = DropoutConfig::new(share).init();
            return match inputs.next().expect("a node has its inputs") {
                Activation::Maps(maps) => Activation::Maps(dropout.forward(maps)),
                Activation::Vectors(vectors) => Activation::Vectors(dropout.forward(vectors)),
            };
        }
        (
            Operation::MaxPool {
                kernel,
                stride,
                padding,
                passes_end,
            },
            _,
        ) => MaxPool2dConfig::new([kernel; 2])
            .with_strides([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .with_ceil_mode(passes_end)
            .init()
            .forward(maps()),
        (
            Operation::AveragePool {
                kernel,
                stride,
                padding,
            },
            _,
        ) => AvgPool2dConfig::new([kernel; 2])
            .with_strides([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .init()
            .forward(maps()),
        (Operation::ZeroChannels, _) => {
            let maps = maps();
            let [batch, channels, height, width] = maps.dims();
            let zeros = Tensor::zeros([batch, node.output.channels - channels, height, width], &maps.device());
            Tensor::cat(vec![maps, zeros], 1)
        }
        (Operation::Concatenation, _) => Tensor::cat(inputs.map(Activation::maps).collect(), 1),
        (Operation::Addition, _) => maps() + maps(),
        (Operation::Sigmoid, _) => sigmoid(maps()),
        (Operation::Scaling, _) => {
            let factors = maps();
            maps() * factors
        }
        (Operation::AdaptiveAveragePool, _) => AdaptiveAvgPool2dConfig::new([node.output.height, node.output.width])
            .init()
            .forward(maps()),
        (Operation::Flatten, _) => return Activation::Vectors(maps().flatten(1, 3)),
        (Operation::GlobalAveragePool, _) => {
            // A mean over height and width rather than adaptive pooling, whose backward is not deterministic on CUDA.
            let maps = maps();
            let [batch, channels, height, width] = maps.dims();
            let means = maps.reshape([batch, channels, height * width]).mean_dim(2);
            return Activation::Vectors(means.reshape([batch, channels]));
        }
    })
}
