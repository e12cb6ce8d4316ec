//! DenseNet (Huang et al. 2017, arXiv 1608.06993): every layer of a dense block reads the feature maps of all before it.

use serde::{Deserialize, Serialize};

use super::densenet_names;
use crate::keys::{Kind, KnownKey, SHARE_BELOW_ONE, WIDEST, interval};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, LARGEST_WIDTH, Network,
    NetworkError, NodeId, Options, Preset, PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "densenet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<DenseNet>,
};

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

/// Counts above this are refused.
const LARGEST_COUNT: usize = WIDEST as usize;

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

    fn rules(&self) -> Result<(), NetworkError> {
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
        NetworkError::check_dropout(
            "dropout",
            self.dropout,
            "the paper's is 0.2 without augmentation and 0 with it",
        )?;
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
}

impl Network for DenseNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        self.rules()
    }

    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        let mut maps = self.stem(graph);
        let last = self.block_layers.len();
        for (block, &layers) in (1..).zip(&self.block_layers) {
            graph.segment(format!("denseblock{block}"));
            maps = self.dense_block(graph, maps, block, layers);
            maps = if block < last {
                self.check_pooling(graph, maps, block)?;
                self.transition(graph, maps, block)
            } else {
                self.head(graph, maps)
            };
        }
        graph.classifier("classifier", maps);
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
            growth_rate: Some(self.growth_rate),
            bottleneck: Some(self.bottleneck),
            compression: Some(self.compression),
            initial_channels: Some(self.initial_channels),
            dropout: Some(self.dropout),
        }
    }

    fn usual_side(&self) -> usize {
        self.stem.usual_side()
    }

    /// The paper's Table 2. Without augmentation its networks have dropout, and with it none (section 4.2).
    fn published(&self) -> Option<PublishedError> {
        let same = |network: &Self| {
            // The table's networks do not differ in these.
            Self {
                dropout: network.dropout,
                dropout_after: network.dropout_after,
                initialization: network.initialization,
                ..self.clone()
            } == *network
        };
        let (name, _) = named().into_iter().find(|(_, network)| same(network))?;
        let of = |table: &[(&str, [f64; 2])]| Some(table.iter().find(|row| row.0 == name)?.1);
        let has_papers_dropout = (self.dropout, self.dropout_after) == (PAPERS_DROPOUT, DropoutAfter::EveryConvolution);
        let augmented = of(&AUGMENTED)?;
        let plain = of(&PLAIN).filter(|_| has_papers_dropout);
        let augmented = (self.dropout == 0.0).then_some(augmented);
        Some(PublishedError {
            cifar10: plain.map(|[cifar10, _]| cifar10),
            cifar10_augmented: augmented.map(|[cifar10, _]| cifar10),
            cifar100: plain.map(|[_, cifar100]| cifar100),
            cifar100_augmented: augmented.map(|[_, cifar100]| cifar100),
            // Section 4.2.
            epochs: 300,
            batch_size: 64,
        })
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        densenet_names::FOREIGN_NAMES
    }
}

/// The layout, as the paper's sections 3 and 4 have it.
impl DenseNet {
    fn stem(&self, graph: &mut GraphBuilder) -> NodeId {
        graph.segment("stem");
        let images = graph.images();
        let (kernel, stride) = self.stem.convolution();
        let mut maps = graph.convolution("features.conv0", images, kernel, stride, self.initial_channels);
        // Without pre-activation no later layer normalises the stem's output, so it does so itself.
        if self.stem == Stem::Imagenet || self.order == Order::PostActivation {
            maps = graph.batch_norm("features.norm0", maps);
            maps = graph.relu("features.relu0", maps);
        }
        if self.stem == Stem::Imagenet {
            maps = graph.max_pool("features.pool0", maps, 3, 2, 1);
        }
        maps
    }

