//! The DenseNet that tensors are of, from their names and shapes: what a weights file without an ablation file tells.

use std::collections::BTreeMap;

use super::names::FOREIGN_NAMES;
use super::options::{Connectivity, DenseNet, LARGEST_COUNT, Order};
use crate::network::{Architecture, RecognizedNetwork, Shape, Stem, TensorShapes};

/// The tensor by which a DenseNet is recognised, behind whatever prefix.
const FIRST: &str = "features.conv0.weight";

/// Recognises a DenseNet under torchvision's names, of today or of 2017, with or without a prefix such as `module.`.
///
/// What no tensor shows is left at its default: dropout, the ReLUs of transitions and head, the initialisation. The shapes
/// are taken at their word; a file of which some contradict the others gives a network that not all of them fit.
pub fn recognized(shapes: &TensorShapes) -> Option<RecognizedNetwork> {
    let tensors = Tensors::of(shapes)?;
    let &[initial_channels, channels, kernel, _] = tensors.shape(FIRST)? else {
        return None;
    };
    let blocks: Vec<Block> = (1..).map_while(|block| tensors.block(block)).collect();
    let first = blocks.first()?;
    let stem = if kernel == 7 { Stem::Imagenet } else { Stem::Cifar };
    let is_post_activation = tensors.shape("features.norm5.weight").is_none();
    let network = DenseNet {
        block_layers: blocks.iter().map(|block| block.reads.len()).collect(),
        growth_rate: first.growth_rate,
        bottleneck: first.narrow.is_some(),
        bottleneck_width: first
            .narrow
            .map_or(4, |narrow| (narrow / first.growth_rate.max(1)).max(1)),
        compression: tensors.compression(blocks.len()),
        initial_channels,
        stem,
        order: if is_post_activation {
            Order::PostActivation
        } else {
            Order::PreActivation
        },
        connectivity: tensors.connectivity(&blocks),
        growth_doubling: (blocks.get(1))
            .is_some_and(|second| second.growth_rate == first.growth_rate.saturating_mul(2)),
        squeeze_excitation: squeeze_excitation(&blocks),
        ..DenseNet::BASIC
    };
    let network = match network.connectivity {
        Connectivity::Dense => DenseNet {
            visible_layers: visible_layers(&blocks),
            ..network
        },
        _ => network,
    };
    let least = 4usize << blocks.len().min(20);
    Some(RecognizedNetwork {
        input: Shape::square(channels, stem.usual_side().max(least)),
        classes: tensors.classifier()?.0,
        network: Architecture::new(network),
    })
}

/// Shapes under the names of today, without a prefix.
struct Tensors<'a>(BTreeMap<String, &'a [usize]>);

/// A dense block as its tensors show it.
struct Block {
    /// Channels that each layer reads.
    reads: Vec<usize>,
    /// Channels that each layer gives.
    growth_rate: usize,
    /// Channels of the bottleneck, where there is one.
    narrow: Option<usize>,
    /// Channels of the narrow part of a squeeze-and-excitation, where there is one.
    squeezed: Option<usize>,
}

impl<'a> Tensors<'a> {
    fn of(shapes: &'a TensorShapes) -> Option<Self> {
        let prefix = shapes.keys().find_map(|name| name.strip_suffix(FIRST))?;
        let today = |name: &str| {
            let mut forms = FOREIGN_NAMES.iter().filter(|form| form.differs.is_none());
            forms.find_map(|form| (form.here)(name))
        };
        let named = shapes.iter().map(|(name, shape)| {
            let own = name.strip_prefix(prefix).unwrap_or(name);
            (today(own).unwrap_or_else(|| own.to_owned()), shape.as_slice())
        });
        Some(Self(named.collect()))
    }

