//! Inception-v3 (Szegedy et al. 2016, arXiv 1512.00567): windows of n x n as 1 x n and n x 1, as torchvision has it.

use serde::{Deserialize, Serialize};

use super::inception::{self, Convolution};
use crate::keys::{Kind, KnownKey, SHARE_BELOW_ONE};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Network, NetworkError, NodeId, Options, Preset,
    PublishedError, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "inception-v3",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<InceptionV3>,
};

/// The standard deviation of most weights. torchvision draws them again where they are beyond 2, which none ever is.
const DEVIATION: f64 = 0.1;

/// Those of the auxiliary head's 5x5 convolution and of its matrix. torchvision names the first too, but where no weights
/// are: what it draws there has that of the others.
const HEAD_DEVIATIONS: [f64; 2] = [0.01, 0.001];

/// What the loss of the auxiliary head is multiplied by.
const HEAD_WEIGHT: f64 = 0.4;

/// The side of the images that the network was made for, and the least one that its auxiliary head takes.
const SIDE: usize = 299;

/// The least side of images without the auxiliary head.
const LEAST_SIDE: usize = 75;

/// An Inception-v3, but for the image shape and the number of classes, which belong to the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InceptionV3 {
    /// What every layer's channels are multiplied by, rounded down.
    pub width_multiplier: f64,
    /// Whether a classifier reads maps from the middle of the network while training.
    pub auxiliary_heads: bool,
    /// The share of values before the classifier that dropout sets to zero; 0 builds no dropout.
    pub dropout: f64,
}

impl InceptionV3 {
    /// torchvision's network: the ablation format's defaults for this family.
    pub const TORCHVISIONS: Self = Self {
        width_multiplier: 1.0,
        auxiliary_heads: true,
        dropout: 0.5,
    };

    /// The same without auxiliary head: the preset, and the ablation format's defaults for this family.
    pub const WITHOUT_HEAD: Self = Self {
        auxiliary_heads: false,
        ..Self::TORCHVISIONS
    };

    /// A convolution whose padding keeps the sides.
    fn same(&self, kernel: [usize; 2], channels: usize) -> Convolution {
        Convolution::rectangular(kernel, inception::scaled(channels, self.width_multiplier))
    }

    /// A square convolution without padding.
    fn unpadded(&self, kernel: usize, stride: usize, channels: usize) -> Convolution {
        Convolution::unpadded(kernel, stride, inception::scaled(channels, self.width_multiplier))
    }

    fn check_size(&self, graph: &GraphBuilder, node: NodeId, layer: &str) -> Result<(), NetworkError> {
        match self.auxiliary_heads {
            true => {
                let remedy = format!(", or auxiliary-heads = false, with which {LEAST_SIDE}x{LEAST_SIDE} are enough");
                inception::check_size(graph, node, layer, SIDE, &remedy)
            }
            false => inception::check_size(graph, node, layer, LEAST_SIDE, ""),
        }
    }
}

