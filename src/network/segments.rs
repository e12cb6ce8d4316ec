//! The network in segments: the stem, the stages and the classifier, each of which an execution carries out as a whole.

use super::densenet::{DenseNet, DropoutAfter, Order, Stem};

/// Batch normalisation's epsilon: PyTorch's and the authors'.
pub const EPSILON: f64 = 1e-5;

/// The first layers, up to the maps that enter the first dense block.
///
/// Its parameters in order: the convolution's weight; the normalisation's scale and shift, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StemSegment {
    /// The convolution's stride.
    pub stride: usize,
    /// The convolution's padding.
    pub padding: usize,
    /// Whether normalisation and ReLU follow.
    pub norm: bool,
    /// Whether 3x3 max pooling of stride 2 and padding 1 follows.
    pub pool: bool,
}

/// The composite function of the paper's section 3.
///
/// Its parameters in order, whatever the order of its parts: the normalisation's scale and shift, the convolution's
/// weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompositeStep {
    /// The convolution's window; its padding is half of it, rounded down, its stride 1.
    pub kernel: usize,
    /// Whether a ReLU follows the normalisation.
    pub relu: bool,
    /// Whether the normalisation stands before the convolution.
    pub norm_first: bool,
    /// The share of values that dropout sets to zero behind it; 0 has no dropout.
    pub dropout: f64,
}

/// What follows a dense block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exit {
    /// A transition: this, then 2x2 average pooling.
    Transition(CompositeStep),
    /// The head up to the classifier: the last normalisation, then the mean of each map.
    Head {
        /// Whether there is a normalisation: pre-activation order.
        norm: bool,
        /// Whether a ReLU follows it.
        relu: bool,
    },
}

/// A dense block together with what follows it, up to the next block or the classifier.
///
/// Its parameters in order: those of each layer's composite functions, layer by layer, then the exit's: a transition's
/// three, or the last normalisation's scale and shift. Its normalisations are counted in the same order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Layers of the block.
    pub layers: usize,
    /// The 1x1 convolution before each 3x3, where there is one.
    pub bottleneck: Option<CompositeStep>,
    /// The 3x3 convolution.
    pub conv: CompositeStep,
    /// What follows.
    pub exit: Exit,
}

impl Stage {
    /// The composite functions of a layer in order.
    pub fn layer(&self) -> impl Iterator<Item = CompositeStep> + use<> {
        self.bottleneck.into_iter().chain([self.conv])
    }
}

impl DenseNet {
    /// The first layers.
    pub fn stem_segment(&self) -> StemSegment {
        let (stride, padding) = match self.stem {
            Stem::Cifar => (1, 1),
            Stem::Imagenet => (2, 3),
        };
        StemSegment {
            stride,
            padding,
            norm: self.stem == Stem::Imagenet || self.order == Order::PostActivation,
            pool: self.stem == Stem::Imagenet,
        }
    }

    /// The stage of a dense block, counted from 0.
    pub fn stage(&self, block: usize) -> Stage {
        let is_last = block + 1 == self.block_layers.len();
        Stage {
            layers: self.block_layers[block],
            bottleneck: self.bottleneck.then(|| self.composite_step(1, true)),
            conv: self.composite_step(3, true),
            exit: if is_last {
                Exit::Head {
                    norm: self.order == Order::PreActivation,
                    relu: self.order == Order::PreActivation && self.final_relu,
                }
            } else {
                Exit::Transition(self.composite_step(1, self.transition_relu))
            },
        }
    }

    fn composite_step(&self, kernel: usize, relu: bool) -> CompositeStep {
        let dropped = self.dropout_after == DropoutAfter::EveryConvolution || kernel == 3;
        CompositeStep {
            kernel,
            relu,
            norm_first: self.order == Order::PreActivation,
            dropout: if dropped { self.dropout } else { 0.0 },
        }
    }
}
