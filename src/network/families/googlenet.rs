//! GoogLeNet (Szegedy et al. 2015, arXiv 1409.4842): branches of several window sizes side by side, as torchvision has it.
//!
//! torchvision's network has batch normalisation, which the paper's has not, and 3x3 windows in the branch of the 5x5.

use serde::{Deserialize, Serialize};

use super::inception::{self, Convolution};
use crate::keys::{Kind, KnownKey, SHARE_BELOW_ONE};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Network, NetworkError, NodeId, Options, Preset,
    PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "googlenet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<GoogLeNet>,
};

/// The standard deviation of all weights. torchvision draws them again where they are beyond 2, which none ever is.
const DEVIATION: f64 = 0.01;

/// What the loss of each auxiliary head is multiplied by (section 5).
const HEAD_WEIGHT: f64 = 0.3;

/// The side to which an auxiliary head pools its maps, whatever the images are.
const HEAD_SIDE: usize = 4;

/// The least side of images: the third pooling then reads maps of two rows and columns.
const LEAST_SIDE: usize = 15;

/// Table 1, with an auxiliary head behind some blocks: the name, and the channels of the branches.
const BLOCKS: [(&str, Block); 9] = [
    ("3a", Block([64, 96, 128, 16, 32, 32])),
    ("3b", Block([128, 128, 192, 32, 96, 64])),
    ("4a", Block([192, 96, 208, 16, 48, 64])),
    ("4b", Block([160, 112, 224, 24, 64, 64])),
    ("4c", Block([128, 128, 256, 24, 64, 64])),
    ("4d", Block([112, 144, 288, 32, 64, 64])),
    ("4e", Block([256, 160, 320, 32, 128, 128])),
    ("5a", Block([256, 160, 320, 32, 128, 128])),
    ("5b", Block([384, 192, 384, 48, 128, 128])),
];

/// The channels of an Inception block: of its 1x1 branch; of the 3x3 branch after its 1x1 and in the end; of the second
/// 3x3 branch likewise; and of the branch behind a pooling.
#[derive(Clone, Copy, Debug)]
struct Block([usize; 6]);

/// A GoogLeNet, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogLeNet {
    /// What every layer's channels are multiplied by, rounded down.
    pub width_multiplier: f64,
    /// Whether two classifiers read maps from the middle of the network while training.
    pub auxiliary_heads: bool,
    /// The share of values before the classifier that dropout sets to zero; 0 builds no dropout.
    pub dropout: f64,
    /// The same in the auxiliary heads.
    pub auxiliary_dropout: f64,
}

impl GoogLeNet {
    /// torchvision's network: the ablation format's defaults for this family.
    pub const TORCHVISIONS: Self = Self {
        width_multiplier: 1.0,
        auxiliary_heads: true,
        dropout: 0.2,
        auxiliary_dropout: 0.7,
    };

    /// The same without auxiliary heads: the preset, and the ablation format's defaults for this family.
    pub const WITHOUT_HEADS: Self = Self {
        auxiliary_heads: false,
        ..Self::TORCHVISIONS
    };

    fn width(&self, channels: usize) -> usize {
        inception::scaled(channels, self.width_multiplier)
    }
}

