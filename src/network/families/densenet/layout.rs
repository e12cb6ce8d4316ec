//! The layout of a DenseNet, as the paper's sections 3 and 4 have it.

use super::options::{Connectivity, DenseNet, DropoutAfter, Order};
use crate::network::{GraphBuilder, NetworkError, NodeId, Stem};

/// A block that is laid out.
struct BlockPlace<'a> {
    /// `features.denseblock1`.
    name: &'a str,
    /// Its number, from 1.
    block: usize,
    layers: usize,
}

impl BlockPlace<'_> {
    /// The layers' names.
    fn layers(&self) -> impl Iterator<Item = String> {
        (1..=self.layers).map(|layer| format!("{}.denselayer{layer}", self.name))
    }
}

impl DenseNet {
    /// Lays the network out with the width that it has.
    ///
    /// # Errors
    /// Images that are too small for it.
    pub(super) fn lay_out_all(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        let mut maps = self.stem(graph);
        let last = self.block_layers.len();
        for (block, &layers) in (1..).zip(&self.block_layers) {
            graph.segment(format!("denseblock{block}"));
            maps = self.block(graph, maps, block, layers);
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

    /// A block's layers, joined as `connectivity` says.
    fn block(&self, graph: &mut GraphBuilder, input: NodeId, block: usize, layers: usize) -> NodeId {
        let name = format!("features.denseblock{block}");
        let unit = match self.connectivity {
            Connectivity::Dense => "dense layer",
            Connectivity::Residual => "residual layer",
            Connectivity::Plain => "plain layer",
        };
        // A block no longer than what each layer sees has nothing cut.
        let is_cut = self.visible_layers.is_some_and(|count| count < layers);
        let place = BlockPlace {
            name: &name,
            block,
            layers,
        };
        graph.block(&name, layers, unit, |graph| match self.connectivity {
            Connectivity::Dense if is_cut => self.cut(graph, input, &place),
            Connectivity::Dense => self.dense(graph, input, &place),
            Connectivity::Residual => self.residual(graph, input, &place),
            Connectivity::Plain => self.plain(graph, input, &place),
        })
    }

    /// Equation 2: layer l reads the concatenation of the maps of all layers before it.
    fn dense(&self, graph: &mut GraphBuilder, input: NodeId, place: &BlockPlace<'_>) -> NodeId {
        place.layers().fold(input, |maps, prefix| {
            let new = self.layer(graph, maps, &prefix, place.block);
            graph.concatenation(format!("{prefix}.concatenation"), &[maps, new])
        })
    }

    /// Each layer reads the last `visible_layers` outputs before it; what follows the block reads all.
    fn cut(&self, graph: &mut GraphBuilder, input: NodeId, place: &BlockPlace<'_>) -> NodeId {
        let count = self.visible_layers.unwrap_or(place.layers);
        let mut outputs = vec![input];
        for prefix in place.layers() {
            let maps = match &outputs[outputs.len().saturating_sub(count)..] {
                [one] => *one,
                several => graph.concatenation(format!("{prefix}.concatenation"), several),
            };
            outputs.push(self.layer(graph, maps, &prefix, place.block));
        }
        graph.concatenation(format!("{}.concatenation", place.name), &outputs)
    }

    /// Equation 1, that of residual networks: a layer's maps are added to those that it reads.
    fn residual(&self, graph: &mut GraphBuilder, input: NodeId, place: &BlockPlace<'_>) -> NodeId {
        place.layers().fold(input, |maps, prefix| {
            let new = self.layer(graph, maps, &prefix, place.block);
            let (channels, width) = (graph.shape(maps).channels, graph.shape(new).channels);
            let shortcut = if channels == width {
                maps
            } else {
                graph.convolution(format!("{prefix}.projection"), maps, 1, 1, width)
            };
            graph.addition(format!("{prefix}.addition"), [new, shortcut])
        })
    }

    /// One layer behind the other.
    fn plain(&self, graph: &mut GraphBuilder, input: NodeId, place: &BlockPlace<'_>) -> NodeId {
        place
            .layers()
            .fold(input, |maps, prefix| self.layer(graph, maps, &prefix, place.block))
    }

    /// A layer's own maps: a 3x3 convolution, with a bottleneck behind a 1x1 convolution.
    fn layer(&self, graph: &mut GraphBuilder, maps: NodeId, prefix: &str, block: usize) -> NodeId {
        let growth_rate = self.growth_rate_of(block);
        let maps = if self.bottleneck {
            let narrow = self.bottleneck_width * growth_rate;
            let maps = self.composite(graph, maps, prefix, "1", true, 1, narrow);
            self.composite(graph, maps, prefix, "2", true, 3, growth_rate)
        } else {
            self.composite(graph, maps, prefix, "1", true, 3, growth_rate)
        };
        match self.squeeze_excitation {
            Some(reduction) => squeeze_excitation(graph, maps, &format!("{prefix}.se"), reduction),
            None => maps,
        }
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

/// Figure 2 of arXiv 1709.01507, with torchvision's names: each map times a value from 0 to 1, which two 1x1 convolutions with
/// bias compute from the means of all maps.
fn squeeze_excitation(graph: &mut GraphBuilder, maps: NodeId, name: &str, reduction: usize) -> NodeId {
    let channels = graph.shape(maps).channels;
    let means = graph.adaptive_average_pool(format!("{name}.avgpool"), maps, 1);
    let narrow = graph.biased_convolution(format!("{name}.fc1"), means, 1, 1, (channels / reduction).max(1));
    let narrow = graph.relu(format!("{name}.activation"), narrow);
    let wide = graph.biased_convolution(format!("{name}.fc2"), narrow, 1, 1, channels);
    let factors = graph.sigmoid(format!("{name}.scale_activation"), wide);
    graph.scaling(format!("{name}.scaling"), factors, maps)
}
