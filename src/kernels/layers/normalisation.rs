//! Batch normalisation by itself, with the ReLU that may follow it.
//!
//! y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015, arXiv 1502.03167); the statistics of a
//! batch are those of chunks of images, merged in their order. Backward, first the sums that gamma and beta get as
//! gradients, over the same chunks, then dx = scale dy + what comes by the statistics.

use pulp::Simd;

use super::maps::Maps;
use crate::kernels::affine::{Affine, Correction, Statistics, Terms};
use crate::kernels::backward::norm_gradients;
use crate::kernels::buffer::Buffer;
use crate::kernels::moments::Moments;
use crate::kernels::parallel::{self, Chunks, Start};
use crate::kernels::pointwise::{Channels, NormSums, TILE};
use crate::kernels::processor::{Kernel, Processor};
use crate::kernels::tiles::{multiply_add, vectors, vectors_mut};

/// A normalisation with its statistics.
#[derive(Clone, Debug)]
pub struct Normalisation {
    affine: Affine,
    statistics: Statistics,
    is_of_batch: bool,
}

impl Normalisation {
    /// By the statistics of maps with padding.
    pub fn of_batch(
        processor: Processor,
        maps: Maps<'_>,
        [gamma, beta]: [&[f32]; 2],
        relu: bool,
        epsilon: f64,
    ) -> Self {
        let channels = maps.shape.channels;
        let chunk = chunk(maps);
        let parts = maps.values.chunks(chunk);
        let found = parallel::map(maps.values.len(), Start::First, parts, |values| {
            let mut moments = Moments::new(channels);
            processor.run(Observe {
                values,
                stride: maps.stride,
                moments: &mut moments,
            });
            moments
        });
        let mut moments = Moments::new(channels);
        found.iter().for_each(|part| moments.merge(part));
        let (mean, variance) = moments.finish();
        let mut statistics = Statistics {
            epsilon,
            ..Statistics::default()
        };
        statistics.extend(mean, &variance, channels);
        Self {
            affine: Affine::new(&statistics, gamma, beta, relu),
            statistics,
            is_of_batch: true,
        }
    }

    /// By given statistics: those of evaluation, or of a frozen normalisation.
    pub fn of_running([mean, variance]: [&[f32]; 2], [gamma, beta]: [&[f32]; 2], relu: bool, epsilon: f64) -> Self {
        let widen = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
        let statistics = Statistics {
            mean: widen(mean),
            variance: widen(variance),
            epsilon,
        };
        Self {
            affine: Affine::new(&statistics, gamma, beta, relu),
            statistics,
            is_of_batch: false,
        }
    }

    /// Mean and biased variance.
    pub fn statistics(&self) -> [Buffer<f32>; 2] {
        let Statistics { mean, variance, .. } = &self.statistics;
        [mean, variance].map(|values| values.iter().map(|&value| value as f32).collect())
    }

    /// The normalised maps, both with padding.
    pub fn forward(&self, processor: Processor, maps: Maps<'_>, output: &mut [f32]) {
        let chunk = chunk(maps);
        let parts = maps.values.chunks(chunk).zip(output.chunks_mut(chunk));
        parallel::map(maps.values.len(), Start::Last, parts, |(values, output)| {
            processor.run(Apply {
                affine: &self.affine,
                values,
                output,
            });
        });
    }

