//! A stage's pass in evaluation: an image after the other, nothing kept.

use super::affine::{Affine, Statistics};
use super::exits::{HeadForward, TransitionForward, transition_forward_scratch};
use super::memory::Memory;
use super::parallel::{self, Chunks, Start, with_scratch};
use super::pointwise;
use super::processor::Processor;
use super::shape::{Exit, Norm, Parameters, StageShape};
use super::spatial::{self, pack_forward};
use super::tiles::{Packed, padded};

/// Runs a stage with running statistics: mean and variance of each normalisation, in the order of
/// [`StageShape::norm_channels`].
///
/// `input` is `[images, height, width, input channels]`, `parameters` are as [`StageShape::parameter_sizes`] lists them.
pub fn evaluate<M: Memory>(
    shape: &StageShape,
    processor: Processor,
    memory: &M,
    input: &[f32],
    parameters: &[&[f32]],
    running: &[[&[f32]; 2]],
) -> M::Values {
    let prepared = Prepared::new(shape, processor, &Parameters::new(shape, parameters), running);
    let mut output = memory.values(shape.output_values());
    let extent = shape.extent();
    let chunk = Chunks::new(shape.images, extent.pixels()).images;
    let (input_size, output_size) = (
        extent.pixels() * shape.input_channels,
        shape.output_values() / shape.images.max(1),
    );
    let parts = input
        .chunks(chunk * input_size)
        .zip(output.chunks_mut((chunk * output_size).max(1)));
    parallel::enter(shape.work(), || {
        parallel::map(shape.work(), Start::First, parts, |(input, output)| {
            // One image's maps and bottleneck, which stay in cache from layer to layer.
            let mut maps = memory.values(extent.pixels() * prepared.stride);
            let mut bottleneck = memory.values(extent.pixels() * padded(shape.bottleneck.unwrap_or(0)));
            with_scratch(prepared.scratch(), |scratch| {
                for (input, output) in input.chunks(input_size).zip(output.chunks_mut(output_size.max(1))) {
                    prepared.image(input, &mut maps, &mut bottleneck, output, scratch);
                }
            });
        });
    });
    output
}

/// A layer with its statistics folded in and its weights packed.
struct Layer {
    affine: Affine,
    /// The 1x1 convolution and the normalisation after it.
    bottleneck: Option<(Packed, Affine)>,
    conv3x3: Packed,
}

struct Prepared<'a> {
    shape: &'a StageShape,
    processor: Processor,
    stride: usize,
    layers: Vec<Layer>,
    exit: Affine,
    exit_conv: Option<Packed>,
}

impl<'a> Prepared<'a> {
    fn new(shape: &'a StageShape, processor: Processor, parameters: &Parameters<'_>, running: &[[&[f32]; 2]]) -> Self {
        let lanes = processor.lanes();
        let mut running = running.iter();
        let mut affine = |Norm { gamma, beta }: Norm<'_>, relu| {
            let [mean, variance] = running.next().map_or([&[][..]; 2], |pair| *pair);
            let widen = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
            Affine::new(
                &Statistics {
                    mean: widen(mean),
                    variance: widen(variance),
                    ..Statistics::default()
                },
                gamma,
                beta,
                relu,
            )
        };
        let layers = (0..shape.layers).map(|layer| {
            let input = shape.layer_input(layer);
            let conv1 = parameters.conv1(layer);
            Layer {
                affine: affine(parameters.norm1(layer), true),
                bottleneck: shape.bottleneck.map(|width| {
                    let weights = pointwise::pack_forward(lanes, conv1, input, width);
                    (weights, affine(parameters.norm2(layer), true))
                }),
                conv3x3: pack_forward(
                    lanes,
                    parameters.conv3x3(layer),
                    shape.bottleneck.unwrap_or(input),
                    shape.growth_rate,
                ),
            }
        });
        let layers = layers.collect();
        let (Exit::Transition { relu, .. } | Exit::Head { relu }) = shape.exit;
        let channels = shape.channels();
        Self {
            shape,
            processor,
            stride: padded(channels),
            layers,
            exit: affine(parameters.exit_norm(), relu),
            exit_conv: match shape.exit {
                Exit::Transition { channels: output, .. } => {
                    let conv = parameters.exit_conv();
                    Some(pointwise::pack_forward(lanes, conv, channels, output))
                }
                Exit::Head { .. } => None,
            },
        }
    }

    /// Values of scratch that an image needs.
    fn scratch(&self) -> usize {
        let (extent, growth) = (self.shape.extent(), self.shape.growth_rate);
        let widest = self.shape.bottleneck.map_or(self.stride, padded);
        // Few channels make bands of more rows, so that the widest layer does not need the most.
        let narrowest = self.shape.bottleneck.map_or(padded(self.shape.input_channels), padded);
        let sizes = (narrowest..=widest)
            .step_by(16)
            .map(|size| spatial::forward_scratch(extent, size, growth));
        sizes
            .chain([
                pointwise::forward_scratch(self.stride),
                transition_forward_scratch(self.stride),
            ])
            .max()
            .unwrap_or(0)
    }

    fn image(&self, input: &[f32], maps: &mut [f32], bottleneck: &mut [f32], output: &mut [f32], scratch: &mut [f32]) {
        let shape = self.shape;
        let extent = shape.extent();
        let channels = shape.input_channels;
        for (row, to) in input.chunks_exact(channels).zip(maps.chunks_exact_mut(self.stride)) {
            to[..channels].copy_from_slice(row);
            to[channels..].fill(0.0);
        }
        for (number, layer) in self.layers.iter().enumerate() {
            let own = shape.layer_input(number)..shape.layer_input(number + 1);
            let affine = match &layer.bottleneck {
                Some((weights, affine)) => {
                    self.processor.run(pointwise::Forward {
                        input: maps,
                        stride: self.stride,
                        affine: &layer.affine,
                        weights,
                        input_channels: own.start,
                        output: bottleneck,
                        moments: None,
                        scratch,
                    });
                    affine
                }
                None => &layer.affine,
            };
            let inner = layer.bottleneck.is_some();
            self.processor.run(spatial::Forward {
                extent,
                input: inner.then_some(&*bottleneck),
                stride: if inner { affine.len() } else { self.stride },
                affine,
                weights: &layer.conv3x3,
                maps,
                maps_stride: self.stride,
                channels: own,
                moments: None,
                scratch,
            });
        }
        match (&self.exit_conv, shape.exit) {
            (
                Some(weights),
                Exit::Transition {
                    channels: output_channels,
                    ..
                },
            ) => {
                self.processor.run(TransitionForward {
                    extent,
                    maps,
                    stride: self.stride,
                    affine: &self.exit,
                    weights,
                    channels: shape.channels(),
                    output,
                    output_channels,
                    scratch,
                });
            }
            _ => self.processor.run(HeadForward {
                maps,
                stride: self.stride,
                affine: &self.exit,
                output,
            }),
        }
    }
}
