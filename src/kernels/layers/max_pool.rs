//! Max pooling: of each window the largest value, NaN where there is one; its gradient goes to the first such value in
//! the order of rows and columns.

use pulp::Simd;

use super::maps::{MapShape, Maps, Windows};
use crate::kernels::parallel::{self, Start};
use crate::kernels::processor::{Kernel, Processor};

/// A max pooling's sizes.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// The maps that it reads.
    pub input: MapShape,
    /// The maps that it gives: a last window may pass the input's end.
    pub output: MapShape,
    /// The windows; what pads the maps is smaller than any value.
    pub windows: Windows,
}

impl MaxPool {
    /// The forward pass; maps with padding.
    pub fn forward(&self, processor: Processor, input: Maps<'_>, output: &mut [f32]) {
        let size = self.output.image_pixels() * input.stride;
        let parts = output.chunks_mut(size.max(1)).enumerate();
        let work = self.output.values() * self.windows.kernel[0] * self.windows.kernel[1];
        parallel::map(work, Start::First, parts, |(image, output)| {
            let input = input.image(image);
            processor.run(Forward {
                pool: self,
                input,
                output,
            });
        });
    }

    /// The gradient of the input from that of the output; maps with padding.
    pub fn backward(&self, processor: Processor, input: Maps<'_>, gradient: &[f32], input_gradient: &mut [f32]) {
        let size = self.output.image_pixels() * input.stride;
        let sizes = self.input.image_pixels() * input.stride;
        let parts = gradient
            .chunks(size.max(1))
            .zip(input_gradient.chunks_mut(sizes.max(1)));
        let work = self.output.values() * self.windows.kernel[0] * self.windows.kernel[1];
        parallel::map(
            work,
            Start::First,
            parts.enumerate(),
            |(image, (gradient, input_gradient))| {
                let input = input.image(image);
                processor.run(Backward {
                    pool: self,
                    input,
                    gradient,
                    input_gradient,
                });
            },
        );
    }

    /// The pixels under a window, in order.
    #[inline(always)]
    fn under(&self, y: usize, x: usize) -> impl Iterator<Item = usize> {
        let inside = |window: usize, axis: usize, size: usize| {
            let first = window * self.windows.stride;
            let end = (first + self.windows.kernel[axis]).saturating_sub(self.windows.padding[axis]);
            first.saturating_sub(self.windows.padding[axis])..end.min(size)
        };
        let (rows, columns) = (inside(y, 0, self.input.height), inside(x, 1, self.input.width));
        let width = self.input.width;
        rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
    }
}

/// An image's forward pass.
struct Forward<'a> {
    pool: &'a MaxPool,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, _: S) {
        let stride = self.pool.input.stride();
        let width = self.pool.output.width;
        for (pixel, to) in self.output.chunks_exact_mut(stride).enumerate() {
            to.fill(f32::NEG_INFINITY);
            for under in self.pool.under(pixel / width, pixel % width) {
                let row = &self.input[under * stride..][..stride];
                for (largest, &value) in to.iter_mut().zip(row) {
                    *largest = if value > *largest || value.is_nan() {
                        value
                    } else {
                        *largest
                    };
                }
            }
        }
    }
}

/// An image's backward pass.
struct Backward<'a> {
    pool: &'a MaxPool,
    input: &'a [f32],
    gradient: &'a [f32],
    input_gradient: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, _: S) {
        let stride = self.pool.input.stride();
        let width = self.pool.output.width;
        let (mut largest, mut place) = (vec![0.0f32; stride], vec![0u32; stride]);
        let (largest, place) = (&mut largest[..stride], &mut place[..stride]);
        self.input_gradient.fill(0.0);
        for (pixel, gradient) in self.gradient.chunks_exact(stride).enumerate() {
            largest.fill(f32::NEG_INFINITY);
            place.fill(u32::MAX);
            for (number, under) in (0u32..).zip(self.pool.under(pixel / width, pixel % width)) {
                let row = &self.input[under * stride..][..stride];
                for channel in 0..stride {
                    let value = row[channel];
                    let is_larger = value > largest[channel] || value.is_nan() || place[channel] == u32::MAX;
                    largest[channel] = if is_larger { value } else { largest[channel] };
                    place[channel] = if is_larger { number } else { place[channel] };
                }
            }
            for (number, under) in (0u32..).zip(self.pool.under(pixel / width, pixel % width)) {
                let to = &mut self.input_gradient[under * stride..][..stride];
                for channel in 0..stride {
                    to[channel] += if place[channel] == number {
                        gradient[channel]
                    } else {
                        0.0
                    };
                }
            }
        }
    }
}
