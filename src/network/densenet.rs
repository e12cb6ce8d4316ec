//! The options of a DenseNet and the rules they must keep.

use serde::{Deserialize, Serialize};

/// The layers before the first dense block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// One 3x3 convolution, stride 1 (section 3 of the paper, "Implementation Details").
    Cifar,
    /// 7x7 convolution with stride 2, normalisation, ReLU, 3x3 max pooling with stride 2 (the paper's Table 1).
    Imagenet,
}

/// Where the normalisation and the ReLU stand with respect to their convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Normalisation, ReLU, convolution: the paper's composite function.
    PreActivation,
    /// Convolution, normalisation, ReLU: the comparison in section 3 of the 2017 report on memory (arXiv 1707.06990).
    PostActivation,
}

/// Which convolutions are followed by dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropoutAfter {
    /// Every convolution of dense layers and transitions, as in the authors' code.
    #[serde(rename = "every-convolution")]
    EveryConvolution,
    /// The 3x3 convolution of each dense layer alone, as in torchvision.
    #[serde(rename = "3x3")]
    ThreeByThree,
}

/// The fan that He initialisation divides by; see [`crate::random`] for the draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialization {
    /// Standard deviation sqrt(2 / (kernel area * output channels)): the authors' CIFAR code.
    HeFanOut,
    /// Standard deviation sqrt(2 / (kernel area * input channels)): torchvision and the authors' ImageNet code.
    HeFanIn,
}

/// A DenseNet (arXiv 1608.06993), but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseNet {
    /// Dense layers in each dense block.
    pub block_layers: Vec<usize>,
    /// k: the channels that each dense layer adds.
    pub growth_rate: usize,
    /// Whether a 1x1 convolution to `bottleneck_width * growth_rate` channels stands before each 3x3 (DenseNet-B).
    pub bottleneck: bool,
    /// The bottleneck's channels as a multiple of the growth rate; the paper's is 4.
    pub bottleneck_width: usize,
    /// theta: a transition keeps `floor(theta * channels)`; below 1 this is DenseNet-C.
    pub compression: f64,
    /// Channels after the stem.
    pub initial_channels: usize,
    /// The layers before the first dense block.
    pub stem: Stem,
    /// Whether a ReLU follows the normalisation of each transition.
    pub transition_relu: bool,
    /// Whether a ReLU follows the last normalisation. Without effect in post-activation order, which has none.
    pub final_relu: bool,
    /// Where normalisation and ReLU stand.
    pub order: Order,
    /// The share of values that dropout sets to zero while training; 0 builds no dropout.
    pub dropout: f64,
    /// Which convolutions are followed by dropout.
    pub dropout_after: DropoutAfter,
    /// The fan of He initialisation.
    pub initialization: Initialization,
}

/// A rule that a network's options break, or that an image breaks for a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}; {remedy}")]
pub struct NetworkError {
    /// The option at fault, as the ablation format names it (`growth-rate`).
    pub option: &'static str,
    /// What was found and the rule that it breaks.
    pub rule: String,
    /// What to write instead.
    pub remedy: String,
}

impl NetworkError {
    fn new(option: &'static str, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            option,
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }
}

/// Counts above this are refused: far beyond any network that could be built, and small enough that no closed form
/// overflows.
const LARGEST_COUNT: usize = 1 << 16;

/// Channels above this are refused, for the same reasons.
const LARGEST_WIDTH: usize = 1 << 24;

impl DenseNet {
    /// The paper's basic CIFAR network, k = 12, without its blocks: the ablation format's defaults.
    pub const BASIC: Self = Self {
        block_layers: Vec::new(),
        growth_rate: 12,
        bottleneck: false,
        bottleneck_width: 4,
        compression: 1.0,
        initial_channels: 16,
        stem: Stem::Cifar,
        transition_relu: true,
        final_relu: true,
        order: Order::PreActivation,
        dropout: 0.0,
        dropout_after: DropoutAfter::EveryConvolution,
        initialization: Initialization::HeFanOut,
    };

