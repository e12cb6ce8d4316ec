//! A stage's training pass backward.

use super::affine::{Affine, Correction, Statistics, Terms};
use super::buffer::Buffer;
use super::exits::{HeadBackward, TransitionBackward, transition_backward_scratch};
use super::forward::Saved;
use super::memory::Memory;
use super::parallel::{self, Start, with_scratch};
use super::pointwise::{self, NormSums, OUTER};
use super::processor::Processor;
use super::shape::{Exit, Norm, StageShape};
use super::spatial::{self, pack_backward, padded_growth};
use super::stage::Stage;
use super::tiles::padded;

/// The results of a backward pass.
pub struct Gradients<V> {
    /// `[images, height, width, input channels]`, where it is wanted.
    pub input: Option<V>,
    /// Each parameter's, in the order of [`StageShape::parameter_sizes`]; none of those that are not wanted.
    pub parameters: Vec<Option<Buffer<f32>>>,
}

/// Which gradients a backward pass is to give.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The input's.
    pub input: bool,
    /// Of each parameter, in the order of [`StageShape::parameter_sizes`]. A convolution's weights' that are not wanted are
    /// not computed; a normalisation's are sums that the input's gradient takes, too.
    pub parameters: &'a [bool],
}

/// The gradients of what entered [`forward`](super::forward()), from the gradient of its output.
pub fn backward<M: Memory>(
    shape: &StageShape,
    processor: Processor,
    memory: &M,
    parameters: &[&[f32]],
    saved: Saved<M::Values>,
    output_gradient: &[f32],
    wanted: Wanted<'_>,
) -> Gradients<M::Values> {
    let stage = Stage::new(shape, processor, parameters);
    parallel::enter(shape.work(), || {
        stage.run_backward(memory, saved, output_gradient, wanted)
    })
}

