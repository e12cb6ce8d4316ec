//! The residual block in pre-activation order (He et al. 2016, arXiv 1603.05027, figure 4e), of which two families are
//! made, and what those have around their blocks.

use crate::network::{GraphBuilder, NodeId};

/// A convolution of a block, which keeps the sides but for its stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    /// The window's side.
    pub(super) kernel: usize,
    /// The step between windows.
    pub(super) stride: usize,
    /// Channels of the output.
    pub(super) channels: usize,
}

/// A block: normalisation, ReLU and convolution, as often as there are convolutions, and a shortcut around them.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The convolutions in order.
    pub(super) convolutions: Vec<Convolution>,
    /// Whether the shortcut starts behind the first ReLU even where it needs no projection.
    pub(super) activated: bool,
    /// The share of values that dropout before the last convolution sets to zero; 0 builds no dropout.
    pub(super) dropout: f64,
}

impl Block {
    /// Lays the block out. Where its output has another shape than its input the shortcut is a 1x1 convolution of what
    /// the first ReLU gives.
    pub(super) fn lay_out(&self, graph: &mut GraphBuilder, input: NodeId, name: &str) -> NodeId {
        let mut maps = input;
        let mut shortcut = input;
        for (number, convolution) in (1..).zip(&self.convolutions) {
            maps = graph.batch_norm(format!("{name}.bn{number}"), maps);
            maps = graph.relu(format!("{name}.relu{number}"), maps);
            if number == 1 {
                shortcut = self.shortcut(graph, input, maps, name);
            }
            if self.dropout > 0.0 && number == self.convolutions.len() {
                maps = graph.dropout(format!("{name}.drop{number}"), maps, self.dropout);
            }
            let Convolution {
                kernel,
                stride,
                channels,
            } = *convolution;
            maps = graph.convolution(format!("{name}.conv{number}"), maps, kernel, stride, channels);
        }
        graph.addition(format!("{name}.addition"), [maps, shortcut])
    }

    /// The block's input in the shape of its output.
    fn shortcut(&self, graph: &mut GraphBuilder, input: NodeId, activation: NodeId, name: &str) -> NodeId {
        let stride = self.convolutions.iter().map(|convolution| convolution.stride).product();
        let channels = self.convolutions.last().map(|convolution| convolution.channels);
        match channels.filter(|&channels| stride > 1 || channels != graph.shape(input).channels) {
            Some(channels) => graph.convolution(format!("{name}.downsample.0"), activation, 1, stride, channels),
            None if self.activated => activation,
            None => input,
        }
    }
}

/// A network of such blocks: a 3x3 convolution, the stages of blocks, normalisation and ReLU, the mean of each map, the
/// classifier. `block` gives a block from its stage, its place there (both from 0) and its stride.
pub(super) fn lay_out(
    graph: &mut GraphBuilder,
    initial_channels: usize,
    block_layers: &[usize],
    block: impl Fn(usize, usize, usize) -> Block,
) {
    graph.segment("stem");
    let images = graph.images();
    let mut maps = graph.convolution("conv1", images, 3, 1, initial_channels);
    for (stage, &blocks) in block_layers.iter().enumerate() {
        let name = format!("layer{}", stage + 1);
        graph.segment(&name);
        maps = graph.block(&name, blocks, "residual block", |graph| {
            (0..blocks).fold(maps, |maps, place| {
                let stride = if stage > 0 && place == 0 { 2 } else { 1 };
                block(stage, place, stride).lay_out(graph, maps, &format!("{name}.{place}"))
            })
        });
    }
    maps = graph.batch_norm("norm", maps);
    maps = graph.relu("relu", maps);
    maps = graph.global_average_pool("avgpool", maps);
    graph.classifier("fc", maps);
}
