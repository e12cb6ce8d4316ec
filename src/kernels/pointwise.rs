//! Normalisation, ReLU and 1x1 convolution as one pass, forward and backward.

use pulp::Simd;

use super::affine::Affine;
use super::buffer::Buffer;
use super::moments::Moments;
use super::prefetch::prefetch;
use super::processor::Kernel;
use super::tiles::{
    Packed, add_outer_products, add_products, for_panels, multiply_add, tile_rows, vectors, vectors_mut,
};

/// Pixels of a tile: few enough for a tile's values to stay in the first cache, enough to make up for taking sums to
/// memory and back once a tile.
pub(super) const TILE: usize = 64;
/// Pixels that a forward pass asks memory for before it needs them.
const AHEAD: usize = 16;
/// Rows of an outer product.
pub(super) const OUTER: usize = 4;

/// Values of scratch that [`Forward`] needs.
pub(super) fn forward_scratch(input_channels: usize) -> usize {
    8 * input_channels
}

/// Values of scratch that [`Backward`] needs.
pub(super) fn backward_scratch(output_channels: usize) -> usize {
    TILE * (output_channels + 3 * 16)
}

/// The weights `[outputs, inputs]` of a forward pass, packed.
pub(super) fn pack_forward(lanes: usize, weights: &[f32], inputs: usize, outputs: usize) -> Packed {
    Packed::new(lanes, inputs, outputs, |input, output| weights[output * inputs + input])
}

/// The weights `[outputs, inputs]` of a backward pass, packed.
pub(super) fn pack_backward(lanes: usize, weights: &[f32], inputs: usize, outputs: usize) -> Packed {
    Packed::new(lanes, outputs, inputs, |output, input| weights[output * inputs + input])
}

/// The forward pass of a chunk of pixels.
pub(super) struct Forward<'a> {
    /// Rows of `stride` values.
    pub(super) input: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// `[input channels, output channels]`.
    pub(super) weights: &'a Packed,
    pub(super) input_channels: usize,
    /// Rows of the padded output channels.
    pub(super) output: &'a mut [f32],
    /// Of the output; none where they are not needed.
    pub(super) moments: Option<&'a mut Moments>,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let width = self.weights.vectors * S::F32_LANES;
        let mut pixel = 0;
        let all = std::mem::take(&mut self.output);
        for output in all.chunks_mut(TILE * width) {
            for output in output.chunks_mut(M * width) {
                let input = &self.input[pixel * self.stride..];
                pixel += output.len() / width;
                self.products::<S, M>(simd, input, output);
            }
            if let Some(moments) = &mut self.moments {
                moments.add(simd, output, width, output.len() / width);
            }
        }
    }
}

impl Forward<'_> {
    /// The results of up to `M` pixels.
    #[inline(always)]
    fn products<S: Simd, const M: usize>(&mut self, simd: S, input: &[f32], output: &mut [f32]) {
        let (size, width) = (self.affine.len(), self.weights.vectors * S::F32_LANES);
        let pixels = output.len() / width;
        for pixel in 0..pixels {
            let row = &mut self.scratch[pixel * size..][..size];
            self.affine.apply(simd, &input[pixel * self.stride..], 0, row);
        }
        let scratch = &*self.scratch;
        let rows = tile_rows::<M>(scratch, size, 0, pixels, self.input_channels);
        for_panels!(self.weights.vectors, |first, V| {
            let mut sums = [[simd.splat_f32s(0.0); V]; M];
            // In as many parts as there are pixels, and with each part memory is asked for one pixel to come: asked for all
            // at once it would keep the processor waiting.
            let part = self.input_channels.div_ceil(M);
            for (m, begin) in (0..self.input_channels).step_by(part).enumerate() {
                let end = self.input_channels.min(begin + part);
                if first == 0 {
                    let ahead = (AHEAD + m) * self.stride;
                    prefetch(input, ahead, ahead + size);
                }
                let mut parts = rows;
                for row in &mut parts {
                    *row = &row[begin..end];
                }
                sums = add_products::<S, M, V>(simd, parts, self.weights.panel(first, V, begin..end), sums);
            }
            for (m, sums) in sums.iter().enumerate() {
                if m < pixels {
                    let place = m * width + first * S::F32_LANES;
                    vectors_mut::<S>(&mut output[place..][..V * S::F32_LANES]).copy_from_slice(sums);
                }
            }
        });
    }
}

/// Sums over pixels that a normalisation's parameters get as gradients, for each channel.
#[derive(Clone, Debug)]
pub(super) struct NormSums {
    /// Of dy: beta's gradient.
    pub(super) beta: Buffer<f64>,
    /// Of dy * (x - mean): gamma's gradient times the standard deviation.
    pub(super) gamma: Buffer<f64>,
}

impl NormSums {
    /// Zeros.
    pub(super) fn new(channels: usize) -> Self {
        Self {
            beta: Buffer::zeros(channels),
            gamma: Buffer::zeros(channels),
        }
    }

