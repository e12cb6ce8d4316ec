//! The gradients of a convolution's weight and bias.
//!
//! weight gradient[o, c, ky, kx] = the sum over images, y and x, in this order, of input[y stride + ky, x stride + kx, c] gradient[y, x, o].
//! The sums of a unit's pixels stay in registers and are added to those of the units before it; a batch has several such
//! series, which are added up at the end in their order. Units and series follow from the sizes alone.

use std::ops::Range;

use pulp::Simd;

use super::band::{Geometry, Unit};
use super::convolution::Convolution;
use super::maps::Maps;
use crate::kernels::buffer::Buffer;
use crate::kernels::parallel::{self, Start, with_scratch};
use crate::kernels::pointwise::add_rows;
use crate::kernels::processor::{Kernel, Processor};
use crate::kernels::tiles::{add_outer_products, for_panels, vectors};

/// Rows of the weights' gradient that are summed at once, or in two halves.
const GROUP: usize = 8;
/// Most series of sums.
const SERIES: usize = 32;
/// Pixels that a series has at the least, where there are as many.
const SERIES_PIXELS: usize = 1024;
/// Values that all series' sums have at the most.
const SERIES_VALUES: usize = 16 << 20;
/// Tasks that a thread pool is given at the least.
const TASKS: usize = 16;

impl Convolution {
    /// The gradient of the weight, in its order, from the input and the output's gradient, maps with padding.
    pub fn weight_gradient(&self, processor: Processor, input: Maps<'_>, gradient: Maps<'_>) -> Buffer<f32> {
        let geometry = self.geometry();
        let units = geometry.units();
        let stride = gradient.stride;
        let groups = Groups::new(&geometry);
        let values = groups.count() * GROUP * stride;
        let series = (geometry.output.pixels() / SERIES_PIXELS).clamp(1, SERIES);
        let series = series.min((SERIES_VALUES / values.max(1)).max(1));
        let units_of_one = units.len().div_ceil(series).max(1);
        let mut sums: Vec<Buffer<f32>> = units.chunks(units_of_one).map(|_| Buffer::zeros(values)).collect();
        // A sum is made by one task, whichever others there are.
        let groups_of_task = groups.count().div_ceil(TASKS.div_ceil(sums.len().max(1))).max(1);
        let scratch = geometry.scratch(&units);
        let parts = units.chunks(units_of_one).zip(&mut sums).flat_map(|(units, sums)| {
            let tasks = sums.chunks_mut(groups_of_task * GROUP * stride).enumerate();
            tasks.map(move |(task, to)| (units, task * groups_of_task, to))
        });
        parallel::map(self.work(), Start::First, parts, |(units, first, to)| {
            with_scratch(scratch, |band| {
                for unit in units {
                    geometry.fill(input, unit, band);
                    let pixels = geometry.first_pixel(unit)..geometry.first_pixel(unit) + geometry.unit_pixels(unit);
                    processor.run(OuterProducts {
                        geometry: &geometry,
                        unit,
                        band,
                        gradient: &gradient.values[pixels.start * stride..pixels.end * stride],
                        stride,
                        groups: &groups,
                        own: first..first + to.len() / (GROUP * stride),
                        to,
                    });
                }
            });
        });
        let sums = parallel::sum(sums);
        self.ordered(&groups, &sums, stride)
    }

    /// The sums in the order of the weight.
    fn ordered(&self, groups: &Groups, sums: &[f32], stride: usize) -> Buffer<f32> {
        let [rows, columns] = self.windows.kernel;
        let channels = self.input.channels;
        let mut ordered = Buffer::zeros(self.outputs * channels * rows * columns);
        for y in 0..rows {
            for x in 0..columns {
                for input in 0..channels {
                    let row = y * groups.of_row * GROUP + x * channels + input;
                    if let Some(row) = sums.get(row * stride..row * stride + self.outputs) {
                        for (output, value) in row.iter().enumerate() {
                            ordered[self.place(output, input, [y, x])] = *value;
                        }
                    }
                }
            }
        }
        ordered
    }
}

/// The rows of a weights' gradient by groups: those of a window's row one after the other, filled up to whole groups.
struct Groups {
    of_row: usize,
    rows: usize,
}

impl Groups {
    fn new(geometry: &Geometry) -> Self {
        Self {
            of_row: geometry.run().div_ceil(GROUP),
            rows: geometry.kernel[0],
        }
    }

    fn count(&self) -> usize {
        self.of_row * self.rows
    }
}

/// A unit's part of some groups' sums.
struct OuterProducts<'a> {
    geometry: &'a Geometry,
    unit: &'a Unit,
    band: &'a [f32],
    /// Rows of `stride` values, the unit's.
    gradient: &'a [f32],
    stride: usize,
    groups: &'a Groups,
    own: Range<usize>,
    /// The groups' rows of `stride` values, to be added to.
    to: &'a mut [f32],
}

impl Kernel for OuterProducts<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Self {
            geometry,
            unit,
            band,
            gradient,
            stride,
            groups,
            own,
            to,
        } = self;
        let width = geometry.output.width;
        let (run, line, block) = (geometry.run(), geometry.line(), geometry.block(unit.rows));
        let step = geometry.stride * geometry.source.channels;
        for_panels!(stride / S::F32_LANES, |panel, V| {
            let channel = panel * S::F32_LANES;
            for group in own.clone() {
                let (ky, first) = (group / groups.of_row, group % groups.of_row * GROUP);
                for j in (first..run.min(first + GROUP)).step_by(M) {
                    let mut sums = [[simd.splat_f32s(0.0); V]; M];
                    for image in 0..unit.images {
                        for y in 0..unit.rows {
                            let left = &band[image * block + (y * geometry.stride + ky) * line + j..];
                            let pixel = (image * unit.rows + y) * width;
                            let right = &gradient[pixel * stride + channel..];
                            let pairs = (0..width).map(|x| (&left[x * step..], &right[x * stride..]));
                            sums = add_outer_products::<S, M, V>(simd, pairs, sums);
                        }
                    }
                    let row = (group - own.start) * GROUP + j - first;
                    add_rows(simd, sums, &mut to[row * stride + channel..], stride);
                }
            }
        });
    }
}

/// The sum of every channel of maps with padding over all pixels, in their order: a bias' gradient.
pub fn channel_sums(processor: Processor, maps: Maps<'_>) -> Buffer<f32> {
    let mut sums: Buffer<f64> = Buffer::zeros(maps.stride);
    processor.run(ChannelSums { maps, sums: &mut sums });
    sums[..maps.shape.channels].iter().map(|&sum| sum as f32).collect()
}

struct ChannelSums<'a> {
    maps: Maps<'a>,
    sums: &'a mut [f64],
}

impl Kernel for ChannelSums<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let (stride, lanes) = (self.maps.stride, S::F32_LANES);
        let mut stored = [0.0; 16];
        for row in self.maps.values.chunks_exact(stride) {
            for (v, sums) in self.sums.chunks_exact_mut(lanes).enumerate() {
                simd.partial_store_f32s(&mut stored[..lanes], vectors::<S>(&row[v * lanes..])[0]);
                for (sum, value) in sums.iter_mut().zip(stored) {
                    *sum += f64::from(value);
                }
            }
        }
    }
}