    /// Layers in each of three blocks from the paper's depth L, which counts the stem, two transitions and the
    /// classifier: `(L - 4) / 3`, halved with a bottleneck.
    ///
    /// # Errors
    /// Where the depth does not divide into three blocks.
    pub fn block_layers_of_depth(depth: usize, bottleneck: bool) -> Result<Vec<usize>, NetworkError> {
        let per_layer = if bottleneck { 2 } else { 1 };
        let step = 3 * per_layer;
        if depth >= 4 + step && (depth - 4).is_multiple_of(step) && depth <= LARGEST_COUNT {
            return Ok(vec![(depth - 4) / step; 3]);
        }
        let below = 4 + depth.saturating_sub(4) / step * step;
        let nearest = if depth > LARGEST_COUNT {
            format!("write a depth below {LARGEST_COUNT}")
        } else if below < 4 + step {
            format!("the smallest is {}", 4 + step)
        } else {
            format!("the nearest are {below} and {}", below + step)
        };
        Err(NetworkError::new(
            "depth",
            format!(
                "depth {depth} does not divide into three blocks: it must be 3 * n{} + 4",
                if bottleneck { " * 2" } else { "" }
            ),
            format!("{nearest}, or give block-layers"),
        ))
    }

    /// Checks the rules that hold whatever the images are.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), NetworkError> {
        let counts = [
            ("growth-rate", self.growth_rate, "the paper's are 12, 24, 32, 40 and 48"),
            (
                "initial-channels",
                self.initial_channels,
                "the paper's are 16 and 2 * growth-rate",
            ),
            ("bottleneck-width", self.bottleneck_width, "the paper's is 4"),
        ];
        for (option, value, remedy) in counts {
            if value == 0 || value > LARGEST_COUNT {
                return Err(NetworkError::new(
                    option,
                    format!("{option} is {value}; it must be from 1 to {LARGEST_COUNT}"),
                    remedy,
                ));
            }
        }
        if self.bottleneck && self.bottleneck_channels() > LARGEST_WIDTH {
            return Err(NetworkError::new(
                "bottleneck-width",
                format!(
                    "bottleneck-width times growth-rate is {}; at most {LARGEST_WIDTH} channels can be built",
                    self.bottleneck_channels()
                ),
                "the paper's bottleneck-width is 4",
            ));
        }
        if self.block_layers.is_empty() {
            return Err(NetworkError::new(
                "block-layers",
                "block-layers is empty; a DenseNet has at least one dense block",
                "write one count a block, such as [12, 12, 12]",
            ));
        }
        let total: usize = self.block_layers.iter().fold(0, |sum, &n| sum.saturating_add(n));
        if self.block_layers.contains(&0) || total > LARGEST_COUNT {
            return Err(NetworkError::new(
                "block-layers",
                format!(
                    "block-layers is {:?}; each block has at least 1 layer, and all together at most {LARGEST_COUNT}",
                    self.block_layers
                ),
                "write one count a block, such as [12, 12, 12]",
            ));
        }
        if !(self.compression > 0.0 && self.compression <= 1.0) {
            return Err(NetworkError::new(
                "compression",
                format!("compression is {}; it must be above 0 and at most 1", self.compression),
                "1.0 compresses nothing, the paper's DenseNet-C has 0.5",
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(NetworkError::new(
                "dropout",
                format!("dropout is {}; it must be at least 0 and below 1", self.dropout),
                "the paper's is 0.2 without augmentation and 0 with it",
            ));
        }
        let mut channels = self.initial_channels;
        for (block, layers) in self.block_layers.iter().enumerate() {
            channels = channels.saturating_add(layers.saturating_mul(self.growth_rate));
            if channels > LARGEST_WIDTH {
                return Err(NetworkError::new(
                    "growth-rate",
                    format!(
                        "block {} ends with {channels} channels; at most {LARGEST_WIDTH} can be built",
                        block + 1
                    ),
                    "take a smaller growth-rate or fewer layers",
                ));
            }
            if block + 1 < self.block_layers.len() {
                let kept = self.compressed(channels);
                if kept == 0 {
                    return Err(NetworkError::new(
                        "compression",
                        format!(
                            "compression {} leaves no channel of the {channels} before transition {}",
                            self.compression,
                            block + 1
                        ),
                        format!("it must be at least 1/{channels} there"),
                    ));
                }
                channels = kept;
            }
        }
        Ok(())
    }

    /// Channels after a transition: `floor(compression * channels)`.
    pub fn compressed(&self, channels: usize) -> usize {
        (self.compression * channels as f64).floor() as usize
    }

    /// The channels of each bottleneck's 1x1 convolution.
    pub fn bottleneck_channels(&self) -> usize {
        self.bottleneck_width * self.growth_rate
    }

    /// The block lengths as the tables print them: `12-12-12`.
    pub fn block_layers_text(&self) -> String {
        let lengths: Vec<String> = self.block_layers.iter().map(usize::to_string).collect();
        lengths.join("-")
    }
}
