//! VGG (Simonyan & Zisserman 2015, arXiv 1409.1556): 3x3 convolutions one behind the other, as torchvision has them.

use serde::{Deserialize, Serialize};

use crate::keys::{Kind, KnownKey, SHARE_BELOW_ONE, WIDEST};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, LARGEST_WIDTH, Network,
    NetworkError, NodeId, Options, Preset, PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "vgg",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<Vgg>,
};

/// The widest stage has this many times the channels of the first.
const WIDENING: usize = 8;

/// The side to which the last maps are pooled, whatever the images are.
const POOLED_SIDE: usize = 7;

/// The standard deviation of the linear layers' weights (section 3.1, and torchvision).
const LINEAR_DEVIATION: f64 = 0.01;

/// A VGG, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vgg {
    /// 3x3 convolutions in each stage, which ends with a max pooling that halves height and width.
    pub block_layers: Vec<usize>,
    /// Whether a normalisation stands between each convolution and its ReLU.
    pub batch_norm: bool,
    /// Channels of the first stage; each later one has twice as many, up to eight times.
    pub initial_channels: usize,
    /// Values of each of the two hidden linear layers.
    pub classifier_width: usize,
    /// The share of values that dropout behind the hidden linear layers sets to zero; 0 builds no dropout.
    pub dropout: f64,
    /// The fan of He initialisation of the convolutions.
    pub initialization: Initialization,
}

impl Vgg {
    /// Table 1 without its stages: the ablation format's defaults for this family.
    pub const PAPERS: Self = Self {
        block_layers: Vec::new(),
        batch_norm: false,
        initial_channels: 64,
        classifier_width: 4096,
        dropout: 0.5,
        initialization: Initialization::HeFanOut,
    };

    /// Channels of a stage, counted from 0.
    fn width(&self, stage: usize) -> usize {
        self.initial_channels << stage.min(WIDENING.ilog2() as usize)
    }
}

impl Network for Vgg {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        let total: usize = self.block_layers.iter().fold(0, |sum, &n| sum.saturating_add(n));
        if total == 0 || self.block_layers.contains(&0) || total > WIDEST as usize {
            return Err(NetworkError::new(
                "block-layers",
                format!(
                    "block-layers is {:?}; a VGG has at least 1 stage of at least 1 convolution, and at most {WIDEST} \
                     convolutions together",
                    self.block_layers
                ),
                "write one count a stage, such as [1, 1, 2, 2, 2]",
            ));
        }
        let widest = self
            .initial_channels
            .saturating_mul(WIDENING * POOLED_SIDE * POOLED_SIDE);
        if self.initial_channels == 0 || widest > LARGEST_WIDTH {
            return Err(NetworkError::new(
                "initial-channels",
                format!(
                    "initial-channels is {}, and the linear layers would read up to {widest} values; it must be at least \
                     1, and at most {LARGEST_WIDTH} values can be read",
                    self.initial_channels
                ),
                "the paper's are 64",
            ));
        }
        if self.classifier_width == 0 || self.classifier_width > WIDEST as usize {
            return Err(NetworkError::new(
                "classifier-width",
                format!(
                    "classifier-width is {}; it must be from 1 to {WIDEST}",
                    self.classifier_width
                ),
                "the paper's is 4096",
            ));
        }
        NetworkError::check_dropout("dropout", self.dropout, "the paper's is 0.5")
    }

    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        let mut layer = 0;
        let mut maps = graph.images();
        for (stage, &convolutions) in self.block_layers.iter().enumerate() {
            graph.segment(format!("stage{}", stage + 1));
            for _ in 0..convolutions {
                maps = self.convolution(graph, &mut layer, maps, self.width(stage));
            }
            let side = graph.shape(maps).height.min(graph.shape(maps).width);
            if side < 2 {
                return Err(self.too_small(graph, stage));
            }
            maps = graph.max_pool(format!("features.{layer}"), maps, 2, 2, 0);
            layer += 1;
        }
        maps = graph.adaptive_average_pool("avgpool", maps, POOLED_SIDE);
        self.classifier(graph, maps);
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
            initial_channels: Some(self.initial_channels),
            dropout: Some(self.dropout),
            ..FamilyColumns::default()
        }
    }

    fn usual_side(&self) -> usize {
        Stem::Imagenet.usual_side()
    }

    /// The paper has no network on CIFAR.
    fn published(&self) -> Option<PublishedError> {
        None
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        &[]
    }
}

/// The layout, with torchvision's names: each module of `features` and `classifier` has its place as its name.
impl Vgg {
    fn convolution(&self, graph: &mut GraphBuilder, layer: &mut usize, input: NodeId, channels: usize) -> NodeId {
        let mut name = || {
            let name = format!("features.{layer}");
            *layer += 1;
            name
        };
        let mut maps = graph.biased_convolution(name(), input, 3, 1, channels);
        if self.batch_norm {
            maps = graph.batch_norm(name(), maps);
        }
        graph.relu(name(), maps)
    }

