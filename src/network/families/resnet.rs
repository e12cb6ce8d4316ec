//! ResNet (He et al. 2016, arXiv 1512.03385): every block adds its output to its input.

use serde::{Deserialize, Serialize};

use super::{resnet_names, stages};
use crate::keys::{Kind, KnownKey, WIDEST};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, Network, NetworkError, NodeId,
    Options, Preset, PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "resnet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<ResNet>,
};

/// The shortcut where a block's output has another shape than its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// A 1x1 convolution and a normalisation: the paper's option B, and torchvision's.
    Projection,
    /// Every second row and column, and channels of zeros: the paper's option A, which has no parameters.
    Padding,
}

/// A ResNet, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNet {
    /// Residual blocks in each stage; every stage but the first halves height and width, and doubles the channels.
    pub block_layers: Vec<usize>,
    /// Whether a block is 1x1, 3x3, 1x1 to four times the channels, rather than two 3x3.
    pub bottleneck: bool,
    /// Channels after the stem, which are those of the first stage's 3x3 convolutions.
    pub initial_channels: usize,
    /// The layers before the first stage.
    pub stem: Stem,
    /// The shortcut where shapes differ.
    pub shortcut: Shortcut,
    /// The fan of He initialisation.
    pub initialization: Initialization,
}

/// A bottleneck's channels out as a multiple of its 3x3 convolution's.
const EXPANSION: usize = 4;

impl ResNet {
    /// CIFAR's network of section 4.2, without its blocks: the ablation format's defaults for this family.
    pub const CIFAR: Self = Self {
        block_layers: Vec::new(),
        bottleneck: false,
        initial_channels: 16,
        stem: Stem::Cifar,
        shortcut: Shortcut::Padding,
        initialization: Initialization::HeFanOut,
    };

    /// Blocks in each of three stages from the depth of section 4.2, which counts the stem and the classifier: `(depth -
    /// 2) / 6`, or `/ 9` with bottlenecks.
    fn block_layers_of_depth(depth: usize, bottleneck: bool) -> Result<Vec<usize>, NetworkError> {
        stages::block_layers_of_depth(depth, if bottleneck { 9 } else { 6 }, 2)
    }

    /// Channels of a stage's 3x3 convolutions, counted from 0.
    fn width(&self, stage: usize) -> usize {
        self.initial_channels << stage
    }

    fn expansion(&self) -> usize {
        if self.bottleneck { EXPANSION } else { 1 }
    }
}

impl Network for ResNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        let channels = self.initial_channels.saturating_mul(self.expansion());
        stages::check(&self.block_layers, self.initial_channels, channels)
    }

    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        let mut maps = self.stem(graph);
        for (stage, &blocks) in self.block_layers.iter().enumerate() {
            let name = format!("layer{}", stage + 1);
            graph.segment(&name);
            maps = graph.block(&name, blocks, "residual block", |graph| {
                (0..blocks).fold(maps, |maps, block| {
                    let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                    self.residual_block(graph, maps, &format!("{name}.{block}"), self.width(stage), stride)
                })
            });
        }
        maps = graph.global_average_pool("avgpool", maps);
        graph.classifier("fc", maps);
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
        self.stem.usual_side()
    }

    /// Table 6: CIFAR-10 with augmentation; of the 110 layers the mean of the paper's five runs.
    fn published(&self) -> Option<PublishedError> {
        let same = |network: &Self| {
            Self {
                initialization: network.initialization,
                ..self.clone()
            } == *network
        };
        let (_, _, published) = named().into_iter().find(|(_, network, _)| same(network))?;
        published.map(|error| PublishedError {
            cifar10_augmented: Some(error),
            // Section 4.2: 64,000 steps.
            epochs: 164,
            batch_size: 128,
            ..PublishedError::default()
        })
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        match self.shortcut {
            Shortcut::Projection => resnet_names::PROJECTED,
            Shortcut::Padding => resnet_names::PADDED,
        }
    }
}

/// The layout, with torchvision's names.
impl ResNet {
    fn stem(&self, graph: &mut GraphBuilder) -> NodeId {
        graph.segment("stem");
        let images = graph.images();
        let (kernel, stride) = self.stem.convolution();
        let maps = graph.convolution("conv1", images, kernel, stride, self.initial_channels);
        let maps = graph.batch_norm("bn1", maps);
        let maps = graph.relu("relu", maps);
        match self.stem {
            Stem::Cifar => maps,
            Stem::Imagenet => graph.max_pool("maxpool", maps, 3, 2, 1),
        }
    }

    /// Figures 2 and 5: y = F(x) + x, then ReLU. A bottleneck has its stride in the 3x3 convolution, as torchvision has
    /// it (the paper in the first 1x1).
    fn residual_block(
        &self,
        graph: &mut GraphBuilder,
        input: NodeId,
        name: &str,
        width: usize,
        stride: usize,
    ) -> NodeId {
        let steps: &[(usize, usize, usize)] = if self.bottleneck {
            &[(1, 1, width), (3, stride, width), (1, 1, EXPANSION * width)]
        } else {
            &[(3, stride, width), (3, 1, width)]
        };
        let mut maps = input;
        for (number, &(kernel, stride, channels)) in (1..).zip(steps) {
            maps = graph.convolution(format!("{name}.conv{number}"), maps, kernel, stride, channels);
            maps = graph.batch_norm(format!("{name}.bn{number}"), maps);
            if number < steps.len() {
                maps = graph.relu(format!("{name}.relu{number}"), maps);
            }
        }
        let shortcut = self.shortcut(graph, input, maps, name, stride);
        let sum = graph.addition(format!("{name}.addition"), [maps, shortcut]);
        graph.relu(format!("{name}.relu"), sum)
    }