impl Stage<'_> {
    fn run_backward<M: Memory>(
        &self,
        memory: &M,
        saved: Saved<M::Values>,
        output_gradient: &[f32],
        wanted: Wanted<'_>,
    ) -> Gradients<M::Values> {
        let shape = self.shape;
        let Saved {
            maps,
            statistics,
            mut bottlenecks,
        } = saved;
        let mut correction = Correction::new(shape.channels());
        let mut gradient = memory.values(shape.pixels() * self.stride);
        let mut parameters = Found::new(wanted.parameters);

        let affine = self.exit_affine(&statistics);
        let has_weights = matches!(shape.exit, Exit::Transition { .. });
        let wants_weights = has_weights && parameters.wants_next();
        let (sums, weights) = self.enter_back(&affine, &maps, output_gradient, &mut gradient, wants_weights);
        if has_weights {
            parameters.weights(weights);
        }
        let norm = norm_gradients(&sums, &statistics, shape.channels());
        correction.add(&affine, &norm[0], &norm[1]);
        parameters.norm(norm);

        for layer in (0..shape.layers).rev() {
            let own = shape.layer_input(layer)..shape.layer_input(layer + 1);
            let own_correction = correction.finish(&statistics, shape.pixels(), own);
            let Norm { gamma, beta } = self.parameters.norm1(layer);
            let affine = Affine::new(&statistics, gamma, beta, true);
            let sums = match bottlenecks.pop() {
                Some((output, inner)) => {
                    let Norm { gamma, beta } = self.parameters.norm2(layer);
                    let width = gamma.len();
                    let inner_affine = Affine::new(&inner, gamma, beta, true);
                    let mut normalised = memory.values(output.len());
                    let convolution = Convolution {
                        layer,
                        affine: &inner_affine,
                        correction: &own_correction,
                        wants_weights: parameters.wants_next(),
                    };
                    let input = Some((&output[..], &mut normalised[..]));
                    let (sums, weights) = self.shrink_back(&convolution, input, &maps, &mut gradient);
                    parameters.weights(weights);
                    let norm = norm_gradients(&sums, &inner, width);
                    let mut inner_correction = Correction::new(width);
                    inner_correction.add(&inner_affine, &norm[0], &norm[1]);
                    let by_statistics = inner_correction.finish(&inner, shape.pixels(), 0..width);
                    parameters.norm(norm);
                    let through = Through {
                        output: &output,
                        normalised_gradient: &normalised,
                        affine: &inner_affine,
                        by_statistics: &by_statistics,
                        wants_weights: parameters.wants_next(),
                    };
                    let (sums, weights) = self.reduce_back(layer, width, &affine, &through, &maps, &mut gradient);
                    parameters.weights(weights);
                    sums
                }
                None => {
                    let convolution = Convolution {
                        layer,
                        affine: &affine,
                        correction: &own_correction,
                        wants_weights: parameters.wants_next(),
                    };
                    let (sums, weights) = self.shrink_back(&convolution, None, &maps, &mut gradient);
                    parameters.weights(weights);
                    sums
                }
            };
            let norm = norm_gradients(&sums, &statistics, shape.layer_input(layer));
            correction.add(&affine, &norm[0], &norm[1]);
            parameters.norm(norm);
        }

        let input = wanted.input.then(|| {
            let mut input = memory.values(shape.pixels() * shape.input_channels);
            let terms = correction.finish(&statistics, shape.pixels(), 0..shape.input_channels);
            self.give_back(&terms, &maps, &gradient, &mut input);
            input
        });
        Gradients {
            input,
            parameters: parameters.in_order(),
        }
    }

    /// The exit's backward pass: its normalisation's sums and a transition's weights' gradient.
    fn enter_back(
        &self,
        affine: &Affine,
        maps: &[f32],
        output_gradient: &[f32],
        gradient: &mut [f32],
        wants_weights: bool,
    ) -> (NormSums, Option<Buffer<f32>>) {
        let shape = self.shape;
        let extent = shape.extent();
        let image = extent.pixels() * self.stride;
        let chunk = self.chunk / extent.pixels();
        let channels = shape.channels();
        let work = shape.pixels() * channels;
        let images = maps.chunks(chunk * image).zip(gradient.chunks_mut(chunk * image));
        match shape.exit {
            Exit::Transition {
                channels: output_channels,
                ..
            } => {
                let values = self.parameters.exit_conv();
                let lanes = self.processor.lanes();
                let weights = pointwise::pack_backward(lanes, values, channels, output_channels);
                let size = (extent.height / 2) * (extent.width / 2) * output_channels;
                let parts = images.enumerate();
                let found = parallel::map(
                    work * output_channels / 2,
                    Start::Last,
                    parts,
                    |(index, (maps, gradient))| {
                        let mut sums = NormSums::new(affine.len());
                        let mut weight_gradient =
                            wants_weights.then(|| Buffer::zeros(padded(output_channels) * affine.len()));
                        with_scratch(transition_backward_scratch(output_channels), |scratch| {
                            let images = maps.chunks(image).zip(gradient.chunks_mut(image)).enumerate();
                            for (number, (maps, gradient)) in images {
                                self.processor.run(TransitionBackward {
                                    extent,
                                    maps,
                                    stride: self.stride,
                                    affine,
                                    output_gradient: &output_gradient[(index * chunk + number) * size..][..size],
                                    output_channels,
                                    weights: &weights,
                                    gradient,
                                    weight_gradient: weight_gradient.as_deref_mut(),
                                    sums: &mut sums,
                                    scratch,
                                });
                            }
                        });
                        (sums, weight_gradient)
                    },
                );
                let (sums, weights) = summed(affine.len(), found);
                let ordered = |weights: Buffer<f32>| unpadded(&weights, affine.len(), output_channels, channels);
                (sums, weights.map(ordered))
            }
            Exit::Head { .. } => {
                let parts = images.zip(output_gradient.chunks(chunk * channels));
                let found = parallel::map(work, Start::Last, parts, |((maps, gradient), output_gradient)| {
                    let mut sums = NormSums::new(affine.len());
                    let images = maps.chunks(image).zip(gradient.chunks_mut(image));
                    for ((maps, gradient), output_gradient) in images.zip(output_gradient.chunks(channels)) {
                        let (stride, sums) = (self.stride, &mut sums);
                        self.processor.run(HeadBackward {
                            maps,
                            stride,
                            affine,
                            output_gradient,
                            gradient,
                            sums,
                        });
                    }
                    (sums, None)
                });
                (summed(affine.len(), found).0, None)
            }
        }
    }

    /// A 3x3 convolution's backward pass: the sums of the normalisation before it and the weights' gradient.
    /// `bottleneck` is the convolution's input and where the gradient of what normalised it goes; none: the block's
    /// channels are the input and get the gradient.
    fn shrink_back(
        &self,
        convolution: &Convolution<'_>,
        bottleneck: Option<(&[f32], &mut [f32])>,
        maps: &[f32],
        gradient: &mut [f32],
    ) -> (NormSums, Option<Buffer<f32>>) {
        let Convolution {
            layer,
            affine,
            correction,
            wants_weights,
        } = *convolution;
        let shape = self.shape;
        let extent = shape.extent();
        let width = shape.bottleneck.unwrap_or_else(|| shape.layer_input(layer));
        let (size, growth) = (affine.len(), padded_growth(shape.growth_rate));
        let weights = pack_backward(
            self.processor.lanes(),
            self.parameters.conv3x3(layer),
            width,
            shape.growth_rate,
        );
        let image = extent.pixels();
        let (input, normalised) = bottleneck.unzip();
        let mut normalised = normalised.map(|values| values.chunks_mut(self.chunk * size));
        let parts = gradient.chunks_mut(self.chunk * self.stride).enumerate();
        let parts = parts.map(|(index, gradient)| (index, gradient, normalised.as_mut().and_then(Iterator::next)));
        let found = parallel::map(
            2 * shape.layer_work(layer),
            Start::First,
            parts,
            |(index, gradient, normalised)| {
                let mut sums = NormSums::new(size);
                let mut weight_gradient = wants_weights.then(|| Buffer::zeros(9 * growth * size));
                let mut normalised = normalised.map(|values| values.chunks_mut(image * size));
                with_scratch(spatial::backward_scratch(extent, size, shape.growth_rate), |scratch| {
                    for (number, gradient) in gradient.chunks_mut(image * self.stride).enumerate() {
                        let first = index * self.chunk + number * image;
                        let maps = &maps[first * self.stride..][..image * self.stride];
                        self.processor.run(spatial::Backward {
                            extent,
                            input: input.map_or(maps, |input| &input[first * size..][..image * size]),
                            stride: if input.is_some() { size } else { self.stride },
                            affine,
                            weights: &weights,
                            maps,
                            gradient,
                            maps_stride: self.stride,
                            channels: shape.layer_input(layer)..shape.layer_input(layer + 1),
                            correction,
                            normalised_gradient: normalised.as_mut().and_then(Iterator::next),
                            weight_gradient: weight_gradient.as_deref_mut(),
                            sums: &mut sums,
                            scratch,
                        });
                    }
                });
                (sums, weight_gradient)
            },
        );
        let (sums, weights) = summed(size, found);
        let ordered = |weights: Buffer<f32>| {
            let mut ordered = Buffer::zeros(shape.growth_rate * width * 9);
            for (index, value) in ordered.iter_mut().enumerate() {
                let (output, input, tap) = (index / 9 / width, index / 9 % width, index % 9);
                *value = weights[(tap * growth + output) * size + input];
            }
            ordered
        };
        (sums, weights.map(ordered))
    }

    /// A bottleneck's 1x1 convolution's backward pass: the sums of the normalisation before it and the weights' gradient.
    fn reduce_back(
        &self,
        layer: usize,
        width: usize,
        affine: &Affine,
        through: &Through<'_>,
        maps: &[f32],
        gradient: &mut [f32],
    ) -> (NormSums, Option<Buffer<f32>>) {
        let shape = self.shape;
        let input_channels = shape.layer_input(layer);
        let values = self.parameters.conv1(layer);
        let lanes = self.processor.lanes();
        let weights = pointwise::pack_backward(lanes, values, input_channels, width);
        let (rows, size) = (self.chunk * self.stride, self.chunk * padded(width));
        let outputs = through
            .output
            .chunks(size)
            .zip(through.normalised_gradient.chunks(size));
        let parts = maps.chunks(rows).zip(gradient.chunks_mut(rows)).zip(outputs);
        let work = 2 * shape.layer_work(layer);
        let found = parallel::map(
            work,
            Start::Last,
            parts,
            |((input, gradient), (output, normalised_gradient))| {
                let mut sums = NormSums::new(affine.len());
                let size = width.next_multiple_of(OUTER) * affine.len();
                let mut weight_gradient = through.wants_weights.then(|| Buffer::zeros(size));
                with_scratch(pointwise::backward_scratch(padded(width)), |scratch| {
                    self.processor.run(pointwise::Backward {
                        input,
                        stride: self.stride,
                        affine,
                        output,
                        normalised_gradient,
                        scale: &through.affine.scale,
                        output_scale: &through.by_statistics.scale,
                        shift: &through.by_statistics.shift,
                        output_channels: width,
                        weights: &weights,
                        gradient,
                        weight_gradient: weight_gradient.as_deref_mut(),
                        sums: &mut sums,
                        scratch,
                    });
                });
                (sums, weight_gradient)
            },
        );
        let (sums, weights) = summed(affine.len(), found);
        let ordered = |weights: Buffer<f32>| unpadded(&weights, affine.len(), width, input_channels);
        (sums, weights.map(ordered))
    }

    /// The gradient of the channels that entered.
    fn give_back(&self, correction: &Terms, maps: &[f32], gradient: &[f32], input: &mut [f32]) {
        let channels = self.shape.input_channels;
        let rows = self.chunk * self.stride;
        let parts = maps
            .chunks(rows)
            .zip(gradient.chunks(rows))
            .zip(input.chunks_mut(self.chunk * channels));
        let (scale, shift) = (&correction.scale[..channels], &correction.shift[..channels]);
        parallel::map(
            self.shape.pixels() * channels,
            Start::First,
            parts,
            |((maps, gradient), input)| {
                let rows = maps.chunks_exact(self.stride).zip(gradient.chunks_exact(self.stride));
                for ((maps, gradient), input) in rows.zip(input.chunks_exact_mut(channels)) {
                    let (maps, gradient) = (&maps[..channels], &gradient[..channels]);
                    for channel in 0..channels {
                        input[channel] = gradient[channel] + (maps[channel] * scale[channel] + shift[channel]);
                    }
                }
            },
        );
    }
}

