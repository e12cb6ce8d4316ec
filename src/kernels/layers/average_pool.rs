//! Average pooling: the sum of each window's values, in the order of rows and columns, times 1 / their number.

use std::ops::Range;

use pulp::Simd;

use super::maps::{MapShape, Maps, Windows};
use crate::kernels::parallel::{self, Start};
use crate::kernels::processor::{Kernel, Processor};

/// An average pooling's sizes: every window is one of the ranges of rows by one of the ranges of columns.
#[derive(Clone, Debug)]
pub struct AveragePool {
    input: MapShape,
    rows: Vec<Range<usize>>,
    columns: Vec<Range<usize>>,
    /// What each sum is divided by; none: the number of its values.
    divisor: Option<usize>,
}

impl AveragePool {
    /// Windows over maps, in which padding counts as zeros.
    pub fn over(input: MapShape, output: MapShape, windows: Windows) -> Self {
        let ranges = |count: usize, axis: usize, size: usize| {
            let range = |window: usize| {
                let first = window * windows.stride;
                let end = (first + windows.kernel[axis]).saturating_sub(windows.padding[axis]);
                first.saturating_sub(windows.padding[axis])..end.min(size)
            };
            (0..count).map(range).collect()
        };
        Self {
            input,
            rows: ranges(output.height, 0, input.height),
            columns: ranges(output.width, 1, input.width),
            divisor: Some(windows.kernel[0] * windows.kernel[1]),
        }
    }

    /// Pooling to given sides: row y of n is the mean of the rows from floor(y height / n) to ceil((y + 1) height / n) - 1,
    /// and so are the columns.
    pub fn to(input: MapShape, height: usize, width: usize) -> Self {
        let ranges = |count: usize, size: usize| {
            let range = |place: usize| place * size / count..((place + 1) * size).div_ceil(count);
            (0..count).map(range).collect()
        };
        Self {
            input,
            rows: ranges(height, input.height),
            columns: ranges(width, input.width),
            divisor: None,
        }
    }

    /// The forward pass; maps with padding.
    pub fn forward(&self, processor: Processor, input: Maps<'_>, output: &mut [f32]) {
        let size = self.rows.len() * self.columns.len() * input.stride;
        let parts = output.chunks_mut(size.max(1)).enumerate();
        parallel::map(self.input.values(), Start::First, parts, |(image, output)| {
            let input = input.image(image);
            processor.run(Forward {
                pool: self,
                input,
                output,
            });
        });
    }

    /// The gradient of the input from that of the output; maps with padding.
    pub fn backward(&self, processor: Processor, gradient: &[f32], input_gradient: &mut [f32]) {
        let size = self.rows.len() * self.columns.len() * self.input.stride();
        let input_size = self.input.image_pixels() * self.input.stride();
        let parts = gradient
            .chunks(size.max(1))
            .zip(input_gradient.chunks_mut(input_size.max(1)));
        parallel::map(
            self.input.values(),
            Start::First,
            parts,
            |(gradient, input_gradient)| {
                processor.run(Backward {
                    pool: self,
                    gradient,
                    input_gradient,
                });
            },
        );
    }

    /// Each window's rows, columns and what its sum is multiplied by, in order.
    #[inline(always)]
    fn windows(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>, f32)> {
        self.rows.iter().flat_map(move |rows| {
            self.columns.iter().map(move |columns| {
                let count = self.divisor.unwrap_or(rows.len() * columns.len());
                (rows.clone(), columns.clone(), 1.0 / count as f32)
            })
        })
    }
}

/// An image's forward pass.
struct Forward<'a> {
    pool: &'a AveragePool,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, _: S) {
        let (stride, width) = (self.pool.input.stride(), self.pool.input.width);
        let outputs = self.output.chunks_exact_mut(stride);
        for (to, (rows, columns, share)) in outputs.zip(self.pool.windows()) {
            to.fill(0.0);
            for y in rows {
                for x in columns.clone() {
                    let row = &self.input[(y * width + x) * stride..][..stride];
                    for (sum, value) in to.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
            }
            for sum in to {
                *sum *= share;
            }
        }
    }
}

/// An image's backward pass.
struct Backward<'a> {
    pool: &'a AveragePool,
    gradient: &'a [f32],
    input_gradient: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, _: S) {
        let (stride, width) = (self.pool.input.stride(), self.pool.input.width);
        self.input_gradient.fill(0.0);
        let gradients = self.gradient.chunks_exact(stride);
        for (gradient, (rows, columns, share)) in gradients.zip(self.pool.windows()) {
            for y in rows {
                for x in columns.clone() {
                    let to = &mut self.input_gradient[(y * width + x) * stride..][..stride];
                    for (there, value) in to.iter_mut().zip(gradient) {
                        *there += value * share;
                    }
                }
            }
        }
    }
}