    /// Adds a vector of sums from a channel on.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, channel: usize, beta: S::f32s, gamma: S::f32s) {
        let lanes = S::F32_LANES;
        for (sums, values) in [(&mut self.beta, beta), (&mut self.gamma, gamma)] {
            let mut stored = [0.0; 16];
            simd.partial_store_f32s(&mut stored[..lanes], values);
            for (sum, value) in sums[channel..channel + lanes].iter_mut().zip(stored) {
                *sum += f64::from(value);
            }
        }
    }
}

/// The coefficients of a vector of channels for a normalised input's gradient.
#[derive(Clone, Copy)]
pub(super) struct Channels<S: Simd> {
    scale: S::f32s,
    shift: S::f32s,
    mean: S::f32s,
    floor: S::f32s,
}

impl<S: Simd> Channels<S> {
    /// Of the channels from `channel` on.
    #[inline(always)]
    pub(super) fn new(simd: S, affine: &Affine, channel: usize) -> Self {
        let load = |values: &[f32]| vectors::<S>(&values[channel..])[0];
        Self {
            scale: load(&affine.scale),
            shift: load(&affine.shift),
            mean: load(&affine.mean),
            floor: simd.splat_f32s(affine.floor),
        }
    }

    /// Of `V` vectors of channels from `channel` on.
    #[inline(always)]
    pub(super) fn all<const V: usize>(simd: S, affine: &Affine, channel: usize) -> [Self; V] {
        let mut all = [Self::new(simd, affine, channel); V];
        for (v, channels) in all.iter_mut().enumerate() {
            *channels = Self::new(simd, affine, channel + v * S::F32_LANES);
        }
        all
    }

    /// The gradient of the normalisation's output from that of the ReLU's, and what it adds to the two sums.
    #[inline(always)]
    pub(super) fn through_relu(&self, simd: S, input: S::f32s, gradient: S::f32s, sums: &mut [S::f32s; 2]) -> S::f32s {
        let normalised = multiply_add(simd, input, self.scale, self.shift);
        let passes = simd.less_than_f32s(self.floor, normalised);
        let gradient = simd.select_f32s(passes, gradient, simd.splat_f32s(0.0));
        sums[0] = simd.add_f32s(sums[0], gradient);
        sums[1] = multiply_add(simd, gradient, simd.sub_f32s(input, self.mean), sums[1]);
        gradient
    }

    /// The part of the input's gradient that comes by the values themselves, added to what is there.
    #[inline(always)]
    pub(super) fn add_to(&self, simd: S, gradient: S::f32s, there: &mut S::f32s) {
        *there = multiply_add(simd, gradient, self.scale, *there);
    }
}

/// The backward pass of a chunk of pixels.
pub(super) struct Backward<'a> {
    /// The forward pass's input, rows of `stride` values.
    pub(super) input: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// The forward pass's output, rows of its padded channels, and the gradient of what normalised it.
    pub(super) output: &'a [f32],
    pub(super) normalised_gradient: &'a [f32],
    /// The output's gradient is scale * normalised_gradient + output_scale * output + shift.
    pub(super) scale: &'a [f32],
    pub(super) output_scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) output_channels: usize,
    /// `[output channels, input channels]`.
    pub(super) weights: &'a Packed,
    /// The input's gradient, rows of `stride` values, to be added to.
    pub(super) gradient: &'a mut [f32],
    /// `[output channels, padded input channels]`, to be added to; none where it is not wanted.
    pub(super) weight_gradient: Option<&'a mut [f32]>,
    pub(super) sums: &'a mut NormSums,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let width = self.scale.len();
        let (output_gradient, active) = self.scratch.split_at_mut(TILE * width);
        let outputs = self
            .output
            .chunks(TILE * width)
            .zip(self.normalised_gradient.chunks(TILE * width));
        for (tile, (output, normalised_gradient)) in outputs.enumerate() {
            // From the tile's first pixel to the chunk's end: the next tile's values are asked for.
            let input = &self.input[tile * TILE * self.stride..];
            let gradient = &mut self.gradient[tile * TILE * self.stride..];
            let output_gradient = &mut output_gradient[..output.len()];
            let rows = output_gradient.chunks_exact_mut(width).zip(output.chunks_exact(width));
            for ((row, output), normalised_gradient) in rows.zip(normalised_gradient.chunks_exact(width)) {
                let row = vectors_mut::<S>(row);
                let count = row.len();
                let output = &vectors::<S>(output)[..count];
                let normalised_gradient = &vectors::<S>(normalised_gradient)[..count];
                let scale = &vectors::<S>(self.scale)[..count];
                let output_scale = &vectors::<S>(self.output_scale)[..count];
                let shift = &vectors::<S>(self.shift)[..count];
                for v in 0..count {
                    let by_output = multiply_add(simd, output[v], output_scale[v], shift[v]);
                    row[v] = multiply_add(simd, normalised_gradient[v], scale[v], by_output);
                }
            }
            backward_tile::<S, M>(
                simd,
                &Tile {
                    input,
                    stride: self.stride,
                    affine: self.affine,
                    output_gradient,
                    width,
                    output_channels: self.output_channels,
                    weights: self.weights,
                },
                gradient,
                self.weight_gradient.as_deref_mut(),
                self.sums,
                active,
            );
        }
    }
}