    /// Equation 2: layer l reads the concatenation of the maps of all layers before it.
    fn dense_block(&self, graph: &mut GraphBuilder, input: NodeId, block: usize, layers: usize) -> NodeId {
        let name = format!("features.denseblock{block}");
        graph.block(&name, layers, "dense layer", |graph| {
            (1..=layers).fold(input, |maps, layer| {
                let prefix = format!("{name}.denselayer{layer}");
                let mut new = maps;
                if self.bottleneck {
                    new = self.composite(graph, new, &prefix, "1", true, 1, self.bottleneck_channels());
                    new = self.composite(graph, new, &prefix, "2", true, 3, self.growth_rate);
                } else {
                    new = self.composite(graph, new, &prefix, "1", true, 3, self.growth_rate);
                }
                graph.concatenation(format!("{prefix}.concatenation"), &[maps, new])
            })
        })
    }

    fn transition(&self, graph: &mut GraphBuilder, maps: NodeId, number: usize) -> NodeId {
        let prefix = format!("features.transition{number}");
        let channels = self.compressed(graph.shape(maps).channels);
        let maps = self.composite(graph, maps, &prefix, "", self.transition_relu, 1, channels);
        graph.average_pool(format!("{prefix}.pool"), maps, 2, 2, 0)
    }

    fn head(&self, graph: &mut GraphBuilder, mut maps: NodeId) -> NodeId {
        if self.order == Order::PreActivation {
            maps = graph.batch_norm("features.norm5", maps);
            if self.final_relu {
                maps = graph.relu("features.relu5", maps);
            }
        }
        graph.global_average_pool("features.pool5", maps)
    }

    /// The composite function H of section 3: normalisation, ReLU and convolution in the network's order, then dropout.
    #[expect(
        clippy::too_many_arguments,
        reason = "a private step of the layout, called with its names and sizes"
    )]
    fn composite(
        &self,
        graph: &mut GraphBuilder,
        input: NodeId,
        prefix: &str,
        number: &str,
        relu: bool,
        kernel: usize,
        channels: usize,
    ) -> NodeId {
        let name = |part: &str| format!("{prefix}.{part}{number}");
        let activated = |graph: &mut GraphBuilder, maps| {
            let maps = graph.batch_norm(name("norm"), maps);
            if relu { graph.relu(name("relu"), maps) } else { maps }
        };
        let convolved = |graph: &mut GraphBuilder, maps| graph.convolution(name("conv"), maps, kernel, 1, channels);
        let maps = match self.order {
            Order::PreActivation => {
                let maps = activated(graph, input);
                convolved(graph, maps)
            }
            Order::PostActivation => {
                let maps = convolved(graph, input);
                activated(graph, maps)
            }
        };
        let is_dropped = self.dropout_after == DropoutAfter::EveryConvolution || kernel == 3;
        if self.dropout > 0.0 && is_dropped {
            return graph.dropout(name("drop"), maps, self.dropout);
        }
        maps
    }

    /// A transition's pooling needs two rows and columns.
    fn check_pooling(&self, graph: &GraphBuilder, maps: NodeId, transition: usize) -> Result<(), NetworkError> {
        let (input, maps) = (graph.input(), graph.shape(maps));
        if maps.height >= 2 && maps.width >= 2 {
            return Ok(());
        }
        let smallest = self.smallest_image();
        Err(NetworkError::new(
            "image-size",
            format!(
                "images of {}x{} are too small: transition {transition} would pool a {}x{} map by 2x2",
                input.height, input.width, maps.height, maps.width
            ),
            format!("this network needs at least {smallest}x{smallest}, or fewer blocks"),
        ))
    }

    /// The smallest side of a square image that every transition can still pool.
    fn smallest_image(&self) -> usize {
        let before_first_transition = 1usize << (self.block_layers.len() - 1).min(30);
        match self.stem {
            Stem::Cifar => before_first_transition,
            // Two halvings, each rounded up.
            Stem::Imagenet => 4 * (before_first_transition - 1) + 1,
        }
    }
}

