//! The sizes of a stage, and how its parameters follow one another.

use super::spatial::Extent;

/// The layers after a dense block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Normalisation, 1x1 convolution to this many channels and 2x2 average pooling.
    Transition {
        /// Channels that leave.
        channels: usize,
        /// Whether a ReLU follows the normalisation.
        relu: bool,
    },
    /// Normalisation and the mean of each channel over height and width.
    Head {
        /// Whether a ReLU follows the normalisation.
        relu: bool,
    },
}

/// A dense block and the layers after it, in pre-activation order and without dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageShape {
    /// Images in the batch.
    pub images: usize,
    /// Height of an image.
    pub height: usize,
    /// Width of an image.
    pub width: usize,
    /// Channels that enter.
    pub input_channels: usize,
    /// Layers of the block.
    pub layers: usize,
    /// Channels that each layer adds.
    pub growth_rate: usize,
    /// Channels of the 1x1 convolutions, where there are any.
    pub bottleneck: Option<usize>,
    /// The layers after the block.
    pub exit: Exit,
}

impl StageShape {
    /// Channels that leave the block.
    pub fn channels(&self) -> usize {
        self.layer_input(self.layers)
    }

    /// Channels that enter a layer, from 0.
    pub(super) fn layer_input(&self, layer: usize) -> usize {
        self.input_channels + layer * self.growth_rate
    }

    /// Values of the output: `[images, height / 2, width / 2, channels]` of a transition, `[images, channels]` of a head.
    pub fn output_values(&self) -> usize {
        match self.exit {
            Exit::Transition { channels, .. } => self.images * (self.height / 2) * (self.width / 2) * channels,
            Exit::Head { .. } => self.images * self.channels(),
        }
    }

    pub(super) fn extent(&self) -> Extent {
        Extent {
            height: self.height,
            width: self.width,
        }
    }

    /// Pixels of all images.
    pub(super) fn pixels(&self) -> usize {
        self.images * self.height * self.width
    }

    /// Multiply-accumulates of a forward pass, within a few percent: the convolutions' alone.
    pub(super) fn work(&self) -> usize {
        let layers = (0..self.layers).map(|layer| self.layer_work(layer));
        layers.sum::<usize>() + self.pixels() * self.channels()
    }

    /// Multiply-accumulates of a layer's forward pass.
    pub(super) fn layer_work(&self, layer: usize) -> usize {
        let input = self.layer_input(layer);
        self.pixels()
            * match self.bottleneck {
                Some(width) => width * (input + 9 * self.growth_rate),
                None => 9 * input * self.growth_rate,
            }
    }

    /// Sizes of the parameters in order: for each layer norm1's weight and bias, conv1's weight and, with a bottleneck,
    /// norm2's and conv2's; then the exit's normalisation and a transition's convolution. Convolutions are
    /// `[outputs, inputs, height, width]`.
    pub fn parameter_sizes(&self) -> Vec<usize> {
        let mut sizes = Vec::new();
        for layer in 0..self.layers {
            let input = self.layer_input(layer);
            sizes.extend([input, input]);
            match self.bottleneck {
                Some(width) => sizes.extend([width * input, width, width, 9 * self.growth_rate * width]),
                None => sizes.push(9 * self.growth_rate * input),
            }
        }
        let channels = self.channels();
        sizes.extend([channels, channels]);
        if let Exit::Transition { channels: output, .. } = self.exit {
            sizes.push(output * channels);
        }
        sizes
    }

    /// Channels of the normalisations in order: each layer's one or two, then the exit's.
    pub fn norm_channels(&self) -> Vec<usize> {
        let mut channels = Vec::new();
        for layer in 0..self.layers {
            channels.push(self.layer_input(layer));
            channels.extend(self.bottleneck);
        }
        channels.push(self.channels());
        channels
    }
}

/// A stage's parameters by name, from the flat list.
pub(super) struct Parameters<'a> {
    all: &'a [&'a [f32]],
    per_layer: usize,
    layers: usize,
}

/// Weight and bias of a normalisation, or its gradients.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
}

impl<'a> Parameters<'a> {
    /// Of a stage.
    pub(super) fn new(shape: &StageShape, all: &'a [&'a [f32]]) -> Self {
        debug_assert!(all.iter().map(|values| values.len()).eq(shape.parameter_sizes()));
        Self {
            all,
            per_layer: if shape.bottleneck.is_some() { 6 } else { 3 },
            layers: shape.layers,
        }
    }

    fn norm(&self, first: usize) -> Norm<'a> {
        Norm {
            gamma: self.all[first],
            beta: self.all[first + 1],
        }
    }

    pub(super) fn norm1(&self, layer: usize) -> Norm<'a> {
        self.norm(layer * self.per_layer)
    }

    pub(super) fn conv1(&self, layer: usize) -> &'a [f32] {
        self.all[layer * self.per_layer + 2]
    }

    pub(super) fn norm2(&self, layer: usize) -> Norm<'a> {
        self.norm(layer * self.per_layer + 3)
    }

    /// The layer's 3x3 convolution: its only one without a bottleneck.
    pub(super) fn conv3x3(&self, layer: usize) -> &'a [f32] {
        self.all[(layer + 1) * self.per_layer - 1]
    }

    pub(super) fn exit_norm(&self) -> Norm<'a> {
        self.norm(self.layers * self.per_layer)
    }

    pub(super) fn exit_conv(&self) -> &'a [f32] {
        self.all[self.layers * self.per_layer + 2]
    }
}
