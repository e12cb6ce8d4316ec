//! A stage's training pass forward.

use pulp::Simd;

use super::affine::{Affine, Statistics};
use super::buffer::Buffer;
use super::exits::{HeadForward, TransitionForward, transition_forward_scratch};
use super::memory::Memory;
use super::moments::Moments;
use super::parallel::{self, Start, with_scratch};
use super::pointwise;
use super::processor::{Kernel, Processor};
use super::shape::{Exit, Norm, StageShape};
use super::spatial::{self, pack_forward};
use super::stage::Stage;
use super::tiles::padded;

/// The results of a forward pass.
pub struct Forward<V> {
    /// As [`StageShape::output_values`] says.
    pub output: V,
    /// Mean and biased variance of each normalisation's input, in the order of [`StageShape::norm_channels`].
    pub statistics: Vec<[Buffer<f32>; 2]>,
    /// The values that the backward pass needs.
    pub saved: Saved<V>,
}

/// The values that a forward pass keeps: the block's buffer and each bottleneck's output, once each, and their
/// statistics.
pub struct Saved<V> {
    pub(super) maps: V,
    pub(super) statistics: Statistics,
    pub(super) bottlenecks: Vec<(V, Statistics)>,
}

/// Runs a stage forward with the batch's own statistics.
///
/// `input` is `[images, height, width, input channels]`, `parameters` are as [`StageShape::parameter_sizes`] lists them.
pub fn forward<M: Memory>(
    shape: &StageShape,
    processor: Processor,
    memory: &M,
    input: &[f32],
    parameters: &[&[f32]],
) -> Forward<M::Values> {
    let stage = Stage::new(shape, processor, parameters);
    parallel::enter(shape.work(), || stage.run_forward(memory, input))
}

