//! The network: stem, dense blocks with transitions between them, head.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use super::batch_norm::BatchNorm;
use super::composite::Composite;
use super::named_tensors::transposed;
use super::segments::Segments;
use crate::formats::weights::{WeightTensor, Weights, WeightsError, check};
use crate::network::{DropoutAfter, Operation, Order, Plan, Stem};

/// One layer of a dense block: new feature maps from all that came before it.
#[derive(Module, Debug)]
pub struct DenseLayer {
    /// The 1x1 convolution to `bottleneck_width * growth_rate` channels, where there is one (DenseNet-B).
    pub bottleneck: Option<Composite>,
    /// The 3x3 convolution to `growth_rate` channels.
    pub conv: Composite,
}

impl DenseLayer {
    /// `[batch, channels, height, width]` to the new maps, `[batch, growth_rate, height, width]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let input = match &self.bottleneck {
            Some(bottleneck) => bottleneck.forward(input),
            None => input,
        };
        self.conv.forward(input)
    }
}

/// Layers each of which sees the concatenation of all feature maps before it (equation 2 of the paper).
#[derive(Module, Debug)]
pub struct DenseBlock {
    /// The layers in order.
    pub layers: Vec<DenseLayer>,
}

impl DenseBlock {
    /// `[batch, channels, height, width]` to `[batch, channels + layers * growth_rate, height, width]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(input, |maps, layer| {
            let new = layer.forward(maps.clone());
            Tensor::cat(vec![maps, new], 1)
        })
    }
}

/// 1x1 convolution to `floor(compression * channels)` and 2x2 average pooling.
#[derive(Module, Debug)]
pub struct Transition {
    /// Normalisation, ReLU and the 1x1 convolution.
    pub composite: Composite,
    /// The pooling.
    pub pool: AvgPool2d,
}

impl Transition {
    /// `[batch, channels, height, width]` to `[batch, channels kept, height / 2, width / 2]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.pool.forward(self.composite.forward(input))
    }
}

/// A DenseNet (arXiv 1608.06993).
#[derive(Module, Debug)]
pub struct DenseNet {
    /// The stem's convolution.
    pub conv0: Conv2d,
    /// The stem's normalisation, before a ReLU: imagenet stem and post-activation order.
    pub norm0: Option<BatchNorm>,
    /// The stem's pooling: imagenet stem.
    pub pool0: Option<MaxPool2d>,
    /// The dense blocks.
    pub blocks: Vec<DenseBlock>,
    /// What stands between them, one fewer.
    pub transitions: Vec<Transition>,
    /// The last normalisation: pre-activation order.
    pub norm5: Option<BatchNorm>,
    /// Whether a ReLU follows the last normalisation.
    pub final_relu: bool,
    /// Logits from the mean of each feature map.
    pub classifier: Linear,
    /// What carries out all before the classifier; none: the modules themselves.
    #[module(skip)]
    segments: Option<Arc<dyn Segments>>,
}

impl DenseNet {
    /// Builds the network of a plan from named weights. With an autodiff device it trains, else it evaluates.
    ///
    /// # Errors
    /// Weights that are not those of the plan.
    pub fn new(plan: &Plan, weights: &Weights, device: &Device) -> Result<Self, WeightsError> {
        check(weights, plan, "weights")?;
        Ok(Builder { plan, weights, device }.densenet())
    }

    /// The same network, carried out by `segments` up to the classifier; none: by the modules themselves.
    pub fn carried_out_by(self, segments: Option<Arc<dyn Segments>>) -> Self {
        Self { segments, ..self }
    }

    /// Images `[batch, channels, height, width]`, normalised, to logits `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        if let Some(segments) = &self.segments {
            return self.classifier.forward(segments.features(self, images));
        }
        let mut maps = self.stem(images);
        for (index, block) in self.blocks.iter().enumerate() {
            maps = block.forward(maps);
            if let Some(transition) = self.transitions.get(index) {
                maps = transition.forward(maps);
            }
        }
        self.head(maps)
    }

    /// Images `[batch, channels, height, width]` to the maps that enter the first dense block.
    pub fn stem(&self, images: Tensor<4>) -> Tensor<4> {
        let mut maps = self.conv0.forward(images);
        if let Some(norm) = &self.norm0 {
            maps = relu(norm.forward(maps));
        }
        match &self.pool0 {
            Some(pool) => pool.forward(maps),
            None => maps,
        }
    }

    /// The last dense block's maps `[batch, channels, height, width]` to logits `[batch, classes]`.
    pub fn head(&self, mut maps: Tensor<4>) -> Tensor<2> {
        if let Some(norm) = &self.norm5 {
            maps = norm.forward(maps);
            if self.final_relu {
                maps = relu(maps);
            }
        }
        // A mean over height and width rather than adaptive pooling, whose backward is not deterministic on CUDA.
        let [batch, channels, height, width] = maps.dims();
        let means = maps.reshape([batch, channels, height * width]).mean_dim(2);
        self.classifier.forward(means.reshape([batch, channels]))
    }
}