impl Network for GoogLeNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        inception::check_multiplier(self.width_multiplier)?;
        NetworkError::check_dropout("dropout", self.dropout, "torchvision's is 0.2")?;
        NetworkError::check_dropout("auxiliary-dropout", self.auxiliary_dropout, "the paper's is 0.7")
    }

    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        graph.epsilon(inception::EPSILON);
        let mut maps = self.stem(graph)?;
        for (name, block) in BLOCKS {
            graph.segment_behind(maps, format!("inception{name}"));
            maps = self.inception_block(graph, &format!("inception{name}"), maps, block);
            match name {
                "3b" => maps = pooled(graph, "maxpool3", maps, 3)?,
                "4a" if self.auxiliary_heads => self.auxiliary_head(graph, "aux1", maps),
                "4d" if self.auxiliary_heads => self.auxiliary_head(graph, "aux2", maps),
                "4e" => maps = pooled(graph, "maxpool4", maps, 2)?,
                _ => {}
            }
        }
        let mut values = graph.global_average_pool("avgpool", maps);
        graph.segment("classifier");
        if self.dropout > 0.0 {
            values = graph.dropout("dropout", values, self.dropout);
        }
        let logits = graph.linear("fc", values, graph.classes());
        graph.draw_with(logits, DEVIATION);
        Ok(())
    }

    fn options(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn columns(&self) -> FamilyColumns {
        FamilyColumns {
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

/// The layout, with torchvision's names.
impl GoogLeNet {
    fn stem(&self, graph: &mut GraphBuilder) -> Result<NodeId, NetworkError> {
        graph.segment("stem");
        let images = graph.images();
        let first = Convolution::square(7, self.width(64)).halving();
        let maps = first.lay_out(graph, "conv1", images, DEVIATION);
        let maps = pooled(graph, "maxpool1", maps, 3)?;
        let maps = Convolution::square(1, self.width(64)).lay_out(graph, "conv2", maps, DEVIATION);
        let maps = Convolution::square(3, self.width(192)).lay_out(graph, "conv3", maps, DEVIATION);
        pooled(graph, "maxpool2", maps, 3)
    }

    /// Figure 2b, whose 5x5 windows are torchvision's 3x3.
    fn inception_block(&self, graph: &mut GraphBuilder, name: &str, input: NodeId, block: Block) -> NodeId {
        let [only, narrow, wide, narrow_second, wide_second, behind_pool] =
            block.0.map(|channels| self.width(channels));
        graph.block(name, 4, "parallel path", |graph| {
            let convolve = |graph: &mut GraphBuilder, branch: &str, input, kernel, channels| {
                let name = format!("{name}.{branch}");
                Convolution::square(kernel, channels).lay_out(graph, &name, input, DEVIATION)
            };
            let first = convolve(graph, "branch1", input, 1, only);
            let reduced = convolve(graph, "branch2.0", input, 1, narrow);
            let second = convolve(graph, "branch2.1", reduced, 3, wide);
            let reduced = convolve(graph, "branch3.0", input, 1, narrow_second);
            let third = convolve(graph, "branch3.1", reduced, 3, wide_second);
            let largest = graph.max_pool(format!("{name}.branch4.0"), input, 3, 1, 1);
            let fourth = convolve(graph, "branch4.1", largest, 1, behind_pool);
            graph.concatenation(format!("{name}.concatenation"), &[first, second, third, fourth])
        })
    }

    /// Section 5: maps pooled to 4x4, a 1x1 convolution and two linear layers.
    fn auxiliary_head(&self, graph: &mut GraphBuilder, name: &str, input: NodeId) {
        graph.auxiliary_head(name, 3, HEAD_WEIGHT, |graph| {
            graph.segment_behind(input, name);
            let maps = graph.adaptive_average_pool(format!("{name}.avgpool"), input, HEAD_SIDE);
            let convolution = Convolution::square(1, self.width(128));
            let maps = convolution.lay_out(graph, &format!("{name}.conv"), maps, DEVIATION);
            graph.segment(format!("{name}.classifier"));
            let values = graph.flatten(format!("{name}.flatten"), maps);
            let hidden = graph.linear(format!("{name}.fc1"), values, self.width(1024));
            graph.draw_with(hidden, DEVIATION);
            let mut hidden = graph.relu(format!("{name}.relu"), hidden);
            if self.auxiliary_dropout > 0.0 {
                hidden = graph.dropout(format!("{name}.dropout"), hidden, self.auxiliary_dropout);
            }
            let logits = graph.linear(format!("{name}.fc2"), hidden, graph.classes());
            graph.draw_with(logits, DEVIATION);
            logits
        });
    }
}

/// Max pooling with stride 2, which images must be large enough for.
fn pooled(graph: &mut GraphBuilder, name: &str, maps: NodeId, kernel: usize) -> Result<NodeId, NetworkError> {
    let pooled = graph.max_pool_to_the_end(name, maps, kernel, 2);
    inception::check_size(graph, pooled, name, LEAST_SIDE, "")?;
    Ok(pooled)
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `presets`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<GoogLeNet>(preset.options()).ok());
    let base = preset.unwrap_or(GoogLeNet::WITHOUT_HEADS);
    let network = GoogLeNet {
        width_multiplier: options.number("width-multiplier").unwrap_or(base.width_multiplier),
        auxiliary_heads: options.flag("auxiliary-heads").unwrap_or(base.auxiliary_heads),
        dropout: options.number("dropout").unwrap_or(base.dropout),
        auxiliary_dropout: options.number("auxiliary-dropout").unwrap_or(base.auxiliary_dropout),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

fn presets() -> Vec<Preset> {
    vec![Preset {
        name: "googlenet",
        classes: Stem::Imagenet.usual_classes(),
        network: Architecture::new(GoogLeNet::WITHOUT_HEADS),
    }]
}

const KEYS: &[KnownKey] = &[
    inception::WIDTH_MULTIPLIER,
    KnownKey {
        key: "model.auxiliary-heads",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether two classifiers read maps from the middle of the network while training; 0.3 times the loss of each is added.",
        remedy: "true is the network as its paper trains it",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.2`",
        meaning: "The share of values before the classifier that dropout sets to zero while training.",
        remedy: "torchvision's is 0.2",
    },
    KnownKey {
        key: "model.auxiliary-dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.7`",
        meaning: "The same in the auxiliary heads, between their linear layers.",
        remedy: "the paper's is 0.7",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Shape;

    fn graph(network: &GoogLeNet, side: usize) -> Result<crate::network::Graph, NetworkError> {
        network.graph(Shape::square(3, side), 1000)
    }

    #[test]
    fn parameters_and_multiply_accumulates_are_torchvisions() {
        // torchvision 0.24.0; the multiply-accumulates are those of evaluation.
        let with = graph(&GoogLeNet::TORCHVISIONS, 224).unwrap();
        let without = graph(&GoogLeNet::WITHOUT_HEADS, 224).unwrap();
        assert_eq!((with.parameters(), without.parameters()), (13_004_888, 6_624_904));
        assert_eq!(with.macs(), without.macs());
        assert_eq!((with.depth(), with.auxiliary.len()), (22, 2));
    }

    #[test]
    fn the_smallest_images_are_those_that_the_message_names() {
        let network = GoogLeNet::TORCHVISIONS;
        assert!(graph(&network, LEAST_SIDE).is_ok());
        let error = graph(&network, LEAST_SIDE - 1).unwrap_err();
        assert_eq!(error.option, "image-size");
        assert_eq!(
            error.to_string(),
            "images of 14x14 are too small: maxpool3 would leave nothing of its maps; this network needs at least 15x15"
        );
    }

    #[test]
    fn evaluation_leaves_the_heads_out_and_training_counts_them() {
        let with = graph(&GoogLeNet::TORCHVISIONS, 64).unwrap();
        let without = graph(&GoogLeNet::WITHOUT_HEADS, 64).unwrap();
        assert_eq!(with.evaluation_work(2), without.evaluation_work(2));
        assert!(with.training_work(2).flops > without.training_work(2).flops);
    }
}