    /// The block's input in the shape of its output.
    fn shortcut(&self, graph: &mut GraphBuilder, input: NodeId, output: NodeId, name: &str, stride: usize) -> NodeId {
        let channels = graph.shape(output).channels;
        if stride == 1 && graph.shape(input).channels == channels {
            return input;
        }
        match self.shortcut {
            Shortcut::Projection => {
                let maps = graph.convolution(format!("{name}.downsample.0"), input, 1, stride, channels);
                graph.batch_norm(format!("{name}.downsample.1"), maps)
            }
            Shortcut::Padding => {
                let mut maps = input;
                if stride > 1 {
                    maps = graph.average_pool(format!("{name}.shortcut.subsampling"), maps, 1, stride, 0);
                }
                if graph.shape(maps).channels < channels {
                    maps = graph.zero_channels(format!("{name}.shortcut.padding"), maps, channels);
                }
                maps
            }
        }
    }
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<ResNet>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(ResNet::CIFAR);
    let bottleneck = options.flag("bottleneck").unwrap_or(base.bottleneck);
    let stem = options.word("stem")?.unwrap_or(base.stem);
    let block_layers = options.block_layers("stages", 20, preset_layers, |depth| {
        ResNet::block_layers_of_depth(depth, bottleneck)
    })?;
    // The stem decides between the paper's two settings.
    let usual = |stem| match stem {
        Stem::Cifar => (16, Shortcut::Padding),
        Stem::Imagenet => (64, Shortcut::Projection),
    };
    let ((channels, shortcut), (base_channels, base_shortcut)) = (usual(stem), usual(base.stem));
    let initial_channels = match options.count("initial-channels") {
        Some(channels) => channels,
        None if base.initial_channels == base_channels => channels,
        None => base.initial_channels,
    };
    let shortcut = match options.word("shortcut")? {
        Some(shortcut) => shortcut,
        None if base.shortcut == base_shortcut => shortcut,
        None => base.shortcut,
    };
    let network = ResNet {
        block_layers,
        bottleneck,
        initial_channels,
        stem,
        shortcut,
        initialization: options.word("initialization")?.unwrap_or(base.initialization),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

/// The networks by name, with what Table 6 prints for CIFAR-10: the paper's on CIFAR, and torchvision's.
fn named() -> Vec<(&'static str, ResNet, Option<f64>)> {
    let cifar = |blocks| ResNet {
        block_layers: vec![blocks; 3],
        ..ResNet::CIFAR
    };
    let imagenet = |block_layers: [usize; 4], bottleneck| ResNet {
        block_layers: block_layers.to_vec(),
        bottleneck,
        initial_channels: 64,
        stem: Stem::Imagenet,
        shortcut: Shortcut::Projection,
        ..ResNet::CIFAR
    };
    vec![
        ("resnet-20", cifar(3), Some(0.0875)),
        ("resnet-32", cifar(5), Some(0.0751)),
        ("resnet-44", cifar(7), Some(0.0717)),
        ("resnet-56", cifar(9), Some(0.0697)),
        ("resnet-110", cifar(18), Some(0.0661)),
        ("resnet-18", imagenet([2, 2, 2, 2], false), None),
        ("resnet-34", imagenet([3, 4, 6, 3], false), None),
        ("resnet-50", imagenet([3, 4, 6, 3], true), None),
        ("resnet-101", imagenet([3, 4, 23, 3], true), None),
        ("resnet-152", imagenet([3, 8, 36, 3], true), None),
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |(name, network, _): (&'static str, ResNet, _)| Preset {
        name,
        classes: network.stem.usual_classes(),
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
        remedy: "the paper's are 20, 32, 44, 56 and 110",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "Residual blocks in each stage, in place of `depth`.",
        remedy: "write one count a stage, such as [2, 2, 2, 2]",
    },
    KnownKey {
        key: "model.bottleneck",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a block is 1x1, 3x3, 1x1 to four times the channels, rather than two 3x3.",
        remedy: "true is for ResNet-50 and deeper",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`16`, or `64` with the imagenet stem",
        meaning: "Channels after the stem; each later stage has twice those of the one before.",
        remedy: "the paper's are 16 on CIFAR and 64 on ImageNet",
    },
    KnownKey {
        key: "model.stem",
        kind: Kind::Choice(&["cifar", "imagenet"]),
        default: "`\"cifar\"`",
        meaning: "`cifar`: 3x3 convolution, normalisation, ReLU. `imagenet`: 7x7 with stride 2, normalisation, ReLU, 3x3 max pooling with stride 2 and padding 1.",
        remedy: "\"cifar\" is for small images, \"imagenet\" for 224x224",
    },
    KnownKey {
        key: "model.shortcut",
        kind: Kind::Choice(&["projection", "padding"]),
        default: "`\"padding\"`, or `\"projection\"` with the imagenet stem",
        meaning: "What is added where shapes differ: `projection`: a 1x1 convolution and a normalisation (the paper's option B); `padding`: every second row and column, and channels of zeros (option A).",
        remedy: "the paper's are \"padding\" on CIFAR and \"projection\" on ImageNet",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "torchvision's ResNets have \"he-fan-out\"",
    },
];
