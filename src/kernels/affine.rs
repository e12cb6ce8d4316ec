//! Normalisation as one multiplication and one addition a value, and the way back.

use pulp::Simd;

use super::buffer::Buffer;
use super::tiles::{cut, multiply_add, padded, vectors, vectors_mut};
use crate::network::EPSILON;

/// The statistics that a channel is normalised with: computed once, whatever number of layers normalises it.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
    /// Means.
    pub(super) mean: Buffer<f64>,
    /// Biased variances.
    pub(super) variance: Buffer<f64>,
    /// What is added to a variance.
    pub(super) epsilon: f64,
}

impl Default for Statistics {
    /// Of no channel, with the usual epsilon.
    fn default() -> Self {
        Self {
            mean: Buffer::default(),
            variance: Buffer::default(),
            epsilon: EPSILON,
        }
    }
}

impl Statistics {
    /// Appends the first `channels` of others.
    pub(super) fn extend(&mut self, mean: &[f64], variance: &[f64], channels: usize) {
        self.mean.extend_from_slice(&mean[..channels]);
        self.variance.extend_from_slice(&variance[..channels]);
    }

    /// 1 / sqrt(variance + epsilon) of a channel.
    pub(super) fn inverse(&self, channel: usize) -> f64 {
        1.0 / (self.variance[channel] + self.epsilon).sqrt()
    }
}

/// gamma * (x - mean) / sqrt(variance + epsilon) + beta as scale * x + shift, for each channel, padded with zeros; and the
/// ReLU that follows, as the largest value that it cuts.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) scale: Buffer<f32>,
    pub(super) shift: Buffer<f32>,
    pub(super) mean: Buffer<f32>,
    /// 0 for a ReLU, negative infinity for none.
    pub(super) floor: f32,
}

impl Affine {
    /// Of the first `gamma.len()` channels.
    pub(super) fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32], relu: bool) -> Self {
        let size = padded(gamma.len());
        let mut affine = Self {
            scale: Buffer::zeros(size),
            shift: Buffer::zeros(size),
            mean: Buffer::zeros(size),
            floor: if relu { 0.0 } else { f32::NEG_INFINITY },
        };
        for (channel, (&gamma, &beta)) in gamma.iter().zip(beta).enumerate() {
            let scale = f64::from(gamma) * statistics.inverse(channel);
            affine.scale[channel] = scale as f32;
            affine.shift[channel] = (f64::from(beta) - statistics.mean[channel] * scale) as f32;
            affine.mean[channel] = statistics.mean[channel] as f32;
        }
        affine
    }

    /// Padded channels.
    pub(super) fn len(&self) -> usize {
        self.scale.len()
    }

    /// A pixel's channels, from the padded channel `first` on, normalised and cut: `output` has as many as it is long.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, simd: S, input: &[f32], first: usize, output: &mut [f32]) {
        let floor = simd.splat_f32s(self.floor);
        let output = vectors_mut::<S>(output);
        let count = output.len();
        let window = first..first + count * S::F32_LANES;
        let input = &vectors::<S>(&input[window.clone()])[..count];
        let scale = &vectors::<S>(&self.scale[window.clone()])[..count];
        let shift = &vectors::<S>(&self.shift[window])[..count];
        for v in 0..count {
            output[v] = cut(simd, floor, multiply_add(simd, input[v], scale[v], shift[v]));
        }
    }
}

/// x * scale + shift for each channel.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) scale: Buffer<f32>,
    pub(super) shift: Buffer<f32>,
}

/// The part of a normalisation's gradient that its statistics bring, for each channel: x * scale + shift, to be added to
/// what came by the values themselves.
///
/// With dy the gradient of a normalisation's output, n pixels and x-hat the normalised input, that of its input is
/// gamma / sqrt(variance + epsilon) * (dy - mean(dy) - x-hat * mean(dy * x-hat)) (Ioffe and Szegedy 2015, section 3).
/// Normalisations that share a channel share its statistics, so that their corrections are one sum.
#[derive(Clone, Debug)]
pub(super) struct Correction {
    sums: Buffer<f64>,
    products: Buffer<f64>,
}

impl Correction {
    /// Of no normalisation.
    pub(super) fn new(channels: usize) -> Self {
        Self {
            sums: Buffer::zeros(channels),
            products: Buffer::zeros(channels),
        }
    }

    /// Adds a normalisation of the first channels, by its gradients of beta (the sums of dy) and gamma (of dy * x-hat).
    pub(super) fn add(&mut self, affine: &Affine, gamma_gradient: &[f32], beta_gradient: &[f32]) {
        let gradients = gamma_gradient.iter().zip(beta_gradient).enumerate();
        for (channel, (&gamma_gradient, &beta_gradient)) in gradients {
            let scale = f64::from(affine.scale[channel]);
            self.sums[channel] += scale * f64::from(beta_gradient);
            self.products[channel] += scale * f64::from(gamma_gradient);
        }
    }

    /// The terms of the channels `range`, padded.
    pub(super) fn finish(&self, statistics: &Statistics, pixels: usize, range: std::ops::Range<usize>) -> Terms {
        let size = padded(range.len());
        let (mut scales, mut shifts) = (Buffer::zeros(size), Buffer::zeros(size));
        for (index, channel) in range.enumerate() {
            let scale = -statistics.inverse(channel) * self.products[channel] / pixels as f64;
            scales[index] = scale as f32;
            shifts[index] = (-self.sums[channel] / pixels as f64 - scale * statistics.mean[channel]) as f32;
        }
        Terms {
            scale: scales,
            shift: shifts,
        }
    }
}