impl Stage<'_> {
    fn run_forward<M: Memory>(&self, memory: &M, input: &[f32]) -> Forward<M::Values> {
        let shape = self.shape;
        let mut maps = memory.values(shape.pixels() * self.stride);
        let mut statistics = Statistics::default();
        self.take_in(input, &mut maps, &mut statistics);
        let mut bottlenecks = Vec::new();
        let mut observed = Vec::new();
        for layer in 0..shape.layers {
            let Norm { gamma, beta } = self.parameters.norm1(layer);
            let affine = Affine::new(&statistics, gamma, beta, true);
            observed.push(observation(&statistics, gamma.len()));
            let moments = match shape.bottleneck {
                Some(width) => {
                    let mut output = memory.values(shape.pixels() * padded(width));
                    let inner = self.reduce(layer, width, &affine, &maps, &mut output);
                    observed.push(observation(&inner, width));
                    let Norm { gamma, beta } = self.parameters.norm2(layer);
                    let affine = Affine::new(&inner, gamma, beta, true);
                    let moments = self.grow(layer, width, &affine, Some(&output), &mut maps);
                    bottlenecks.push((output, inner));
                    moments
                }
                None => self.grow(layer, shape.layer_input(layer), &affine, None, &mut maps),
            };
            let (mean, variance) = moments.finish();
            statistics.extend(mean, &variance, shape.growth_rate);
        }
        observed.push(observation(&statistics, shape.channels()));
        let mut output = memory.values(shape.output_values());
        self.leave(&self.exit_affine(&statistics), &maps, &mut output);
        Forward {
            output,
            statistics: observed,
            saved: Saved {
                maps,
                statistics,
                bottlenecks,
            },
        }
    }

    /// Copies the input into the block's buffer and sets the rest of it to zero.
    fn take_in(&self, input: &[f32], maps: &mut [f32], statistics: &mut Statistics) {
        let channels = self.shape.input_channels;
        let parts = input
            .chunks(self.chunk * channels)
            .zip(maps.chunks_mut(self.chunk * self.stride));
        let moments = parallel::map(
            self.shape.pixels() * self.stride,
            Start::First,
            parts,
            |(input, maps)| {
                let mut moments = Moments::new(channels);
                for (row, to) in input.chunks_exact(channels).zip(maps.chunks_exact_mut(self.stride)) {
                    to[..channels].copy_from_slice(row);
                    to[channels..].fill(0.0);
                }
                self.processor.run(Observe {
                    maps,
                    stride: self.stride,
                    moments: &mut moments,
                });
                moments
            },
        );
        let moments = merged(channels, &moments);
        let (mean, variance) = moments.finish();
        statistics.extend(mean, &variance, channels);
    }

    /// A bottleneck's 1x1 convolution.
    fn reduce(&self, layer: usize, width: usize, affine: &Affine, maps: &[f32], output: &mut [f32]) -> Statistics {
        let input_channels = self.shape.layer_input(layer);
        let values = self.parameters.conv1(layer);
        let lanes = self.processor.lanes();
        let weights = pointwise::pack_forward(lanes, values, input_channels, width);
        let parts = maps
            .chunks(self.chunk * self.stride)
            .zip(output.chunks_mut(self.chunk * padded(width)));
        let moments = parallel::map(self.shape.layer_work(layer), Start::First, parts, |(input, output)| {
            let mut moments = Moments::new(width);
            with_scratch(pointwise::forward_scratch(affine.len()), |scratch| {
                self.processor.run(pointwise::Forward {
                    input,
                    stride: self.stride,
                    affine,
                    weights: &weights,
                    input_channels,
                    output,
                    moments: Some(&mut moments),
                    scratch,
                });
            });
            moments
        });
        let moments = merged(width, &moments);
        let (mean, variance) = moments.finish();
        let mut statistics = Statistics::default();
        statistics.extend(mean, &variance, width);
        statistics
    }

    /// A layer's 3x3 convolution, whose results are the layer's own channels.
    fn grow(&self, layer: usize, width: usize, affine: &Affine, input: Option<&[f32]>, maps: &mut [f32]) -> Moments {
        let shape = self.shape;
        let extent = shape.extent();
        let weights = pack_forward(
            self.processor.lanes(),
            self.parameters.conv3x3(layer),
            width,
            shape.growth_rate,
        );
        let own = shape.layer_input(layer)..shape.layer_input(layer + 1);
        let size = affine.len();
        let parts = maps.chunks_mut(self.chunk * self.stride).enumerate();
        let moments = parallel::map(shape.layer_work(layer), Start::Last, parts, |(index, maps)| {
            let mut moments = Moments::new(shape.growth_rate);
            let scratch = spatial::forward_scratch(extent, size, shape.growth_rate);
            with_scratch(scratch, |scratch| {
                for (image, maps) in maps.chunks_mut(extent.pixels() * self.stride).enumerate() {
                    let first = index * self.chunk + image * extent.pixels();
                    self.processor.run(spatial::Forward {
                        extent,
                        input: input.map(|input| &input[first * size..][..extent.pixels() * size]),
                        stride: if input.is_some() { size } else { self.stride },
                        affine,
                        weights: &weights,
                        maps,
                        maps_stride: self.stride,
                        channels: own.clone(),
                        moments: Some(&mut moments),
                        scratch,
                    });
                }
            });
            moments
        });
        merged(shape.growth_rate, &moments)
    }

    /// Runs the layers after the block.
    fn leave(&self, affine: &Affine, maps: &[f32], output: &mut [f32]) {
        let shape = self.shape;
        let extent = shape.extent();
        let image = extent.pixels() * self.stride;
        let chunk = self.chunk / extent.pixels();
        let channels = shape.channels();
        let work = shape.pixels() * channels;
        let images = maps.chunks(chunk * image);
        match shape.exit {
            Exit::Transition {
                channels: output_channels,
                ..
            } => {
                let values = self.parameters.exit_conv();
                let lanes = self.processor.lanes();
                let weights = pointwise::pack_forward(lanes, values, channels, output_channels);
                let size = (extent.height / 2) * (extent.width / 2) * output_channels;
                let parts = images.zip(output.chunks_mut((chunk * size).max(1)));
                parallel::map(work * output_channels / 4, Start::First, parts, |(maps, output)| {
                    with_scratch(transition_forward_scratch(channels), |scratch| {
                        for (maps, output) in maps.chunks(image).zip(output.chunks_mut(size)) {
                            self.processor.run(TransitionForward {
                                extent,
                                maps,
                                stride: self.stride,
                                affine,
                                weights: &weights,
                                channels,
                                output,
                                output_channels,
                                scratch,
                            });
                        }
                    });
                });
            }
            Exit::Head { .. } => {
                let parts = images.zip(output.chunks_mut(chunk * channels));
                parallel::map(work, Start::First, parts, |(maps, output)| {
                    for (maps, output) in maps.chunks(image).zip(output.chunks_mut(channels)) {
                        self.processor.run(HeadForward {
                            maps,
                            stride: self.stride,
                            affine,
                            output,
                        });
                    }
                });
            }
        }
    }
}

/// Adds rows to moments.
struct Observe<'a> {
    maps: &'a [f32],
    stride: usize,
    moments: &'a mut Moments,
}

impl Kernel for Observe<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        for rows in self.maps.chunks(pointwise::TILE * self.stride) {
            self.moments.add(simd, rows, self.stride, rows.len() / self.stride);
        }
    }
}

fn merged(channels: usize, parts: &[Moments]) -> Moments {
    let mut moments = Moments::new(channels);
    parts.iter().for_each(|part| moments.merge(part));
    moments
}

/// The first channels' statistics as the caller takes them.
fn observation(statistics: &Statistics, channels: usize) -> [Buffer<f32>; 2] {
    [&statistics.mean, &statistics.variance]
        .map(|values| values[..channels].iter().map(|&value| value as f32).collect())
}
