//! Normalisation, ReLU and 3x3 convolution as one pass, forward and backward, an image at a time.
//!
//! The activated values of a band of rows are in scratch memory with a border of zeros, so that the three pixels under
//! a row of the kernel are one run of values: a convolution is three products of runs with packed weights.

use pulp::Simd;

use super::affine::{Affine, Terms};
use super::moments::Moments;
use super::pointwise::{Channels, NormSums, OUTER, add_rows};
use super::processor::Kernel;
use super::tiles::{
    BLOCK, Packed, add_outer_products, add_products, for_panels, multiply_add, padded, panel_width, vectors,
    vectors_mut,
};

/// Values of a band that stay in the second cache.
const BAND_VALUES: usize = 48 * 1024;
/// Values that a pass for the weights' gradient reads again and again and that stay in the first cache.
const PASS_VALUES: usize = 6 * 1024;

/// Height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Extent {
    pub(super) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Rows of a band of `channels` padded channels.
    fn band(self, channels: usize) -> usize {
        (BAND_VALUES / ((self.width + 2) * channels))
            .saturating_sub(2)
            .clamp(1, self.height)
    }

    /// Rows that the weights' gradient is summed over before it goes to memory. They follow from the shape alone, as if all
    /// vectors were of [`BLOCK`] values: the order of the sums is that of every processor.
    fn pass(self, channels: usize) -> usize {
        let width = panel_width(channels / BLOCK) * BLOCK;
        (PASS_VALUES / ((self.width + 2) * width)).saturating_sub(2).max(1)
    }

    /// Values of a bordered band of rows, and room for reading a last vector beyond its end.
    fn bordered(self, rows: usize, channels: usize) -> usize {
        (rows + 2) * (self.width + 2) * channels + channels + BLOCK
    }
}

/// Channels that a layer adds, padded for the outer products.
pub(super) fn padded_growth(growth_rate: usize) -> usize {
    growth_rate.next_multiple_of(OUTER)
}

/// Values of scratch that [`Forward`] needs.
pub(super) fn forward_scratch(extent: Extent, channels: usize, growth_rate: usize) -> usize {
    let rows = extent.band(channels);
    extent.bordered(rows, channels) + rows * extent.width * padded(growth_rate)
}

/// Values of scratch that [`Backward`] needs.
pub(super) fn backward_scratch(extent: Extent, channels: usize, growth_rate: usize) -> usize {
    extent.bordered(extent.band(channels), channels) + extent.bordered(extent.height, padded_growth(growth_rate))
}

/// The source of a band.
struct Source<'a> {
    extent: Extent,
    /// Rows of `stride` values.
    image: &'a [f32],
    stride: usize,
    affine: &'a Affine,
}

impl Source<'_> {
    /// Fills a band with the activated rows from `first` - 1 to `first` + `rows`, zeros outside the image.
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, first: usize, rows: usize, band: &mut [f32]) {
        let Extent { height, width } = self.extent;
        let channels = self.affine.len();
        let line = (width + 2) * channels;
        for (index, line) in band.chunks_exact_mut(line).take(rows + 2).enumerate() {
            match (first + index).checked_sub(1) {
                Some(y) if y < height => {
                    let (border, inside) = line.split_at_mut(channels);
                    border.fill(0.0);
                    let (inside, border) = inside.split_at_mut(width * channels);
                    border.fill(0.0);
                    let image = &self.image[y * width * self.stride..];
                    for (pixel, output) in image.chunks(self.stride).zip(inside.chunks_exact_mut(channels)) {
                        self.affine.apply(simd, pixel, 0, output);
                    }
                }
                _ => line.fill(0.0),
            }
        }
    }
}

/// The weights of a forward pass, packed: value `(ky * 3 + kx) * padded input channels + input channel` of a row.
pub(super) fn pack_forward(lanes: usize, weights: &[f32], input_channels: usize, growth_rate: usize) -> Packed {
    let channels = padded(input_channels);
    Packed::new(lanes, 9 * channels, growth_rate, |inner, output| {
        let (tap, input) = (inner / channels, inner % channels);
        if input < input_channels {
            weights[(output * input_channels + input) * 9 + tap]
        } else {
            0.0
        }
    })
}