/// Takes each module's tensors from the weights by name. They were checked against the plan, so that none is missing.
struct Builder<'a> {
    plan: &'a Plan,
    weights: &'a Weights,
    device: &'a Device,
}

impl Builder<'_> {
    fn densenet(&self) -> DenseNet {
        let network = &self.plan.network;
        let blocks = network.block_layers.len();
        DenseNet {
            conv0: self.convolution("features.conv0"),
            norm0: self.optional_norm("features.norm0"),
            pool0: (network.stem == Stem::Imagenet).then(|| {
                MaxPool2dConfig::new([3, 3])
                    .with_strides([2, 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .init()
            }),
            blocks: (1..=blocks).map(|block| self.dense_block(block)).collect(),
            transitions: (1..blocks).map(|number| self.transition(number)).collect(),
            norm5: self.optional_norm("features.norm5"),
            final_relu: network.final_relu,
            classifier: Linear {
                // Burn keeps [inputs, outputs]. Turned round in memory, since the updates leave it so: from a view a
                // backend may take other kernels, and a trial that goes on would differ in its last bits.
                weight: Param::from_tensor(self.placed(&transposed(&self.weights["classifier.weight"]))),
                bias: Some(Param::from_tensor(self.tensor("classifier.bias"))),
            },
            segments: None,
        }
    }

    fn dense_block(&self, block: usize) -> DenseBlock {
        let layers = self.plan.network.block_layers[block - 1];
        let bottleneck = self.plan.network.bottleneck;
        let layer = |layer| {
            let prefix = format!("features.denseblock{block}.denselayer{layer}");
            DenseLayer {
                bottleneck: bottleneck.then(|| self.composite(&prefix, "1", true)),
                conv: self.composite(&prefix, if bottleneck { "2" } else { "1" }, true),
            }
        };
        DenseBlock {
            layers: (1..=layers).map(layer).collect(),
        }
    }

    fn transition(&self, number: usize) -> Transition {
        let prefix = format!("features.transition{number}");
        Transition {
            composite: self.composite(&prefix, "", self.plan.network.transition_relu),
            pool: AvgPool2dConfig::new([2, 2]).init(),
        }
    }

    fn composite(&self, prefix: &str, number: &str, relu: bool) -> Composite {
        let network = &self.plan.network;
        let conv = self.convolution(&format!("{prefix}.conv{number}"));
        let dropped = network.dropout_after == DropoutAfter::EveryConvolution || conv.kernel_size == [3, 3];
        Composite::new(
            self.norm(&format!("{prefix}.norm{number}")),
            conv,
            if dropped { network.dropout } else { 0.0 },
            relu,
            network.order == Order::PreActivation,
        )
    }

    fn convolution(&self, name: &str) -> Conv2d {
        let weight = self.tensor::<4>(&format!("{name}.weight"));
        let kernel = weight.dims()[3];
        let stride = self.plan.layers.iter().find_map(|layer| match layer.operation {
            Operation::Convolution { stride, .. } if layer.name == name => Some(stride),
            _ => None,
        });
        let stride = stride.unwrap_or(1);
        let padding = kernel / 2;
        Conv2d {
            weight: Param::from_tensor(weight),
            bias: None,
            stride: [stride; 2],
            kernel_size: [kernel; 2],
            dilation: [1; 2],
            groups: 1,
            padding: PaddingConfig2d::Explicit(padding, padding, padding, padding),
        }
    }

    fn norm(&self, name: &str) -> BatchNorm {
        BatchNorm::new(
            self.tensor(&format!("{name}.weight")),
            self.tensor(&format!("{name}.bias")),
            self.tensor(&format!("{name}.running_mean")),
            self.tensor(&format!("{name}.running_var")),
        )
    }

    fn optional_norm(&self, name: &str) -> Option<BatchNorm> {
        let there = self.weights.contains_key(&format!("{name}.weight"));
        there.then(|| self.norm(name))
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
