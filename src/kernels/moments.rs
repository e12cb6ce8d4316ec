//! Mean and variance of each channel, merged in a fixed order.

use pulp::Simd;

use super::buffer::Buffer;
use super::tiles::{padded, vectors};

/// Count, mean and sum of squared deviations of every channel of the pixels seen so far.
///
/// Groups of pixels are merged as in Chan, Golub and LeVeque 1983 ("Algorithms for computing the sample variance"): no
/// difference of large sums, whatever the mean.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    pixels: usize,
    mean: Buffer<f64>,
    squares: Buffer<f64>,
}

impl Moments {
    /// Of no pixel.
    pub(super) fn new(channels: usize) -> Self {
        Self {
            pixels: 0,
            mean: Buffer::zeros(padded(channels)),
            squares: Buffer::zeros(padded(channels)),
        }
    }

    /// Adds pixels whose rows are `stride` values apart; the rows' first values are the channels, padded.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, rows: &[f32], stride: usize, pixels: usize) {
        if pixels == 0 {
            return;
        }
        let share = simd.splat_f32s(1.0 / pixels as f32);
        let weight = merge_weight(self.pixels, pixels);
        let lanes = S::F32_LANES;
        for (first, (means, squares)) in self
            .mean
            .chunks_mut(lanes)
            .zip(self.squares.chunks_mut(lanes))
            .enumerate()
        {
            let column = |pixel: usize| vectors::<S>(&rows[pixel * stride + first * lanes..][..lanes])[0];
            let mut sum = simd.splat_f32s(0.0);
            for pixel in 0..pixels {
                sum = simd.add_f32s(sum, column(pixel));
            }
            let center = simd.mul_f32s(sum, share);
            let mut rest = simd.splat_f32s(0.0);
            let mut square = simd.splat_f32s(0.0);
            for pixel in 0..pixels {
                let deviation = simd.sub_f32s(column(pixel), center);
                rest = simd.add_f32s(rest, deviation);
                square = super::tiles::multiply_add(simd, deviation, deviation, square);
            }
            let (mut centers, mut rests, mut group) = ([0.0; 16], [0.0; 16], [0.0; 16]);
            simd.partial_store_f32s(&mut centers[..lanes], center);
            simd.partial_store_f32s(&mut rests[..lanes], rest);
            simd.partial_store_f32s(&mut group[..lanes], square);
            for (lane, (mean, square)) in means.iter_mut().zip(squares).enumerate() {
                // What rounding left of the deviations' sum brings the mean to the sum's full precision.
                let group_mean = f64::from(centers[lane]) + f64::from(rests[lane]) / pixels as f64;
                merge(mean, square, weight, group_mean, f64::from(group[lane]));
            }
        }
        self.pixels += pixels;
    }

    /// Adds the moments of another part of the pixels.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.pixels == 0 {
            return;
        }
        let weight = merge_weight(self.pixels, other.pixels);
        let own = self.mean.iter_mut().zip(self.squares.iter_mut());
        for ((mean, square), (&other_mean, &other_square)) in own.zip(other.mean.iter().zip(other.squares.iter())) {
            merge(mean, square, weight, other_mean, other_square);
        }
        self.pixels += other.pixels;
    }

    /// Mean and biased variance of each channel, the padding's included.
    pub(super) fn finish(&self) -> (&[f64], Buffer<f64>) {
        let pixels = self.pixels.max(1) as f64;
        (&self.mean, self.squares.iter().map(|square| square / pixels).collect())
    }
}

/// The share of the new pixels in all, and what the squared difference of means counts.
#[inline(always)]
fn merge_weight(before: usize, new: usize) -> (f64, f64) {
    let (before, new) = (before as f64, new as f64);
    (new / (before + new), before * new / (before + new))
}

#[inline(always)]
fn merge(mean: &mut f64, squares: &mut f64, (share, weight): (f64, f64), other_mean: f64, other_squares: f64) {
    let difference = other_mean - *mean;
    *mean += difference * share;
    *squares += other_squares + difference * difference * weight;
}