/// The weights of a backward pass, turned by 180 degrees and packed.
pub(super) fn pack_backward(lanes: usize, weights: &[f32], input_channels: usize, growth_rate: usize) -> Packed {
    let growth = padded_growth(growth_rate);
    Packed::new(lanes, 9 * growth, input_channels, |inner, input| {
        let (tap, output) = (inner / growth, inner % growth);
        if output < growth_rate {
            weights[(output * input_channels + input) * 9 + (8 - tap)]
        } else {
            0.0
        }
    })
}

/// The first vector of values, filled with zeros where there are fewer.
#[inline(always)]
fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match vectors::<S>(values).first() {
        Some(vector) => *vector,
        None => simd.partial_load_f32s(values),
    }
}

/// The products of `M` pixels from `pixel` on, in the order of rows, with the packed weights: each pixel's nine
/// neighbours' values, three runs of `3 * channels`.
#[inline(always)]
fn neighbour_products<S: Simd, const M: usize, const V: usize>(
    simd: S,
    bordered: &[f32],
    channels: usize,
    width: usize,
    starts: [usize; M],
    weights: &Packed,
    first: usize,
) -> [[S::f32s; V]; M] {
    let run = 3 * channels;
    let mut sums = [[simd.splat_f32s(0.0); V]; M];
    for ky in 0..3 {
        let rows: [&[f32]; M] = starts.map(|start| &bordered[start + ky * (width + 2) * channels..][..run]);
        sums = add_products::<S, M, V>(simd, rows, weights.panel(first, V, ky * run..(ky + 1) * run), sums);
    }
    sums
}

/// Where the runs of `M` pixels from `pixel` on start in a bordered band; the last pixel's where there are fewer.
#[inline(always)]
fn starts<const M: usize>(pixel: usize, pixels: usize, width: usize, channels: usize) -> [usize; M] {
    std::array::from_fn(|m| {
        let pixel = (pixel + m).min(pixels - 1);
        (pixel / width * (width + 2) + pixel % width) * channels
    })
}

/// The forward pass of an image.
pub(super) struct Forward<'a> {
    pub(super) extent: Extent,
    /// The image's rows of `stride` values and the channels that are read; none: the block's own channels.
    pub(super) input: Option<&'a [f32]>,
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    pub(super) weights: &'a Packed,
    /// The block's channels of the image, rows of `maps_stride` values; the new ones go to `channels`.
    pub(super) maps: &'a mut [f32],
    pub(super) maps_stride: usize,
    pub(super) channels: std::ops::Range<usize>,
    /// Of the new channels; none where they are not needed.
    pub(super) moments: Option<&'a mut Moments>,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let Extent { height, width } = self.extent;
        let channels = self.affine.len();
        let size = padded(self.channels.len());
        let rows = self.extent.band(channels);
        let (band, output) = self.scratch.split_at_mut(self.extent.bordered(rows, channels));
        for first in (0..height).step_by(rows) {
            let rows = rows.min(height - first);
            let source = Source {
                extent: self.extent,
                image: self.input.unwrap_or(self.maps),
                stride: self.stride,
                affine: self.affine,
            };
            source.fill(simd, first, rows, band);
            let pixels = rows * width;
            for_panels!(self.weights.vectors, |panel, V| {
                let mut pixel = 0;
                while pixel < pixels {
                    let starts = starts::<M>(pixel, pixels, width, channels);
                    let sums = neighbour_products::<S, M, V>(simd, band, channels, width, starts, self.weights, panel);
                    for (m, sums) in sums.into_iter().enumerate() {
                        if pixel + m < pixels {
                            let place = (pixel + m) * size + panel * S::F32_LANES;
                            vectors_mut::<S>(&mut output[place..][..V * S::F32_LANES]).copy_from_slice(&sums);
                        }
                    }
                    pixel += M;
                }
            });
            if let Some(moments) = &mut self.moments {
                moments.add(simd, output, size, pixels);
            }
            let maps = self.maps[first * width * self.maps_stride..].chunks_mut(self.maps_stride);
            for (maps, output) in maps.zip(output.chunks_exact(size)).take(pixels) {
                for (v, output) in output.chunks_exact(S::F32_LANES).enumerate() {
                    let first = self.channels.start + v * S::F32_LANES;
                    if first + S::F32_LANES <= self.maps_stride {
                        // Channels of later layers follow, which are 0 until then, as the vector's last values are.
                        vectors_mut::<S>(&mut maps[first..])[0] = vectors::<S>(output)[0];
                    } else if first < self.channels.end {
                        simd.partial_store_f32s(&mut maps[first..self.channels.end], vectors::<S>(output)[0]);
                    }
                }
            }
        }
    }
}