    fn shape(&self, name: &str) -> Option<&'a [usize]> {
        self.0.get(name).copied()
    }

    /// The channels out and in of a convolution.
    fn convolution(&self, name: &str) -> Option<(usize, usize)> {
        match self.shape(&format!("{name}.weight"))? {
            &[outputs, inputs, ..] => Some((outputs, inputs)),
            _ => None,
        }
    }

    /// A block by its number, from 1; none where it has no layer.
    fn block(&self, block: usize) -> Option<Block> {
        let name = |layer: usize, part: &str| format!("features.denseblock{block}.denselayer{layer}.{part}");
        let convolution = |layer, part| self.convolution(&name(layer, part));
        let (outputs, _) = convolution(1, "conv1")?;
        let second = convolution(1, "conv2");
        let reads = (1..).map_while(|layer| Some(convolution(layer, "conv1")?.1));
        Some(Block {
            reads: reads.collect(),
            growth_rate: second.map_or(outputs, |(outputs, _)| outputs),
            narrow: second.map(|_| outputs),
            squeezed: convolution(1, "se.fc1").map(|(narrow, _)| narrow),
        })
    }

    /// A share of channels that makes every transition keep as many as it does.
    fn compression(&self, blocks: usize) -> f64 {
        let transitions = (1..blocks).filter_map(|block| self.convolution(&format!("features.transition{block}.conv")));
        let kept: Vec<(usize, usize)> = transitions.collect();
        let keeps = |share: &f64| {
            let keeps = |&(kept, channels): &(usize, usize)| (share * channels as f64).floor() as usize == kept;
            kept.iter().all(keeps)
        };
        let share = |kept: usize, channels: usize| kept as f64 / channels.max(1) as f64;
        let low = kept
            .iter()
            .map(|&(kept, channels)| share(kept, channels))
            .fold(0.0, f64::max);
        let above = kept
            .iter()
            .map(|&(kept, channels)| share(kept.saturating_add(1), channels));
        let high = above.fold(1.0, f64::min);
        [1.0, 0.5, f64::midpoint(low, high)]
            .into_iter()
            .find(keeps)
            .unwrap_or(1.0)
    }

    /// How layers are joined, by what follows the last block: concatenated maps are more than one layer's.
    fn connectivity(&self, blocks: &[Block]) -> Connectivity {
        let is_projected = self.0.keys().any(|name| name.ends_with(".projection.weight"));
        let growth_rate = blocks.last().map(|block| block.growth_rate);
        match self.classifier() {
            _ if is_projected => Connectivity::Residual,
            Some((_, channels)) if Some(channels) == growth_rate => Connectivity::Plain,
            _ => Connectivity::Dense,
        }
    }

    /// Classes and channels of the classifier: under its own name, or the one matrix that is there.
    fn classifier(&self) -> Option<(usize, usize)> {
        let own = self.0.get("classifier.weight");
        let matrix = || self.0.values().find(|shape| shape.len() == 2);
        match *own.or_else(matrix)? {
            &[classes, channels] => Some((classes, channels)),
            _ => None,
        }
    }
}

/// How many outputs before it each layer reads, from the first layer that does not read all.
fn visible_layers(blocks: &[Block]) -> Option<usize> {
    let cut = |block: &Block| {
        let input = *block.reads.first()?;
        let growth_rate = block.growth_rate;
        let whole = |layer: usize| input.saturating_add(layer.saturating_mul(growth_rate));
        let mut layers = block.reads.iter().enumerate();
        let (_, reads) = layers.find(|&(layer, &reads)| reads < whole(layer))?;
        // The input is the first that is no longer read.
        reads.checked_div(growth_rate)
    };
    blocks.iter().find_map(cut)
}