    fn classifier(&self, graph: &mut GraphBuilder, maps: NodeId) {
        graph.segment("classifier");
        let mut values = graph.flatten("flatten", maps);
        for place in [0, 3] {
            values = graph.linear(format!("classifier.{place}"), values, self.classifier_width);
            graph.draw_with(values, LINEAR_DEVIATION);
            values = graph.relu(format!("classifier.{}", place + 1), values);
            if self.dropout > 0.0 {
                values = graph.dropout(format!("classifier.{}", place + 2), values, self.dropout);
            }
        }
        let logits = graph.linear("classifier.6", values, graph.classes());
        graph.draw_with(logits, LINEAR_DEVIATION);
    }

    fn too_small(&self, graph: &GraphBuilder, stage: usize) -> NetworkError {
        let (input, stages) = (graph.input(), self.block_layers.len());
        // Checked: each stage halves the sides.
        let least = 1usize.checked_shl(stages as u32).unwrap_or(usize::MAX);
        NetworkError::new(
            "image-size",
            format!(
                "images of {}x{} are too small: stage {} would pool a map of one row or column by 2x2",
                input.height,
                input.width,
                stage + 1
            ),
            format!("this network needs at least {least}x{least}, or fewer stages"),
        )
    }
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<Vgg>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(Vgg::PAPERS);
    let network = Vgg {
        block_layers: options.block_layers("stages", 11, preset_layers, block_layers_of_depth)?,
        batch_norm: options.flag("batch-norm").unwrap_or(base.batch_norm),
        initial_channels: options.count("initial-channels").unwrap_or(base.initial_channels),
        classifier_width: options.count("classifier-width").unwrap_or(base.classifier_width),
        dropout: options.number("dropout").unwrap_or(base.dropout),
        initialization: options.word("initialization")?.unwrap_or(base.initialization),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

/// Table 1: networks A, B, D and E by their depth, which counts the three linear layers.
const DEPTHS: [(usize, [usize; 5]); 4] = [
    (11, [1, 1, 2, 2, 2]),
    (13, [2, 2, 2, 2, 2]),
    (16, [2, 2, 3, 3, 3]),
    (19, [2, 2, 4, 4, 4]),
];

fn block_layers_of_depth(depth: usize) -> Result<Vec<usize>, NetworkError> {
    let network = DEPTHS.iter().find(|(other, _)| *other == depth);
    network.map(|(_, block_layers)| block_layers.to_vec()).ok_or_else(|| {
        NetworkError::new(
            "depth",
            format!("depth is {depth}; the paper's networks have 11, 13, 16 or 19 layers"),
            "choose one of these, or give block-layers",
        )
    })
}

fn presets() -> Vec<Preset> {
    let names = [
        ("vgg-11", "vgg-11-bn"),
        ("vgg-13", "vgg-13-bn"),
        ("vgg-16", "vgg-16-bn"),
        ("vgg-19", "vgg-19-bn"),
    ];
    let preset = |name, block_layers: [usize; 5], batch_norm| Preset {
        name,
        classes: Stem::Imagenet.usual_classes(),
        network: Architecture::new(Vgg {
            block_layers: block_layers.to_vec(),
            batch_norm,
            ..Vgg::PAPERS
        }),
    };
    let pair = |((plain, normalised), (_, block_layers)): ((&'static str, &'static str), (usize, [usize; 5]))| {
        [
            preset(plain, block_layers, false),
            preset(normalised, block_layers, true),
        ]
    };
    names.into_iter().zip(DEPTHS).flat_map(pair).collect()
}

const KEYS: &[KnownKey] = &[
    KnownKey {
        key: "model.depth",
        kind: Kind::Count(1, WIDEST),
        default: "one of three",
        meaning: "Convolutions and linear layers of one of the paper's networks: 11, 13, 16 or 19.",
        remedy: "the paper's are 11, 13, 16 and 19",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "3x3 convolutions in each stage, in place of `depth`; a max pooling ends each.",
        remedy: "write one count a stage, such as [1, 1, 2, 2, 2]",
    },
    KnownKey {
        key: "model.batch-norm",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a normalisation stands between each convolution and its ReLU.",
        remedy: "true is for torchvision's vgg-11-bn and the like",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`64`",
        meaning: "Channels of the first stage; each later one has twice as many, up to eight times.",
        remedy: "the paper's are 64",
    },
    KnownKey {
        key: "model.classifier-width",
        kind: Kind::Count(1, WIDEST),
        default: "`4096`",
        meaning: "Values of each of the two hidden linear layers.",
        remedy: "the paper's is 4096",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.5`",
        meaning: "The share of values behind each hidden linear layer that dropout sets to zero while training.",
        remedy: "the paper's is 0.5",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "torchvision's VGGs have \"he-fan-out\"",
    },
];