/// A preset or a depth or block lengths, options over them, and defaults that follow from other options.
fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<DenseNet>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(DenseNet::BASIC);
    let growth_rate = options.count("growth-rate").unwrap_or(base.growth_rate);
    let bottleneck = options.flag("bottleneck").unwrap_or(base.bottleneck);
    let stem = options.word("stem")?.unwrap_or(base.stem);
    let block_layers = options.block_layers("blocks", 40, preset_layers, |depth| {
        DenseNet::block_layers_of_depth(depth, bottleneck)
    })?;
    let network = DenseNet {
        block_layers,
        growth_rate,
        bottleneck,
        bottleneck_width: options.count("bottleneck-width").unwrap_or(base.bottleneck_width),
        compression: options.number("compression").unwrap_or(base.compression),
        initial_channels: options.count("initial-channels").unwrap_or_else(|| {
            if base.initial_channels == usual_initial_channels(base.growth_rate, base.bottleneck) {
                usual_initial_channels(growth_rate, bottleneck)
            } else {
                base.initial_channels
            }
        }),
        stem,
        transition_relu: options.flag("transition-relu").unwrap_or(base.transition_relu),
        final_relu: options.flag("final-relu").unwrap_or(base.final_relu),
        order: options.word("order")?.unwrap_or(base.order),
        dropout: options.number("dropout").unwrap_or(base.dropout),
        dropout_after: options.word("dropout-after")?.unwrap_or(base.dropout_after),
        initialization: match options.word("initialization")? {
            Some(initialization) => initialization,
            None if base.initialization == usual_initialization(base.stem) => usual_initialization(stem),
            None => base.initialization,
        },
    };
    if network.order == Order::PostActivation && !network.final_relu {
        let given = options.flag("final-relu").is_some();
        return Err(NetworkError::new(
            if given { "final-relu" } else { "order" },
            "final-relu is false, but in post-activation order no normalisation and ReLU stand before the classifier",
            "write final-relu = true or order = \"pre-activation\"",
        ));
    }
    network.check()?;
    Ok(Architecture::new(network))
}

/// The paper's parameter counts come out with these alone.
fn usual_initial_channels(growth_rate: usize, bottleneck: bool) -> usize {
    if bottleneck { growth_rate.saturating_mul(2) } else { 16 }
}

/// The authors' CIFAR code and their ImageNet code differ.
fn usual_initialization(stem: Stem) -> Initialization {
    match stem {
        Stem::Cifar => Initialization::HeFanOut,
        Stem::Imagenet => Initialization::HeFanIn,
    }
}

/// The share that the paper's dropout sets to zero, without augmentation.
const PAPERS_DROPOUT: f64 = 0.2;

/// The paper's Table 2, shares of wrong test images: C10+ and C100+, with augmentation and without dropout.
const AUGMENTED: [(&str, [f64; 2]); 6] = [
    ("densenet-40-12", [0.0524, 0.2442]),
    ("densenet-100-12", [0.0410, 0.2020]),
    ("densenet-100-24", [0.0374, 0.1925]),
    ("densenet-bc-100-12", [0.0451, 0.2227]),
    ("densenet-bc-250-24", [0.0362, 0.1760]),
    ("densenet-bc-190-40", [0.0346, 0.1718]),
];

/// C10 and C100, without augmentation and with dropout.
const PLAIN: [(&str, [f64; 2]); 5] = [
    ("densenet-40-12", [0.0700, 0.2755]),
    ("densenet-100-12", [0.0577, 0.2379]),
    ("densenet-100-24", [0.0583, 0.2342]),
    ("densenet-bc-100-12", [0.0592, 0.2415]),
    ("densenet-bc-250-24", [0.0519, 0.1964]),
];