impl Network for InceptionV3 {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        inception::check_multiplier(self.width_multiplier)?;
        NetworkError::check_dropout("dropout", self.dropout, "torchvision's is 0.5")
    }

    /// Table 1.
    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        graph.epsilon(inception::EPSILON);
        let mut maps = self.stem(graph)?;
        for (letter, behind_pool) in [("b", 32), ("c", 64), ("d", 64)] {
            maps = self.block(graph, &format!("Mixed_5{letter}"), 7, maps, |block| {
                block.a(behind_pool)
            });
        }
        maps = self.block(graph, "Mixed_6a", 4, maps, |block| block.b());
        self.check_size(graph, maps, "Mixed_6a")?;
        for (letter, narrow) in [("b", 128), ("c", 160), ("d", 160), ("e", 192)] {
            maps = self.block(graph, &format!("Mixed_6{letter}"), 10, maps, |block| block.c(narrow));
        }
        if self.auxiliary_heads {
            self.auxiliary_head(graph, maps)?;
        }
        maps = self.block(graph, "Mixed_7a", 6, maps, |block| block.d());
        self.check_size(graph, maps, "Mixed_7a")?;
        for letter in ["b", "c"] {
            maps = self.block(graph, &format!("Mixed_7{letter}"), 9, maps, |block| block.e());
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
        SIDE
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
impl InceptionV3 {
    fn stem(&self, graph: &mut GraphBuilder) -> Result<NodeId, NetworkError> {
        graph.segment("stem");
        let mut maps = graph.images();
        for (name, convolution) in [
            ("Conv2d_1a_3x3", self.unpadded(3, 2, 32)),
            ("Conv2d_2a_3x3", self.unpadded(3, 1, 32)),
            ("Conv2d_2b_3x3", self.same([3, 3], 64)),
        ] {
            maps = convolution.lay_out(graph, name, maps, DEVIATION);
        }
        maps = graph.max_pool("maxpool1", maps, 3, 2, 0);
        for (name, convolution) in [
            ("Conv2d_3b_1x1", self.same([1, 1], 80)),
            ("Conv2d_4a_3x3", self.unpadded(3, 1, 192)),
        ] {
            maps = convolution.lay_out(graph, name, maps, DEVIATION);
        }
        maps = graph.max_pool("maxpool2", maps, 3, 2, 0);
        self.check_size(graph, maps, "maxpool2")?;
        Ok(maps)
    }

    /// A block of so many convolutions, a segment of its own.
    fn block(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        convolutions: usize,
        input: NodeId,
        lay_out: impl FnOnce(&mut Block<'_>) -> NodeId,
    ) -> NodeId {
        graph.segment_behind(input, name);
        graph.block(name, convolutions, "convolution", |graph| {
            lay_out(&mut Block {
                network: self,
                name,
                input,
                graph,
            })
        })
    }

    /// Section 4: maps pooled by 5x5 windows, two convolutions, the mean of each map and a linear layer.
    fn auxiliary_head(&self, graph: &mut GraphBuilder, input: NodeId) -> Result<(), NetworkError> {
        let mut last = input;
        graph.auxiliary_head("AuxLogits", 3, HEAD_WEIGHT, |graph| {
            graph.segment_behind(input, "AuxLogits");
            let maps = graph.average_pool("AuxLogits.avg_pool2d", input, 5, 3, 0);
            let [of_convolution, of_matrix] = HEAD_DEVIATIONS;
            let maps = self
                .same([1, 1], 128)
                .lay_out(graph, "AuxLogits.conv0", maps, DEVIATION);
            last = self
                .unpadded(5, 1, 768)
                .lay_out(graph, "AuxLogits.conv1", maps, of_convolution);
            let values = graph.global_average_pool("AuxLogits.avgpool", last);
            graph.segment("AuxLogits.classifier");
            let logits = graph.linear("AuxLogits.fc", values, graph.classes());
            graph.draw_with(logits, of_matrix);
            logits
        });
        self.check_size(graph, last, "AuxLogits.conv1")
    }
}

/// A block that is being laid out: branches side by side that read the same maps.
struct Block<'a> {
    network: &'a InceptionV3,
    name: &'a str,
    input: NodeId,
    graph: &'a mut GraphBuilder,
}

/// The windows of 7x7 as rows and columns, and those of 3x3.
const ROW_OF_7: [usize; 2] = [1, 7];
const COLUMN_OF_7: [usize; 2] = [7, 1];
const ROW_OF_3: [usize; 2] = [1, 3];
const COLUMN_OF_3: [usize; 2] = [3, 1];

impl Block<'_> {
    /// Convolutions one behind the other, from `input` on.
    fn chain<const N: usize>(&mut self, input: NodeId, convolutions: [(&str, Convolution); N]) -> NodeId {
        let lay_out = |maps, (name, convolution): (&str, Convolution)| {
            convolution.lay_out(self.graph, &format!("{}.{name}", self.name), maps, DEVIATION)
        };
        convolutions.into_iter().fold(input, lay_out)
    }

    /// A branch that reads the block's maps.
    fn branch<const N: usize>(&mut self, convolutions: [(&str, Convolution); N]) -> NodeId {
        self.chain(self.input, convolutions)
    }

    /// The branch of an average pooling that keeps the sides, and a 1x1 convolution.
    fn averaged(&mut self, channels: usize) -> NodeId {
        let pooled = self
            .graph
            .average_pool(format!("{}.avg_pool2d", self.name), self.input, 3, 1, 1);
        self.chain(pooled, [("branch_pool", self.network.same([1, 1], channels))])
    }

    /// The branch of a max pooling that halves the sides.
    fn largest(&mut self) -> NodeId {
        let name = format!("{}.max_pool2d", self.name);
        self.graph.max_pool(name, self.input, 3, 2, 0)
    }

    fn joined(&mut self, branches: &[NodeId]) -> NodeId {
        self.graph
            .concatenation(format!("{}.concatenation", self.name), branches)
    }

    /// Figure 5, with a 5x5 window for one of its pairs of 3x3.
    fn a(&mut self, behind_pool: usize) -> NodeId {
        let network = self.network;
        let branches = [
            self.branch([("branch1x1", network.same([1, 1], 64))]),
            self.branch([
                ("branch5x5_1", network.same([1, 1], 48)),
                ("branch5x5_2", network.same([5, 5], 64)),
            ]),
            self.branch([
                ("branch3x3dbl_1", network.same([1, 1], 64)),
                ("branch3x3dbl_2", network.same([3, 3], 96)),
                ("branch3x3dbl_3", network.same([3, 3], 96)),
            ]),
            self.averaged(behind_pool),
        ];
        self.joined(&branches)
    }

    /// Figure 10: the sides are halved.
    fn b(&mut self) -> NodeId {
        let network = self.network;
        let branches = [
            self.branch([("branch3x3", network.unpadded(3, 2, 384))]),
            self.branch([
                ("branch3x3dbl_1", network.same([1, 1], 64)),
                ("branch3x3dbl_2", network.same([3, 3], 96)),
                ("branch3x3dbl_3", network.unpadded(3, 2, 96)),
            ]),
            self.largest(),
        ];
        self.joined(&branches)
    }

    /// Figure 6 with n = 7.
    fn c(&mut self, narrow: usize) -> NodeId {
        let network = self.network;
        let branches = [
            self.branch([("branch1x1", network.same([1, 1], 192))]),
            self.branch([
                ("branch7x7_1", network.same([1, 1], narrow)),
                ("branch7x7_2", network.same(ROW_OF_7, narrow)),
                ("branch7x7_3", network.same(COLUMN_OF_7, 192)),
            ]),
            self.branch([
                ("branch7x7dbl_1", network.same([1, 1], narrow)),
                ("branch7x7dbl_2", network.same(COLUMN_OF_7, narrow)),
                ("branch7x7dbl_3", network.same(ROW_OF_7, narrow)),
                ("branch7x7dbl_4", network.same(COLUMN_OF_7, narrow)),
                ("branch7x7dbl_5", network.same(ROW_OF_7, 192)),
            ]),
            self.averaged(192),
        ];
        self.joined(&branches)
    }

    /// The second halving of the sides.
    fn d(&mut self) -> NodeId {
        let network = self.network;
        let branches = [
            self.branch([
                ("branch3x3_1", network.same([1, 1], 192)),
                ("branch3x3_2", network.unpadded(3, 2, 320)),
            ]),
            self.branch([
                ("branch7x7x3_1", network.same([1, 1], 192)),
                ("branch7x7x3_2", network.same(ROW_OF_7, 192)),
                ("branch7x7x3_3", network.same(COLUMN_OF_7, 192)),
                ("branch7x7x3_4", network.unpadded(3, 2, 192)),
            ]),
            self.largest(),
        ];
        self.joined(&branches)
    }

    /// Figure 7: branches that end with a row and a column side by side.
    fn e(&mut self) -> NodeId {
        let network = self.network;
        let only = self.branch([("branch1x1", network.same([1, 1], 320))]);
        let three = self.branch([("branch3x3_1", network.same([1, 1], 384))]);
        let three_row = self.chain(three, [("branch3x3_2a", network.same(ROW_OF_3, 384))]);
        let three_column = self.chain(three, [("branch3x3_2b", network.same(COLUMN_OF_3, 384))]);
        let double = self.branch([
            ("branch3x3dbl_1", network.same([1, 1], 448)),
            ("branch3x3dbl_2", network.same([3, 3], 384)),
        ]);
        let double_row = self.chain(double, [("branch3x3dbl_3a", network.same(ROW_OF_3, 384))]);
        let double_column = self.chain(double, [("branch3x3dbl_3b", network.same(COLUMN_OF_3, 384))]);
        let averaged = self.averaged(192);
        self.joined(&[only, three_row, three_column, double_row, double_column, averaged])
    }
}

fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `presets`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<InceptionV3>(preset.options()).ok());
    let base = preset.unwrap_or(InceptionV3::WITHOUT_HEAD);
    let network = InceptionV3 {
        width_multiplier: options.number("width-multiplier").unwrap_or(base.width_multiplier),
        auxiliary_heads: options.flag("auxiliary-heads").unwrap_or(base.auxiliary_heads),
        dropout: options.number("dropout").unwrap_or(base.dropout),
    };
    network.check()?;
    Ok(Architecture::new(network))
}

fn presets() -> Vec<Preset> {
    vec![Preset {
        name: "inception-v3",
        classes: Stem::Imagenet.usual_classes(),
        network: Architecture::new(InceptionV3::WITHOUT_HEAD),
    }]
}

const KEYS: &[KnownKey] = &[
    inception::WIDTH_MULTIPLIER,
    KnownKey {
        key: "model.auxiliary-heads",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a classifier reads maps from the middle of the network while training; 0.4 times its loss is added.",
        remedy: "true is the network as its paper trains it",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.5`",
        meaning: "The share of values before the classifier that dropout sets to zero while training.",
        remedy: "torchvision's is 0.5",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Graph, Shape};

    fn graph(network: &InceptionV3, side: usize) -> Result<Graph, NetworkError> {
        network.graph(Shape::square(3, side), 1000)
    }

    #[test]
    fn parameters_and_the_depth_are_torchvisions() {
        let with = graph(&InceptionV3::TORCHVISIONS, SIDE).unwrap();
        let without = graph(&InceptionV3::WITHOUT_HEAD, SIDE).unwrap();
        assert_eq!((with.parameters(), without.parameters()), (27_161_264, 23_834_568));
        assert_eq!((with.macs(), with.depth()), (without.macs(), 48));
    }

    #[test]
    fn the_smallest_images_are_those_that_the_messages_name() {
        assert!(graph(&InceptionV3::WITHOUT_HEAD, LEAST_SIDE).is_ok());
        assert_eq!(
            graph(&InceptionV3::WITHOUT_HEAD, LEAST_SIDE - 1)
                .unwrap_err()
                .to_string(),
            "images of 74x74 are too small: Mixed_7a would leave nothing of its maps; this network needs at least 75x75"
        );
        assert_eq!(
            graph(&InceptionV3::TORCHVISIONS, SIDE - 1).unwrap_err().to_string(),
            "images of 298x298 are too small: AuxLogits.conv1 would leave nothing of its maps; this network needs at least \
             299x299, or auxiliary-heads = false, with which 75x75 are enough"
        );
    }
}
