//! Convolutions of any window, and linear layers, which are convolutions of maps of a single pixel.
//!
//! output[o] = bias[o] + the sum over ky, kx and c, in this order, of input[y stride + ky, x stride + kx, c] weight[o, c, ky, kx],
//! each product added by a fused multiply-add. Vectors lie across outputs, so that a sum's order is that of the indices
//! whatever a vector's width, and several pixels share a vector of weights.

use pulp::Simd;

use super::band::{Geometry, Unit};
use super::maps::{MapShape, Maps, Windows};
use crate::kernels::buffer::Buffer;
use crate::kernels::parallel::{self, Start, with_scratch};
use crate::kernels::processor::{Kernel, Processor};
use crate::kernels::tiles::{Packed, add_products, for_panels, vectors, vectors_mut};

/// How a weight's values follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightOrder {
    /// `[outputs, inputs, rows, columns]`: a convolution's.
    OutputsFirst,
    /// `[inputs, outputs]`: a linear layer's as Burn keeps it.
    InputsFirst,
}

/// A convolution's sizes.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// The maps that it reads.
    pub input: MapShape,
    /// Channels of the output.
    pub outputs: usize,
    /// Its windows; padding is zeros.
    pub windows: Windows,
    /// The order of its weight.
    pub order: WeightOrder,
}

impl Convolution {
    /// The maps that it gives.
    pub fn output(&self) -> MapShape {
        let Windows {
            kernel,
            stride,
            padding,
        } = self.windows;
        let windows = |side: usize, axis: usize| {
            let room = (side + 2 * padding[axis]).checked_sub(kernel[axis]);
            room.map_or(0, |room| room / stride + 1)
        };
        MapShape {
            images: self.input.images,
            height: windows(self.input.height, 0),
            width: windows(self.input.width, 1),
            channels: self.outputs,
        }
    }

    /// The place of a weight.
    pub(super) fn place(&self, output: usize, input: usize, [y, x]: [usize; 2]) -> usize {
        let [rows, columns] = self.windows.kernel;
        match self.order {
            WeightOrder::OutputsFirst => ((output * self.input.channels + input) * rows + y) * columns + x,
            WeightOrder::InputsFirst => input * self.outputs + output,
        }
    }

    /// Multiply-accumulates of a pass.
    pub(super) fn work(&self) -> usize {
        let [rows, columns] = self.windows.kernel;
        self.output().pixels() * self.outputs * self.input.channels * rows * columns
    }

    pub(super) fn geometry(&self) -> Geometry {
        Geometry {
            source: self.input,
            dilation: 1,
            border: self.windows.padding.map(|padding| padding as isize),
            kernel: self.windows.kernel,
            stride: self.windows.stride,
            output: self.output(),
        }
    }

    /// The forward pass into maps with padding.
    pub fn forward(
        &self,
        processor: Processor,
        input: Maps<'_>,
        weight: &[f32],
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let (channels, columns) = (self.input.channels, self.windows.kernel[1]);
        let rows = self.windows.kernel[0] * columns * channels;
        let packed = Packed::new(processor.lanes(), rows, self.outputs, |row, output| {
            let (tap, input) = (row / channels, row % channels);
            weight[self.place(output, input, [tap / columns, tap % columns])]
        });
        products(processor, &self.geometry(), input, &packed, bias, self.work(), output);
    }

    /// The gradient of the input, into maps with padding, from that of the output.
    ///
    /// It is a convolution of the output's gradient, with as many zeros between its pixels as the windows step over, with
    /// the weights turned by 180 degrees.
    pub fn input_gradient(&self, processor: Processor, gradient: Maps<'_>, weight: &[f32], input_gradient: &mut [f32]) {
        let [rows, columns] = self.windows.kernel;
        let outputs = self.outputs;
        let turned = Packed::new(
            processor.lanes(),
            rows * columns * outputs,
            self.input.channels,
            |row, input| {
                let (tap, output) = (row / outputs, row % outputs);
                let place = [rows - 1 - tap / columns, columns - 1 - tap % columns];
                weight[self.place(output, input, place)]
            },
        );
        let border = [0, 1].map(|axis| self.windows.kernel[axis] as isize - 1 - self.windows.padding[axis] as isize);
        let geometry = Geometry {
            source: self.output(),
            dilation: self.windows.stride,
            border,
            kernel: self.windows.kernel,
            stride: 1,
            output: self.input,
        };
        products(
            processor,
            &geometry,
            gradient,
            &turned,
            None,
            self.work(),
            input_gradient,
        );
    }
}