/// The networks by name: the paper's, torchvision's and the article's.
fn named() -> Vec<(&'static str, DenseNet)> {
    let basic = |layers, growth_rate| DenseNet {
        growth_rate,
        block_layers: vec![layers; 3],
        ..DenseNet::BASIC
    };
    let compressed = |layers, growth_rate| DenseNet {
        bottleneck: true,
        compression: 0.5,
        initial_channels: 2 * growth_rate,
        ..basic(layers, growth_rate)
    };
    let imagenet = |block_layers: [usize; 4], growth_rate| DenseNet {
        block_layers: block_layers.to_vec(),
        stem: Stem::Imagenet,
        initialization: Initialization::HeFanIn,
        ..compressed(0, growth_rate)
    };
    vec![
        ("densenet-40-12", basic(12, 12)),
        ("densenet-100-12", basic(32, 12)),
        ("densenet-100-24", basic(32, 24)),
        ("densenet-bc-100-12", compressed(16, 12)),
        ("densenet-bc-250-24", compressed(41, 24)),
        ("densenet-bc-190-40", compressed(31, 40)),
        ("densenet-121", imagenet([6, 12, 24, 16], 32)),
        ("densenet-161", imagenet([6, 12, 36, 24], 48)),
        ("densenet-169", imagenet([6, 12, 32, 32], 32)),
        ("densenet-201", imagenet([6, 12, 48, 32], 32)),
        ("densenet-264", imagenet([6, 12, 64, 48], 32)),
        ("article", DenseNet::article()),
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |(name, network): (&'static str, DenseNet)| Preset {
        name,
        classes: if name == "article" {
            40
        } else {
            network.stem.usual_classes()
        },
        network: Architecture::new(network),
    };
    named().into_iter().map(preset).collect()
}

const KEYS: &[KnownKey] = &[
    KnownKey {
        key: "model.depth",
        kind: Kind::Count(1, WIDEST),
        default: "one of three",
        meaning: "The paper's depth L, which makes three equal blocks: `3 * n + 4`, or `6 * n + 4` with a bottleneck.",
        remedy: "the paper's are 40, 100, 190 and 250",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "Dense layers in each dense block, in place of `depth`.",
        remedy: "write one count a block, such as [12, 12, 12]",
    },
    KnownKey {
        key: "model.growth-rate",
        kind: Kind::Count(1, WIDEST),
        default: "`12`",
        meaning: "k: the channels that each dense layer adds.",
        remedy: "the paper's are 12, 24, 32, 40 and 48",
    },
    KnownKey {
        key: "model.bottleneck",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a 1x1 convolution to `bottleneck-width * growth-rate` channels stands before each 3x3.",
        remedy: "true is the paper's DenseNet-B",
    },
    KnownKey {
        key: "model.bottleneck-width",
        kind: Kind::Count(1, WIDEST),
        default: "`4`",
        meaning: "The bottleneck's channels as a multiple of the growth rate; without effect where `bottleneck` is false.",
        remedy: "the paper's is 4",
    },
    KnownKey {
        key: "model.compression",
        kind: Kind::Number(interval(0.0, false, 1.0, true)),
        default: "`1.0`",
        meaning: "A transition keeps `floor(compression * channels)` channels.",
        remedy: "1.0 compresses nothing, the paper's DenseNet-C has 0.5",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`16`, or `2 * growth-rate` with a bottleneck",
        meaning: "Channels after the stem.",
        remedy: "the paper's are 16 and 2 * growth-rate",
    },
    KnownKey {
        key: "model.stem",
        kind: Kind::Choice(&["cifar", "imagenet"]),
        default: "`\"cifar\"`",
        meaning: "`cifar`: a 3x3 convolution. `imagenet`: 7x7 with stride 2, normalisation, ReLU, 3x3 max pooling with stride 2 and padding 1.",
        remedy: "\"cifar\" is for small images, \"imagenet\" for 224x224",
    },
    KnownKey {
        key: "model.transition-relu",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether a ReLU follows the normalisation of each transition.",
        remedy: "only the article's network has false",
    },
    KnownKey {
        key: "model.final-relu",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether a ReLU follows the last normalisation.",
        remedy: "only the article's network has false",
    },
    KnownKey {
        key: "model.order",
        kind: Kind::Choice(&["pre-activation", "post-activation"]),
        default: "`\"pre-activation\"`",
        meaning: "Normalisation, ReLU, convolution; or convolution, normalisation, ReLU, with the stem and the head to match.",
        remedy: "the paper's is \"pre-activation\"",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.0`",
        meaning: "The share of values that dropout sets to zero while training.",
        remedy: "the paper's is 0.2 without augmentation and 0 with it",
    },
    KnownKey {
        key: "model.dropout-after",
        kind: Kind::Choice(&["every-convolution", "3x3"]),
        default: "`\"every-convolution\"`",
        meaning: "Dropout after every convolution of dense layers and transitions, or after the dense layers' 3x3 alone; without effect where `dropout` is 0.",
        remedy: "the authors' code has \"every-convolution\", torchvision \"3x3\"",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`, or `\"he-fan-in\"` with the imagenet stem",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "the authors' CIFAR code has \"he-fan-out\", torchvision \"he-fan-in\"",
    },
];
