//! The options of a DenseNet.

use serde::{Deserialize, Serialize};

use crate::keys::WIDEST;
use crate::network::{Initialization, Stem};

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

/// How the layers of a block are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connectivity {
    /// By concatenation: each layer reads the maps of all before it, and adds its own.
    #[default]
    Dense,
    /// By addition, as in residual networks: each layer's maps are added to those that it reads, through a 1x1 projection
    /// where the width changes.
    Residual,
    /// Not at all: each layer reads the maps of the one before it alone.
    Plain,
}

impl Connectivity {
    /// Whether layers are joined as in the paper.
    pub fn is_dense(&self) -> bool {
        *self == Self::Dense
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Residual => "residual",
            Self::Plain => "plain",
        }
    }
}

/// A DenseNet (arXiv 1608.06993), but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseNet {
    /// Dense layers in each dense block.
    pub block_layers: Vec<usize>,
    /// k: the channels that each layer gives.
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
    // Records from before there were the following options lack them, and identities follow from what is written.
    /// How the layers of a block are joined.
    #[serde(default, skip_serializing_if = "Connectivity::is_dense")]
    pub connectivity: Connectivity,
    /// The number of outputs before it that each dense layer reads, the block's input among them; all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_layers: Option<usize>,
    /// Whether each block has twice the growth rate of the one before (CondenseNet, arXiv 1711.09224, section 4.1).
    #[serde(default, skip_serializing_if = "is_false")]
    pub growth_doubling: bool,
    /// r: behind each layer stands a squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507) whose narrow part has the r-th part
    /// of the layer's channels, at least 1; none builds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squeeze_excitation: Option<usize>,
    /// Whether the width is still to be solved for, so that there are as many parameters as in the dense network.
    #[serde(default, skip_serializing_if = "is_false")]
    pub match_parameters: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Counts above this are refused.
pub(super) const LARGEST_COUNT: usize = WIDEST as usize;

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
        connectivity: Connectivity::Dense,
        visible_layers: None,
        growth_doubling: false,
        squeeze_excitation: None,
        match_parameters: false,
    };

    /// The article's network: DenseNet-121's blocks with k = 12 and no ReLU after the transitions' and the last
    /// normalisation.
    pub fn article() -> Self {
        Self {
            block_layers: vec![6, 12, 24, 16],
            growth_rate: 12,
            bottleneck: true,
            compression: 0.5,
            initial_channels: 32,
            stem: Stem::Imagenet,
            transition_relu: false,
            final_relu: false,
            initialization: Initialization::HeFanIn,
            ..Self::BASIC
        }
    }

    /// Channels after a transition: `floor(compression * channels)`.
    pub fn compressed(&self, channels: usize) -> usize {
        (self.compression * channels as f64).floor() as usize
    }

    /// Whether every layer reads the maps of all before it in its block, all give as many, and nothing stands behind them.
    pub fn is_papers_connection(&self) -> bool {
        self.connectivity.is_dense()
            && self.visible_layers.is_none()
            && !self.growth_doubling
            && self.squeeze_excitation.is_none()
    }

    /// The channels that each layer of a block gives; blocks are counted from 1.
    pub fn growth_rate_of(&self, block: usize) -> usize {
        let doublings = if self.growth_doubling { block - 1 } else { 0 };
        self.growth_rate
            .saturating_mul(1usize.checked_shl(doublings as u32).unwrap_or(usize::MAX))
    }

    /// The channels with which a block of `layers` layers ends that starts with `channels`; blocks are counted from 1.
    pub(super) fn channels_behind(&self, block: usize, layers: usize, channels: usize) -> usize {
        let growth_rate = self.growth_rate_of(block);
        match self.connectivity {
            Connectivity::Dense => channels.saturating_add(layers.saturating_mul(growth_rate)),
            Connectivity::Residual | Connectivity::Plain => growth_rate,
        }
    }
}

/// Channels after the stem that the paper takes with a growth rate; its parameter counts come out with these alone.
pub(super) fn usual_initial_channels(growth_rate: usize, bottleneck: bool) -> usize {
    if bottleneck { growth_rate.saturating_mul(2) } else { 16 }
}