/// The products of all windows with packed weights.
fn products(
    processor: Processor,
    geometry: &Geometry,
    source: Maps<'_>,
    weights: &Packed,
    bias: Option<&[f32]>,
    work: usize,
    output: &mut [f32],
) {
    let stride = geometry.output.stride();
    let mut start = Buffer::zeros(stride);
    if let Some(bias) = bias {
        start[..bias.len()].copy_from_slice(bias);
    }
    let units = geometry.units();
    let scratch = geometry.scratch(&units);
    let mut rest = output;
    let mut parts = Vec::with_capacity(units.len());
    for unit in &units {
        let (own, behind) = rest.split_at_mut(geometry.unit_pixels(unit) * stride);
        parts.push((unit, own));
        rest = behind;
    }
    parallel::map(work, Start::First, parts.into_iter(), |(unit, output)| {
        with_scratch(scratch, |band| {
            geometry.fill(source, unit, band);
            processor.run(Products {
                geometry,
                unit,
                band,
                weights,
                start: &start,
                output,
            });
        });
    });
}

/// The products of a unit's windows.
struct Products<'a> {
    geometry: &'a Geometry,
    unit: &'a Unit,
    band: &'a [f32],
    /// Row after row of a window, for each pixel its channels.
    weights: &'a Packed,
    /// What each sum starts at, padded.
    start: &'a [f32],
    /// Rows of padded channels.
    output: &'a mut [f32],
}

impl Kernel for Products<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let geometry = self.geometry;
        let (run, line, stride) = (geometry.run(), geometry.line(), geometry.output.stride());
        let starts = self.starts(M);
        let pixels = geometry.unit_pixels(self.unit);
        for_panels!(self.weights.vectors, |panel, V| {
            let channel = panel * S::F32_LANES;
            let start = &vectors::<S>(&self.start[channel..][..V * S::F32_LANES])[..V];
            for (group, starts) in starts.chunks_exact(M).enumerate() {
                let mut sums = [[simd.splat_f32s(0.0); V]; M];
                for row in &mut sums {
                    row.copy_from_slice(start);
                }
                for ky in 0..geometry.kernel[0] {
                    let rows: [&[f32]; M] = std::array::from_fn(|m| &self.band[starts[m] + ky * line..][..run]);
                    let weights = self.weights.panel(panel, V, ky * run..(ky + 1) * run);
                    sums = add_products::<S, M, V>(simd, rows, weights, sums);
                }
                for (m, sums) in sums.iter().enumerate() {
                    let pixel = group * M + m;
                    if pixel < pixels {
                        let place = pixel * stride + channel;
                        vectors_mut::<S>(&mut self.output[place..][..V * S::F32_LANES]).copy_from_slice(sums);
                    }
                }
            }
        });
    }
}

impl Products<'_> {
    /// Where each window starts in the band; the last again up to a whole number of groups of `group`.
    fn starts(&self, group: usize) -> Vec<usize> {
        let geometry = self.geometry;
        let (line, block) = (geometry.line(), geometry.block(self.unit.rows));
        let step = geometry.stride * geometry.source.channels;
        let mut starts = Vec::with_capacity(geometry.unit_pixels(self.unit) + group);
        for image in 0..self.unit.images {
            for y in 0..self.unit.rows {
                let first = image * block + y * geometry.stride * line;
                starts.extend((0..geometry.output.width).map(|x| first + x * step));
            }
        }
        let last = starts.last().copied().unwrap_or(0);
        starts.resize(starts.len().next_multiple_of(group), last);
        starts
    }
}