/// A reduction that makes the narrow part of each block's squeeze-and-excitation as wide as it is.
fn squeeze_excitation(blocks: &[Block]) -> Option<usize> {
    let last = blocks.last()?;
    let narrow = last.squeezed?;
    let fits = |reduction: usize| {
        let fits = |block: &Block| block.squeezed == Some((block.growth_rate / reduction).max(1));
        blocks.iter().all(fits)
    };
    // No network of a wider layer is built.
    let ratio = last.growth_rate.min(LARGEST_COUNT).checked_div(narrow)?.max(1);
    (1..=ratio).rev().find(|&reduction| fits(reduction)).or(Some(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Network, presets};

    fn shapes(network: &dyn Network, side: usize, classes: usize) -> TensorShapes {
        let graph = network.graph(Shape::square(3, side), classes).unwrap();
        graph.tensors().collect()
    }

    /// Recognises a network by its tensors; those of what was recognised are the same.
    fn assert_recognized(network: &dyn Network, side: usize) {
        let own = shapes(network, side, 7);
        let found = recognized(&own).unwrap();
        assert_eq!((found.classes, found.input.channels), (7, 3), "{network:?}");
        let graph = found.network.graph(found.input, found.classes).unwrap();
        assert_eq!(graph.tensors().collect::<TensorShapes>(), own, "{network:?}");
    }

    #[test]
    fn every_preset_is_recognised_by_its_tensors_and_no_other_family() {
        for preset in presets() {
            let side = preset.network.usual_side();
            match preset.network.family().name {
                "densenet" => assert_recognized(&*preset.network, side),
                _ => assert_eq!(recognized(&shapes(&*preset.network, side, 10)), None, "{}", preset.name),
            }
        }
    }

    #[test]
    fn options_that_change_tensors_are_recognised() {
        let base = DenseNet {
            block_layers: vec![4, 2, 3],
            growth_rate: 5,
            initial_channels: 7,
            ..DenseNet::BASIC
        };
        let bottleneck = DenseNet {
            bottleneck: true,
            bottleneck_width: 3,
            compression: 0.7,
            ..base.clone()
        };
        let others = [
            DenseNet {
                visible_layers: Some(2),
                ..base.clone()
            },
            DenseNet {
                visible_layers: Some(1),
                ..bottleneck.clone()
            },
            DenseNet {
                growth_doubling: true,
                ..bottleneck.clone()
            },
            DenseNet {
                squeeze_excitation: Some(2),
                ..base.clone()
            },
            DenseNet {
                order: Order::PostActivation,
                ..bottleneck.clone()
            },
            DenseNet {
                connectivity: Connectivity::Residual,
                ..base.clone()
            },
            DenseNet {
                connectivity: Connectivity::Plain,
                ..base.clone()
            },
        ];
        for network in [&base, &bottleneck].into_iter().chain(&others) {
            assert_recognized(network, 32);
        }
    }

    #[test]
    fn a_prefix_and_the_names_of_2017_are_seen_through() {
        let network = DenseNet {
            block_layers: vec![1, 2],
            bottleneck: true,
            ..DenseNet::BASIC
        };
        let own = shapes(&network, 32, 10);
        let wrapped = own
            .iter()
            .map(|(name, shape)| (format!("module.{name}"), shape.clone()));
        assert_eq!(recognized(&wrapped.collect()), recognized(&own));
        let old = |name: &str| {
            name.replace(".norm1.", ".norm.1.")
                .replace(".conv2.", ".conv.2.")
                .replace(".conv1.", ".conv.1.")
        };
        let old = own.iter().map(|(name, shape)| (old(name), shape.clone()));
        assert_eq!(recognized(&old.collect()), recognized(&own));
    }

    #[test]
    fn shapes_that_contradict_each_other_are_no_panic() {
        let shape = |name: &str, shape: &[usize]| (name.to_owned(), shape.to_vec());
        for sizes in [[0, 0], [usize::MAX, usize::MAX], [3, usize::MAX]] {
            let [out, inputs] = sizes;
            let shapes: TensorShapes = [
                shape(FIRST, &[out, inputs, 7, 7]),
                shape("features.denseblock1.denselayer1.conv1.weight", &[out, inputs, 3, 3]),
                shape("features.denseblock1.denselayer2.conv1.weight", &[out, 1, 3, 3]),
                shape("features.denseblock1.denselayer1.se.fc1.weight", &[out, inputs, 1, 1]),
                shape("features.denseblock2.denselayer1.conv1.weight", &[inputs, out, 3, 3]),
                shape("features.transition1.conv.weight", &[inputs, out, 1, 1]),
                shape("classifier.weight", &sizes),
            ]
            .into();
            recognized(&shapes);
            assert_eq!(recognized(&[shape(FIRST, &[1])].into()), None);
        }
    }
}
