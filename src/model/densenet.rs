//! DenseNet as Burn modules that read like the paper: the reference that the interpreter of graphs must match, bit for
//! bit.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::batch_norm::BatchNorm;
use super::composite::Composite;
use super::parameters::Source;
use crate::formats::weights::Weights;
use crate::network::families::densenet::{self as options, DropoutAfter, Order};
use crate::network::{EPSILON, Stem};

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
    /// The transitions between them, one fewer.
    pub transitions: Vec<Transition>,
    /// The last normalisation: pre-activation order.
    pub norm5: Option<BatchNorm>,
    /// Whether a ReLU follows the last normalisation.
    pub final_relu: bool,
    /// Logits from the mean of each feature map.
    pub classifier: Linear,
}

impl DenseNet {
    /// Builds a network with these options from its weights. With an autodiff device it trains, else it evaluates.
    ///
    /// # Panics
    /// Where a tensor of the network is missing from the weights, and where its layers are not all joined by concatenation.
    pub fn new(network: &options::DenseNet, weights: &Weights, device: &Device) -> Self {
        assert!(
            network.is_papers_connection(),
            "{network:?} is not connected as in the paper"
        );
        let source = Source {
            weights,
            device,
            epsilon: EPSILON,
        };
        Builder { network, source }.densenet()
    }

    /// Images `[batch, channels, height, width]`, normalised, to logits `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
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

/// Takes each module's tensors from the weights by name.
struct Builder<'a> {
    network: &'a options::DenseNet,
    source: Source<'a>,
}

impl Builder<'_> {
    fn densenet(&self) -> DenseNet {
        let blocks = self.network.block_layers.len();
        let is_imagenet = self.network.stem == Stem::Imagenet;
        let (stride, padding) = if is_imagenet { (2, [3; 2]) } else { (1, [1; 2]) };
        DenseNet {
            conv0: self.source.convolution("features.conv0", stride, padding, false),
            norm0: self.optional_norm("features.norm0"),
            pool0: is_imagenet.then(|| {
                MaxPool2dConfig::new([3, 3])
                    .with_strides([2, 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .init()
            }),
            blocks: (1..=blocks).map(|block| self.dense_block(block)).collect(),
            transitions: (1..blocks).map(|number| self.transition(number)).collect(),
            norm5: self.optional_norm("features.norm5"),
            final_relu: self.network.final_relu,
            classifier: self.source.linear("classifier"),
        }
    }

    fn dense_block(&self, block: usize) -> DenseBlock {
        let layers = self.network.block_layers[block - 1];
        let bottleneck = self.network.bottleneck;
        let layer = |layer| {
            let prefix = format!("features.denseblock{block}.denselayer{layer}");
            DenseLayer {
                bottleneck: bottleneck.then(|| self.composite(&prefix, "1", true, 1)),
                conv: self.composite(&prefix, if bottleneck { "2" } else { "1" }, true, 3),
            }
        };
        DenseBlock {
            layers: (1..=layers).map(layer).collect(),
        }
    }

    fn transition(&self, number: usize) -> Transition {
        let prefix = format!("features.transition{number}");
        Transition {
            composite: self.composite(&prefix, "", self.network.transition_relu, 1),
            pool: AvgPool2dConfig::new([2, 2]).init(),
        }
    }

    fn composite(&self, prefix: &str, number: &str, relu: bool, kernel: usize) -> Composite {
        let dropped = self.network.dropout_after == DropoutAfter::EveryConvolution || kernel == 3;
        Composite::new(
            self.source.norm(&format!("{prefix}.norm{number}")),
            self.source
                .convolution(&format!("{prefix}.conv{number}"), 1, [kernel / 2; 2], false),
            if dropped { self.network.dropout } else { 0.0 },
            relu,
            self.network.order == Order::PreActivation,
        )
    }

    fn optional_norm(&self, name: &str) -> Option<BatchNorm> {
        let is_there = self.source.weights.contains_key(&format!("{name}.weight"));
        is_there.then(|| self.source.norm(name))
    }
}
