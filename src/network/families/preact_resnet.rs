//! Pre-activation ResNet (He et al. 2016, arXiv 1603.05027): normalisation and ReLU stand before each convolution, so that
//! the way of the shortcuts is free of them.

use serde::{Deserialize, Serialize};

use super::pre_activation::{self, Block, Convolution};
use super::stages;
use crate::keys::{Kind, KnownKey, WIDEST};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, Network, NetworkError, Options,
    Preset, PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "preact-resnet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<PreActResNet>,
};

/// A bottleneck's channels out as a multiple of its 3x3 convolution's.
const EXPANSION: usize = 4;

/// A pre-activation ResNet, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreActResNet {
    /// Residual blocks in each stage; every stage but the first halves height and width, and doubles the channels.
    pub block_layers: Vec<usize>,
    /// Whether a block is 1x1, 3x3, 1x1 to four times the channels, rather than two 3x3.
    pub bottleneck: bool,
    /// Channels after the stem, which are those of the first stage's 3x3 convolutions.
    pub initial_channels: usize,
    /// The fan of He initialisation.
    pub initialization: Initialization,
}

impl PreActResNet {
    /// The paper's network for CIFAR without its blocks: the ablation format's defaults for this family.
    pub const PAPERS: Self = Self {
        block_layers: Vec::new(),
        bottleneck: false,
        initial_channels: 16,
        initialization: Initialization::HeFanOut,
    };

    /// A block's convolutions. A bottleneck has its stride in the first 1x1, as the authors' code has it
    /// (<https://github.com/KaimingHe/resnet-1k-layers>).
    fn convolutions(&self, stage: usize, stride: usize) -> Vec<Convolution> {
        let width = self.initial_channels << stage;
        let steps: &[(usize, usize, usize)] = if self.bottleneck {
            &[(1, stride, width), (3, 1, width), (1, 1, EXPANSION * width)]
        } else {
            &[(3, stride, width), (3, 1, width)]
        };
        let convolution = |&(kernel, stride, channels): &(usize, usize, usize)| Convolution {
            kernel,
            stride,
            channels,
        };
        steps.iter().map(convolution).collect()
    }
}

impl Network for PreActResNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        let expansion = if self.bottleneck { EXPANSION } else { 1 };
        let channels = self.initial_channels.saturating_mul(expansion);
        stages::check(&self.block_layers, self.initial_channels, channels)
    }

    /// The first block of all has its activation before the two ways part (the paper's appendix).
    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        pre_activation::lay_out(
            graph,
            self.initial_channels,
            &self.block_layers,
            |stage, place, stride| Block {
                convolutions: self.convolutions(stage, stride),
                activated: stage == 0 && place == 0,
                dropout: 0.0,
            },
        );
        Ok(())
    }

    fn initialization(&self) -> Initialization {
        self.initialization
    }

    fn options(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn columns(&self) -> FamilyColumns {
        FamilyColumns {
            block_layers: Some(self.block_layers.clone()),
            bottleneck: Some(self.bottleneck),
            initial_channels: Some(self.initial_channels),
            ..FamilyColumns::default()
        }
    }

    fn usual_side(&self) -> usize {
        Stem::Cifar.usual_side()
    }

    /// Tables 2 and 4: medians of five runs.
    fn published(&self) -> Option<PublishedError> {
        let same = |network: &Self| {
            Self {
                initialization: network.initialization,
                ..self.clone()
            } == *network
        };
        let (_, _, [cifar10, cifar100]) = named().into_iter().find(|(_, network, _)| same(network))?;
        Some(PublishedError {
            cifar10_augmented: cifar10,
            cifar100_augmented: cifar100,
            // 64,000 steps, as in the ResNet paper.
            epochs: 164,
            batch_size: 128,
            ..PublishedError::default()
        })
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        &[]
    }
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<PreActResNet>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(PreActResNet::PAPERS);
    let bottleneck = options.flag("bottleneck").unwrap_or(base.bottleneck);
    let network = PreActResNet {
        block_layers: options.block_layers("stages", 20, preset_layers, |depth| {
            stages::block_layers_of_depth(depth, if bottleneck { 9 } else { 6 }, 2)
        })?,
        bottleneck,
        initial_channels: options.count("initial-channels").unwrap_or(base.initial_channels),
        initialization: options.word("initialization")?.unwrap_or(base.initialization),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

/// The networks by name, with their errors on CIFAR-10 and CIFAR-100.
fn named() -> Vec<(&'static str, PreActResNet, [Option<f64>; 2])> {
    let network = |blocks, bottleneck| PreActResNet {
        block_layers: vec![blocks; 3],
        bottleneck,
        ..PreActResNet::PAPERS
    };
    vec![
        ("preact-resnet-110", network(18, false), [Some(0.0637), None]),
        ("preact-resnet-164", network(18, true), [Some(0.0546), Some(0.2433)]),
        ("preact-resnet-1001", network(111, true), [Some(0.0492), Some(0.2271)]),
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |(name, network, _): (&'static str, PreActResNet, _)| Preset {
        name,
        classes: Stem::Cifar.usual_classes(),
        network: Architecture::new(network),
    };
    named().into_iter().map(preset).collect()
}

const KEYS: &[KnownKey] = &[
    KnownKey {
        key: "model.depth",
        kind: Kind::Count(1, WIDEST),
        default: "one of three",
        meaning: "The depth of the paper's CIFAR networks, which makes three equal stages: `6 * n + 2`, or `9 * n + 2` with bottlenecks.",
        remedy: "the paper's are 110, and with bottlenecks 164 and 1001",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "Residual blocks in each stage, in place of `depth`.",
        remedy: "write one count a stage, such as [18, 18, 18]",
    },
    KnownKey {
        key: "model.bottleneck",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a block is 1x1, 3x3, 1x1 to four times the channels, rather than two 3x3.",
        remedy: "true is for ResNet-164 and ResNet-1001",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`16`",
        meaning: "Channels after the stem; each later stage has twice those of the one before.",
        remedy: "the paper's are 16",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "the authors' code has \"he-fan-out\"",
    },
];
