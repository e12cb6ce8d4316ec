//! The common part of a stage's passes.

use super::affine::{Affine, Statistics};
use super::parallel::Chunks;
use super::processor::Processor;
use super::shape::{Exit, Norm, Parameters, StageShape};
use super::tiles::padded;

/// A stage's sizes and parameters.
pub(super) struct Stage<'a> {
    pub(super) shape: &'a StageShape,
    pub(super) processor: Processor,
    pub(super) parameters: Parameters<'a>,
    /// Values of a pixel in the block's buffer.
    pub(super) stride: usize,
    /// Pixels of a chunk but the last.
    pub(super) chunk: usize,
}

impl<'a> Stage<'a> {
    pub(super) fn new(shape: &'a StageShape, processor: Processor, parameters: &'a [&'a [f32]]) -> Self {
        let pixels = shape.extent().pixels();
        Self {
            shape,
            processor,
            parameters: Parameters::new(shape, parameters),
            stride: padded(shape.channels()),
            chunk: Chunks::new(shape.images, pixels).images * pixels,
        }
    }

    /// The exit's normalisation.
    pub(super) fn exit_affine(&self, statistics: &Statistics) -> Affine {
        let Norm { gamma, beta } = self.parameters.exit_norm();
        let (Exit::Transition { relu, .. } | Exit::Head { relu }) = self.shape.exit;
        Affine::new(statistics, gamma, beta, relu)
    }
}