/// Some pixels and the gradient of their results.
struct Tile<'a> {
    /// Rows of `stride` values, the pixels' and those after them.
    input: &'a [f32],
    stride: usize,
    affine: &'a Affine,
    /// Rows of `width` values.
    output_gradient: &'a [f32],
    width: usize,
    output_channels: usize,
    weights: &'a Packed,
}

/// Weights' and inputs' gradients of a tile, some channels of all its pixels at a time.
#[inline(always)]
fn backward_tile<S: Simd, const M: usize>(
    simd: S,
    tile: &Tile<'_>,
    gradient: &mut [f32],
    mut weight_gradient: Option<&mut [f32]>,
    sums: &mut NormSums,
    active: &mut [f32],
) {
    let size = tile.affine.len();
    let pixels = tile.output_gradient.len() / tile.width;
    for_panels!(size / S::F32_LANES, |first, V| {
        let channel = first * S::F32_LANES;
        let panel_width = V * S::F32_LANES;
        if let Some(weight_gradient) = &mut weight_gradient {
            let active = &mut active[..pixels * panel_width];
            let rows = tile.input.chunks(tile.stride).zip(active.chunks_exact_mut(panel_width));
            for (input, row) in rows {
                tile.affine.apply(simd, input, channel, row);
            }
            // Memory is asked for the next tile's values a few at a time: all at once they would keep the processor
            // waiting.
            let share = TILE.div_ceil(tile.output_channels.div_ceil(OUTER));
            for output in (0..tile.output_channels).step_by(OUTER) {
                for pixel in output / OUTER * share..(output / OUTER + 1) * share {
                    let next = (TILE + pixel) * tile.stride + channel;
                    prefetch(tile.input, next, next + panel_width);
                }
                let to = &mut weight_gradient[output * size + channel..];
                add_weight_gradient::<S, V>(simd, &tile.output_gradient[output..], tile.width, active, to, size);
            }
        }

        let channels = Channels::all::<V>(simd, tile.affine, channel);
        let mut norm_sums = [[simd.splat_f32s(0.0); 2]; V];
        let panel = tile.weights.panel(first, V, 0..tile.output_channels);
        let mut pixel = 0;
        while pixel < pixels {
            let rows = tile_rows::<M>(tile.output_gradient, tile.width, pixel, pixels, tile.output_channels);
            for m in 0..M {
                let next = (TILE + pixel + m) * tile.stride + channel;
                prefetch(gradient, next, next + panel_width);
            }
            let zero = [[simd.splat_f32s(0.0); V]; M];
            let found = add_products::<S, M, V>(simd, rows, panel, zero);
            for (m, found) in found.into_iter().enumerate() {
                if pixel + m < pixels {
                    let place = (pixel + m) * tile.stride + channel;
                    let input = &vectors::<S>(&tile.input[place..place + panel_width])[..V];
                    let there = &mut vectors_mut::<S>(&mut gradient[place..place + panel_width])[..V];
                    for v in 0..V {
                        let passed = channels[v].through_relu(simd, input[v], found[v], &mut norm_sums[v]);
                        channels[v].add_to(simd, passed, &mut there[v]);
                    }
                }
            }
            pixel += M;
        }
        for (v, [beta, gamma]) in norm_sums.into_iter().enumerate() {
            sums.add(simd, channel + v * S::F32_LANES, beta, gamma);
        }
    });
}

/// Adds to the weights' gradient of [`OUTER`] outputs and `V` vectors of inputs what a tile's pixels give: the output's
/// gradient, `width` values a pixel from the first of these outputs on, times the activated input.
#[inline(always)]
pub(super) fn add_weight_gradient<S: Simd, const V: usize>(
    simd: S,
    output_gradient: &[f32],
    width: usize,
    active: &[f32],
    to: &mut [f32],
    stride: usize,
) {
    let pairs = output_gradient.chunks(width).zip(active.chunks_exact(V * S::F32_LANES));
    let zero = [[simd.splat_f32s(0.0); V]; OUTER];
    let found = add_outer_products::<S, OUTER, V>(simd, pairs, zero);
    add_rows(simd, found, to, stride);
}

/// Adds rows of vectors to rows that lie `stride` values apart.
#[inline(always)]
pub(super) fn add_rows<S: Simd, const J: usize, const V: usize>(
    simd: S,
    rows: [[S::f32s; V]; J],
    to: &mut [f32],
    stride: usize,
) {
    for (j, row) in rows.into_iter().enumerate() {
        let to = &mut vectors_mut::<S>(&mut to[j * stride..][..V * S::F32_LANES])[..V];
        for v in 0..V {
            to[v] = simd.add_f32s(to[v], row[v]);
        }
    }
}