/// The backward pass of an image.
pub(super) struct Backward<'a> {
    pub(super) extent: Extent,
    /// The forward pass's input, rows of `stride` values.
    pub(super) input: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// As [`pack_backward`] packs them.
    pub(super) weights: &'a Packed,
    /// The block's channels of the image and their gradient so far, rows of `maps_stride` values.
    pub(super) maps: &'a [f32],
    pub(super) gradient: &'a mut [f32],
    pub(super) maps_stride: usize,
    /// The layer's own channels; what is added to their gradient is maps * scale + shift.
    pub(super) channels: std::ops::Range<usize>,
    pub(super) correction: &'a Terms,
    /// Where the gradient of the normalised input goes, rows of its padded channels; none: times the normalisation's
    /// scale it is added to the gradient of the block's channels, which are the input.
    pub(super) normalised_gradient: Option<&'a mut [f32]>,
    /// `[9, padded growth rate, padded input channels]`, to be added to; none where it is not wanted.
    pub(super) weight_gradient: Option<&'a mut [f32]>,
    pub(super) sums: &'a mut NormSums,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let height = self.extent.height;
        let channels = self.affine.len();
        let rows = self.extent.band(channels);
        let scratch = std::mem::take(&mut self.scratch);
        let (band, output_gradient) = scratch.split_at_mut(self.extent.bordered(rows, channels));
        self.fill_output_gradient(simd, output_gradient);
        let source = Source {
            extent: self.extent,
            image: self.input,
            stride: self.stride,
            affine: self.affine,
        };
        for first in (0..height).step_by(rows) {
            let rows = rows.min(height - first);
            if self.weight_gradient.is_some() {
                source.fill(simd, first, rows, band);
                self.weight_gradient(simd, first, rows, band, output_gradient);
            }
            self.input_gradient::<S, M>(simd, first, rows, output_gradient);
        }
    }
}