/// A bottleneck's output and the parts of its gradient.
struct Through<'a> {
    output: &'a [f32],
    /// Of what the normalisation after it gave.
    normalised_gradient: &'a [f32],
    /// That normalisation.
    affine: &'a Affine,
    by_statistics: &'a Terms,
    /// Whether the gradient of the 1x1 convolution's weights is wanted.
    wants_weights: bool,
}

/// A layer's 3x3 convolution.
struct Convolution<'a> {
    layer: usize,
    /// The normalisation before it.
    affine: &'a Affine,
    /// What is added to the gradient of the layer's own channels.
    correction: &'a Terms,
    /// Whether the gradient of its weights is wanted.
    wants_weights: bool,
}

/// The gradients of parameters as the backward pass finds them, the last parameter's first.
struct Found<'a> {
    wanted: &'a [bool],
    gradients: Vec<Option<Buffer<f32>>>,
}

impl<'a> Found<'a> {
    fn new(wanted: &'a [bool]) -> Self {
        Self {
            wanted,
            gradients: Vec::with_capacity(wanted.len()),
        }
    }

    /// Whether the next parameter's is wanted.
    fn wants_next(&self) -> bool {
        self.wanted[self.wanted.len() - 1 - self.gradients.len()]
    }

    /// Of a convolution's weights, which were computed where they are wanted.
    fn weights(&mut self, weights: Option<Buffer<f32>>) {
        self.gradients.push(weights);
    }