    /// Turns the gradient of the output into that of the input, maps with padding; gives those of gamma and beta.
    pub fn backward(&self, processor: Processor, maps: Maps<'_>, gradient: &mut [f32]) -> [Buffer<f32>; 2] {
        let size = self.affine.len();
        let chunk = chunk(maps);
        let work = maps.values.len();
        let parts = maps.values.chunks(chunk).zip(gradient.chunks(chunk));
        let found = parallel::map(work, Start::First, parts, |(values, gradient)| {
            let mut sums = NormSums::new(size);
            processor.run(Sum {
                affine: &self.affine,
                values,
                gradient,
                sums: &mut sums,
            });
            sums
        });
        let sums = NormSums {
            beta: parallel::sum_f64(found.iter().map(|sums| &sums.beta[..]), size),
            gamma: parallel::sum_f64(found.iter().map(|sums| &sums.gamma[..]), size),
        };
        let channels = maps.shape.channels;
        let [of_gamma, of_beta] = norm_gradients(&sums, &self.statistics, channels);
        let mut correction = Correction::new(channels);
        if self.is_of_batch {
            correction.add(&self.affine, &of_gamma, &of_beta);
        }
        let terms = correction.finish(&self.statistics, maps.shape.pixels(), 0..channels);
        let parts = maps.values.chunks(chunk).zip(gradient.chunks_mut(chunk));
        parallel::map(work, Start::Last, parts, |(values, gradient)| {
            processor.run(Turn {
                affine: &self.affine,
                terms: &terms,
                values,
                gradient,
            });
        });
        [of_gamma, of_beta]
    }
}

/// Values of a chunk of whole images.
fn chunk(maps: Maps<'_>) -> usize {
    let pixels = maps.shape.image_pixels();
    (Chunks::new(maps.shape.images, pixels).images * pixels * maps.stride).max(1)
}

/// Adds rows to moments.
struct Observe<'a> {
    values: &'a [f32],
    stride: usize,
    moments: &'a mut Moments,
}

impl Kernel for Observe<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        for rows in self.values.chunks(TILE * self.stride) {
            self.moments.add(simd, rows, self.stride, rows.len() / self.stride);
        }
    }
}

/// Normalises rows.
struct Apply<'a> {
    affine: &'a Affine,
    values: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let size = self.affine.len();
        for (row, to) in self.values.chunks_exact(size).zip(self.output.chunks_exact_mut(size)) {
            self.affine.apply(simd, row, 0, to);
        }
    }
}

/// Sums the gradients of beta and gamma, in groups of [`TILE`] pixels.
struct Sum<'a> {
    affine: &'a Affine,
    values: &'a [f32],
    gradient: &'a [f32],
    sums: &'a mut NormSums,
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let size = self.affine.len();
        let tiles = self.values.chunks(TILE * size).zip(self.gradient.chunks(TILE * size));
        for (values, gradient) in tiles {
            for channel in (0..size).step_by(S::F32_LANES) {
                let constants = Channels::new(simd, self.affine, channel);
                let mut norm_sums = [simd.splat_f32s(0.0); 2];
                for (row, gradient) in values.chunks_exact(size).zip(gradient.chunks_exact(size)) {
                    let (row, gradient) = (vectors::<S>(&row[channel..])[0], vectors::<S>(&gradient[channel..])[0]);
                    constants.through_relu(simd, row, gradient, &mut norm_sums);
                }
                self.sums.add(simd, channel, norm_sums[0], norm_sums[1]);
            }
        }
    }
}

/// Turns gradients of the output into those of the input.
struct Turn<'a> {
    affine: &'a Affine,
    terms: &'a Terms,
    values: &'a [f32],
    gradient: &'a mut [f32],
}

impl Kernel for Turn<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let size = self.affine.len();
        let rows = self.values.chunks_exact(size).zip(self.gradient.chunks_exact_mut(size));
        for (row, gradient) in rows {
            for channel in (0..size).step_by(S::F32_LANES) {
                let constants = Channels::new(simd, self.affine, channel);
                let input = vectors::<S>(&row[channel..])[0];
                let there = &mut vectors_mut::<S>(&mut gradient[channel..])[0];
                let mut unused = [simd.splat_f32s(0.0); 2];
                let passed = constants.through_relu(simd, input, *there, &mut unused);
                let scale = vectors::<S>(&self.terms.scale[channel..])[0];
                let shift = vectors::<S>(&self.terms.shift[channel..])[0];
                *there = multiply_add(simd, input, scale, shift);
                constants.add_to(simd, passed, there);
            }
        }
    }
}