impl Backward<'_> {
    /// The gradient of the layer's own channels with a border of zeros.
    #[inline(always)]
    fn fill_output_gradient<S: Simd>(&self, simd: S, bordered: &mut [f32]) {
        let Extent { height, width } = self.extent;
        let growth = padded_growth(self.channels.len());
        let line = (width + 2) * growth;
        let Terms { scale, shift } = self.correction;
        // Read and written in the order of pixels, whole vectors at a time: what a vector is longer than the layer's
        // channels are others', which the next pixel or the border after it overwrites. What stays of them, in a growth
        // rate's padding, meets weights of 0.
        bordered[..line + growth].fill(0.0);
        for y in 0..height {
            let start = (y + 1) * line;
            bordered[start..start + growth].fill(0.0);
            for x in 0..width {
                let pixel = (y * width + x) * self.maps_stride;
                for v in 0..self.channels.len().div_ceil(S::F32_LANES) {
                    let from = pixel + self.channels.start + v * S::F32_LANES;
                    let maps = load(simd, &self.maps[from..]);
                    let gradient = load(simd, &self.gradient[from..]);
                    let correction = multiply_add(simd, maps, vectors::<S>(scale)[v], vectors::<S>(shift)[v]);
                    let place = start + (x + 1) * growth + v * S::F32_LANES;
                    vectors_mut::<S>(&mut bordered[place..])[0] = simd.add_f32s(gradient, correction);
                }
            }
            let end = start + (width + 1) * growth;
            bordered[end..end + growth + BLOCK].fill(0.0);
        }
        bordered[(height + 1) * line..].fill(0.0);
    }

    /// weight gradient[ky, kx, output, input] += sum over pixels of output gradient * activated input under the tap.
    #[inline(always)]
    fn weight_gradient<S: Simd>(&mut self, simd: S, first: usize, rows: usize, band: &[f32], output_gradient: &[f32]) {
        let Some(weight_gradient) = &mut self.weight_gradient else {
            return;
        };
        let width = self.extent.width;
        let channels = self.affine.len();
        let growth = padded_growth(self.channels.len());
        let pass = self.extent.pass(channels).min(rows);
        for_panels!(channels / S::F32_LANES, |panel, V| {
            let channel = panel * S::F32_LANES;
            for begin in (0..rows).step_by(pass) {
                let end = rows.min(begin + pass);
                for tap in 0..9 {
                    for output in (0..growth).step_by(OUTER) {
                        let mut sums = [[simd.splat_f32s(0.0); V]; OUTER];
                        for y in begin..end {
                            let left = ((first + y + 1) * (width + 2) + 1) * growth + output;
                            let left = output_gradient[left..left + width * growth].chunks_exact(growth);
                            let right = ((y + tap / 3) * (width + 2) + tap % 3) * channels + channel;
                            let right = band[right..right + width * channels].chunks_exact(channels);
                            sums = add_outer_products::<S, OUTER, V>(simd, left.zip(right), sums);
                        }
                        let place = (tap * growth + output) * channels + channel;
                        add_rows(simd, sums, &mut weight_gradient[place..], channels);
                    }
                }
            }
        });
    }

    /// The gradient of the normalised input of a band, and the sums for the normalisation's parameters.
    #[inline(always)]
    fn input_gradient<S: Simd, const M: usize>(&mut self, simd: S, first: usize, rows: usize, output_gradient: &[f32]) {
        let width = self.extent.width;
        let channels = self.affine.len();
        let growth = padded_growth(self.channels.len());
        let (begin, pixels) = (first * width, rows * width);
        let bordered = &output_gradient[first * (width + 2) * growth..];
        for_panels!(self.weights.vectors, |panel, V| {
            let channel = panel * S::F32_LANES;
            let constants = Channels::all::<V>(simd, self.affine, channel);
            let mut norm_sums = [[simd.splat_f32s(0.0); 2]; V];
            let mut pixel = 0;
            while pixel < pixels {
                let starts = starts::<M>(pixel, pixels, width, growth);
                let found = neighbour_products::<S, M, V>(simd, bordered, growth, width, starts, self.weights, panel);
                for (m, found) in found.into_iter().enumerate() {
                    if pixel + m < pixels {
                        let place = (begin + pixel + m) * self.stride + channel;
                        let input = &vectors::<S>(&self.input[place..][..V * S::F32_LANES])[..V];
                        if let Some(normalised_gradient) = &mut self.normalised_gradient {
                            let place = (begin + pixel + m) * channels + channel;
                            let there = &mut normalised_gradient[place..][..V * S::F32_LANES];
                            let there = &mut vectors_mut::<S>(there)[..V];
                            for v in 0..V {
                                there[v] = constants[v].through_relu(simd, input[v], found[v], &mut norm_sums[v]);
                            }
                        } else {
                            let there = &mut self.gradient[place..][..V * S::F32_LANES];
                            let there = &mut vectors_mut::<S>(there)[..V];
                            for v in 0..V {
                                let passed = constants[v].through_relu(simd, input[v], found[v], &mut norm_sums[v]);
                                constants[v].add_to(simd, passed, &mut there[v]);
                            }
                        }
                    }
                }
                pixel += M;
            }
            for (v, [beta, gamma]) in norm_sums.into_iter().enumerate() {
                self.sums.add(simd, channel + v * S::F32_LANES, beta, gamma);
            }
        });
    }
}
