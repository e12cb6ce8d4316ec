//! Wide ResNet (Zagoruyko & Komodakis 2016, arXiv 1605.07146): few blocks in pre-activation order, many times as wide.

use serde::{Deserialize, Serialize};

use super::pre_activation::{self, Block, Convolution};
use super::stages;
use crate::keys::{Kind, KnownKey, SHARE_BELOW_ONE, WIDEST};
use crate::network::foreign_names::numbered;
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, Network, NetworkError, Options,
    Preset, PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "wide-resnet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<WideResNet>,
};

/// The share that the paper's dropout sets to zero on CIFAR (section 3.4).
const PAPERS_DROPOUT: f64 = 0.3;

/// A Wide ResNet, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WideResNet {
    /// Blocks of two 3x3 convolutions in each stage; every stage but the first halves height and width, and doubles the
    /// channels.
    pub block_layers: Vec<usize>,
    /// The paper's k: the first stage has this many times the stem's channels.
    pub widening_factor: usize,
    /// Channels after the stem.
    pub initial_channels: usize,
    /// The share of values that dropout between a block's convolutions sets to zero; 0 builds no dropout.
    pub dropout: f64,
    /// The fan of He initialisation.
    pub initialization: Initialization,
}

impl WideResNet {
    /// The paper's widest network without its blocks: the ablation format's defaults for this family.
    pub const PAPERS: Self = Self {
        block_layers: Vec::new(),
        widening_factor: 10,
        initial_channels: 16,
        dropout: 0.0,
        initialization: Initialization::HeFanOut,
    };

    /// Channels of a stage, counted from 0.
    fn width(&self, stage: usize) -> usize {
        (self.initial_channels * self.widening_factor) << stage
    }
}

impl Network for WideResNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        if self.widening_factor == 0 {
            return Err(NetworkError::new(
                "widening-factor",
                "widening-factor is 0; it must be at least 1",
                "the paper's are from 1 to 12",
            ));
        }
        NetworkError::check_dropout("dropout", self.dropout, "the paper's is 0.3")?;
        let channels = self.initial_channels.saturating_mul(self.widening_factor);
        stages::check(&self.block_layers, self.initial_channels, channels)
    }

    /// Table 1, with blocks B(3,3).
    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        pre_activation::lay_out(graph, self.initial_channels, &self.block_layers, |stage, _, stride| {
            let convolution = |stride| Convolution {
                kernel: 3,
                stride,
                channels: self.width(stage),
            };
            Block {
                convolutions: vec![convolution(stride), convolution(1)],
                activated: false,
                dropout: self.dropout,
            }
        });
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
        Stem::Cifar.usual_side()
    }

    /// Table 5 for WRN-28-10, and Table 6 with dropout: medians of five runs.
    fn published(&self) -> Option<PublishedError> {
        let papers = Self {
            block_layers: vec![4; 3],
            dropout: self.dropout,
            initialization: self.initialization,
            ..Self::PAPERS
        };
        let (cifar10, cifar100) = match self.dropout {
            _ if *self != papers => return None,
            0.0 => (0.0400, 0.1925),
            PAPERS_DROPOUT => (0.0389, 0.1885),
            _ => return None,
        };
        Some(PublishedError {
            cifar10_augmented: Some(cifar10),
            cifar100_augmented: Some(cifar100),
            epochs: 200,
            batch_size: 128,
            ..PublishedError::default()
        })
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        FOREIGN_NAMES
    }
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<WideResNet>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(WideResNet::PAPERS);
    let network = WideResNet {
        // Section 3: of 6 n + 4 convolutions one is the stem's and three are the shortcuts'.
        block_layers: options.block_layers("stages", 28, preset_layers, |depth| {
            stages::block_layers_of_depth(depth, 6, 4)
        })?,
        widening_factor: options.count("widening-factor").unwrap_or(base.widening_factor),
        initial_channels: options.count("initial-channels").unwrap_or(base.initial_channels),
        dropout: options.number("dropout").unwrap_or(base.dropout),
        initialization: options.word("initialization")?.unwrap_or(base.initialization),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

/// The networks of Table 5.
fn presets() -> Vec<Preset> {
    let preset = |name, blocks, widening_factor| Preset {
        name,
        classes: Stem::Cifar.usual_classes(),
        network: Architecture::new(WideResNet {
            block_layers: vec![blocks; 3],
            widening_factor,
            ..WideResNet::PAPERS
        }),
    };
    vec![
        preset("wide-resnet-40-4", 6, 4),
        preset("wide-resnet-16-8", 2, 8),
        preset("wide-resnet-28-10", 4, 10),
    ]
}

const FOREIGN_NAMES: &[ForeignNames] = &[ForeignNames {
    of: "xternalz's WideResNet-pytorch",
    here: of_xternalz,
    differs: None,
}];

/// `block1.layer.0.convShortcut` for `layer1.0.downsample.0`, and `bn1` for `norm`.
fn of_xternalz(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("bn1.") {
        return Some(format!("norm.{rest}"));
    }
    let (stage, rest) = numbered(name, "block", ".layer.")?;
    Some(format!("layer{stage}.{}", rest.replace("convShortcut", "downsample.0")))
}

const KEYS: &[KnownKey] = &[
    KnownKey {
        key: "model.depth",
        kind: Kind::Count(1, WIDEST),
        default: "one of three",
        meaning: "The paper's d, `6 * n + 4`, which makes three stages of `n` blocks.",
        remedy: "the paper's are 16, 22, 28 and 40",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "Blocks of two 3x3 convolutions in each stage, in place of `depth`.",
        remedy: "write one count a stage, such as [4, 4, 4]",
    },
    KnownKey {
        key: "model.widening-factor",
        kind: Kind::Count(1, WIDEST),
        default: "`10`",
        meaning: "The paper's k: the first stage has this many times the stem's channels, each later stage twice those of the one before.",
        remedy: "the paper's are from 1 to 12",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`16`",
        meaning: "Channels after the stem.",
        remedy: "the paper's are 16",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.0`",
        meaning: "The share of values that dropout between the convolutions of a block sets to zero while training.",
        remedy: "the paper's is 0.3",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "the authors' code has \"he-fan-out\"",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Shape;

    #[test]
    fn the_networks_have_as_many_parameters_as_table_5_prints() {
        let millions = |name: &str| {
            let network = presets()
                .into_iter()
                .find(|preset| preset.name == name)
                .unwrap()
                .network;
            let graph = network.graph(Shape::square(3, 32), 10).unwrap();
            (graph.parameters() as f64 / 1e5).round() / 10.0
        };
        assert_eq!(millions("wide-resnet-40-4"), 8.9);
        assert_eq!(millions("wide-resnet-16-8"), 11.0);
        assert_eq!(millions("wide-resnet-28-10"), 36.5);
    }

    #[test]
    fn blocks_shortcuts_and_the_last_norm_are_renamed() {
        for (theirs, ours) in [
            (
                "block2.layer.0.convShortcut.weight",
                Some("layer2.0.downsample.0.weight"),
            ),
            ("block1.layer.3.bn1.running_mean", Some("layer1.3.bn1.running_mean")),
            ("bn1.bias", Some("norm.bias")),
            ("conv1.weight", None),
            ("layer1.0.bn1.bias", None),
        ] {
            assert_eq!(of_xternalz(theirs).as_deref(), ours);
        }
    }
}