    /// Of gamma and beta.
    fn norm(&mut self, [gamma, beta]: [Buffer<f32>; 2]) {
        for values in [beta, gamma] {
            let values = self.wants_next().then_some(values);
            self.gradients.push(values);
        }
    }

    fn in_order(mut self) -> Vec<Option<Buffer<f32>>> {
        self.gradients.reverse();
        self.gradients
    }
}

fn summed(channels: usize, parts: Vec<(NormSums, Option<Buffer<f32>>)>) -> (NormSums, Option<Buffer<f32>>) {
    let (sums, weights): (Vec<NormSums>, Vec<Option<Buffer<f32>>>) = parts.into_iter().unzip();
    let weights: Option<Vec<Buffer<f32>>> = weights.into_iter().collect();
    let sums = NormSums {
        beta: parallel::sum_f64(sums.iter().map(|sums| &sums.beta[..]), channels),
        gamma: parallel::sum_f64(sums.iter().map(|sums| &sums.gamma[..]), channels),
    };
    (sums, weights.map(parallel::sum))
}

/// The gradients of gamma and beta.
pub(super) fn norm_gradients(sums: &NormSums, statistics: &Statistics, channels: usize) -> [Buffer<f32>; 2] {
    let gamma = (0..channels).map(|channel| (sums.gamma[channel] * statistics.inverse(channel)) as f32);
    [
        gamma.collect(),
        sums.beta[..channels].iter().map(|&sum| sum as f32).collect(),
    ]
}

/// Rows without their padding.
fn unpadded(values: &[f32], stride: usize, rows: usize, channels: usize) -> Buffer<f32> {
    values
        .chunks_exact(stride)
        .take(rows)
        .flat_map(|row| &row[..channels])
        .copied()
        .collect()
}
