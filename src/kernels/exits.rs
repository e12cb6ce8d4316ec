//! The layers after a dense block: a transition, or the head's normalisation and mean.
//!
//! A 1x1 convolution and an average over 2x2 pixels may change places, since both are linear and one works on channels,
//! the other on pixels. The average goes first here: it leaves the convolution a quarter of the pixels.

use pulp::Simd;

use super::affine::Affine;
use super::pointwise::{Channels, NormSums, OUTER, TILE, add_weight_gradient};
use super::processor::Kernel;
use super::spatial::Extent;
use super::tiles::{
    PANEL, Packed, add_products, cut, for_panels, multiply_add, padded, tile_rows, vectors, vectors_mut,
};

/// The extent after 2x2 pooling; a last odd row or column is left out.
pub(super) fn pooled(extent: Extent) -> Extent {
    Extent {
        height: extent.height / 2,
        width: extent.width / 2,
    }
}

/// The four pixels under a pooled one.
#[inline(always)]
fn under(extent: Extent, pixel: usize) -> [usize; 4] {
    let width = pooled(extent).width;
    let corner = pixel / width * 2 * extent.width + pixel % width * 2;
    [corner, corner + 1, corner + extent.width, corner + extent.width + 1]
}

/// The mean of the activated values of four pixels, from the padded channel `first` on.
#[inline(always)]
fn pool<S: Simd>(
    simd: S,
    image: &[f32],
    stride: usize,
    affine: &Affine,
    pixels: [usize; 4],
    first: usize,
    output: &mut [f32],
) {
    let floor = simd.splat_f32s(affine.floor);
    let quarter = simd.splat_f32s(0.25);
    let output = vectors_mut::<S>(output);
    let count = output.len();
    let window = first..first + count * S::F32_LANES;
    let row = |corner: usize| &image[pixels[corner] * stride..][window.clone()];
    let top_left = &vectors::<S>(row(0))[..count];
    let top_right = &vectors::<S>(row(1))[..count];
    let bottom_left = &vectors::<S>(row(2))[..count];
    let bottom_right = &vectors::<S>(row(3))[..count];
    let scale = &vectors::<S>(&affine.scale[window.clone()])[..count];
    let shift = &vectors::<S>(&affine.shift[window])[..count];
    for v in 0..count {
        let mut sum = simd.splat_f32s(0.0);
        for value in [top_left[v], top_right[v], bottom_left[v], bottom_right[v]] {
            sum = simd.add_f32s(sum, cut(simd, floor, multiply_add(simd, value, scale[v], shift[v])));
        }
        output[v] = simd.mul_f32s(sum, quarter);
    }
}

/// Values of scratch that [`TransitionForward`] needs.
pub(super) fn transition_forward_scratch(channels: usize) -> usize {
    8 * padded(channels)
}

/// A transition's forward pass of an image.
pub(super) struct TransitionForward<'a> {
    pub(super) extent: Extent,
    /// Rows of `stride` values.
    pub(super) maps: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// `[channels, output channels]`.
    pub(super) weights: &'a Packed,
    pub(super) channels: usize,
    /// Rows of the output channels, not padded.
    pub(super) output: &'a mut [f32],
    pub(super) output_channels: usize,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for TransitionForward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let size = self.affine.len();
        let pixels = pooled(self.extent).pixels();
        for begin in (0..pixels).step_by(M) {
            let count = M.min(pixels - begin);
            for m in 0..count {
                let row = &mut self.scratch[m * size..][..size];
                pool(
                    simd,
                    self.maps,
                    self.stride,
                    self.affine,
                    under(self.extent, begin + m),
                    0,
                    row,
                );
            }
            let scratch = &*self.scratch;
            let rows = tile_rows::<M>(scratch, size, 0, count, self.channels);
            for_panels!(self.weights.vectors, |first, V| {
                let zero = [[simd.splat_f32s(0.0); V]; M];
                let panel = self.weights.panel(first, V, 0..self.channels);
                let sums = add_products::<S, M, V>(simd, rows, panel, zero);
                for (m, sums) in sums.into_iter().enumerate() {
                    if m < count {
                        let row = &mut self.output[(begin + m) * self.output_channels..][..self.output_channels];
                        let row = row[(first * S::F32_LANES).min(self.output_channels)..].chunks_mut(S::F32_LANES);
                        for (to, sum) in row.zip(sums) {
                            simd.partial_store_f32s(to, sum);
                        }
                    }
                }
            });
        }
    }
}

/// Values of scratch that [`TransitionBackward`] needs.
pub(super) fn transition_backward_scratch(output_channels: usize) -> usize {
    TILE * (padded(output_channels) + PANEL * 16)
}

/// A transition's backward pass of an image.
pub(super) struct TransitionBackward<'a> {
    pub(super) extent: Extent,
    /// Rows of `stride` values.
    pub(super) maps: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// Rows of the output channels, not padded.
    pub(super) output_gradient: &'a [f32],
    pub(super) output_channels: usize,
    /// `[output channels, channels]`.
    pub(super) weights: &'a Packed,
    /// The maps' gradient without the statistics' part, to be written.
    pub(super) gradient: &'a mut [f32],
    /// `[padded output channels, padded channels]`, to be added to; none where it is not wanted.
    pub(super) weight_gradient: Option<&'a mut [f32]>,
    pub(super) sums: &'a mut NormSums,
    pub(super) scratch: &'a mut [f32],
}

impl Kernel for TransitionBackward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let size = self.affine.len();
        let width = padded(self.output_channels);
        let pixels = pooled(self.extent).pixels();
        let quarter = simd.splat_f32s(0.25);
        let (output_gradient, active) = self.scratch.split_at_mut(TILE * width);
        if !self.extent.height.is_multiple_of(2) || !self.extent.width.is_multiple_of(2) {
            self.gradient.fill(0.0);
        }
        for begin in (0..pixels).step_by(TILE) {
            let count = TILE.min(pixels - begin);
            let rows = self.output_gradient[begin * self.output_channels..].chunks_exact(self.output_channels);
            for (to, row) in output_gradient.chunks_exact_mut(width).zip(rows).take(count) {
                to[..self.output_channels].copy_from_slice(row);
                to[self.output_channels..].fill(0.0);
            }
            let output_gradient = &output_gradient[..count * width];
            for_panels!(size / S::F32_LANES, |first, V| {
                let channel = first * S::F32_LANES;
                let panel_width = V * S::F32_LANES;
                if let Some(weight_gradient) = &mut self.weight_gradient {
                    let active = &mut active[..count * panel_width];
                    for (index, row) in active.chunks_exact_mut(panel_width).enumerate() {
                        let pixels = under(self.extent, begin + index);
                        pool(simd, self.maps, self.stride, self.affine, pixels, channel, row);
                    }
                    for output in (0..self.output_channels).step_by(OUTER) {
                        let to = &mut weight_gradient[output * size + channel..];
                        add_weight_gradient::<S, V>(simd, &output_gradient[output..], width, active, to, size);
                    }
                }
                let channels = Channels::all::<V>(simd, self.affine, channel);
                let mut norm_sums = [[simd.splat_f32s(0.0); 2]; V];
                let panel = self.weights.panel(first, V, 0..self.output_channels);
                for group in (0..count).step_by(M) {
                    let rows = tile_rows::<M>(output_gradient, width, group, count, self.output_channels);
                    let zero = [[simd.splat_f32s(0.0); V]; M];
                    let found = add_products::<S, M, V>(simd, rows, panel, zero);
                    for (m, found) in found.iter().enumerate() {
                        if group + m < count {
                            for pixel in under(self.extent, begin + group + m) {
                                let place = pixel * self.stride + channel;
                                let input = &vectors::<S>(&self.maps[place..place + panel_width])[..V];
                                let there = &mut vectors_mut::<S>(&mut self.gradient[place..place + panel_width])[..V];
                                for v in 0..V {
                                    let passed = channels[v].through_relu(
                                        simd,
                                        input[v],
                                        simd.mul_f32s(found[v], quarter),
                                        &mut norm_sums[v],
                                    );
                                    there[v] = simd.splat_f32s(0.0);
                                    channels[v].add_to(simd, passed, &mut there[v]);
                                }
                            }
                        }
                    }
                }
                for (v, [beta, gamma]) in norm_sums.into_iter().enumerate() {
                    self.sums.add(simd, channel + v * S::F32_LANES, beta, gamma);
                }
            });
        }
    }
}

/// The head's forward pass of an image: the mean of each activated channel.
pub(super) struct HeadForward<'a> {
    /// Rows of `stride` values.
    pub(super) maps: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// A value a channel.
    pub(super) output: &'a mut [f32],
}

impl Kernel for HeadForward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let share = simd.splat_f32s(1.0 / (self.maps.len() / self.stride) as f32);
        let floor = simd.splat_f32s(self.affine.floor);
        for (v, to) in self.output.chunks_mut(S::F32_LANES).enumerate() {
            let channel = v * S::F32_LANES;
            let scale = vectors::<S>(&self.affine.scale[channel..])[0];
            let shift = vectors::<S>(&self.affine.shift[channel..])[0];
            let mut sum = simd.splat_f32s(0.0);
            for row in self.maps.chunks_exact(self.stride) {
                let value = vectors::<S>(&row[channel..])[0];
                sum = simd.add_f32s(sum, cut(simd, floor, multiply_add(simd, value, scale, shift)));
            }
            simd.partial_store_f32s(to, simd.mul_f32s(sum, share));
        }
    }
}

/// The head's backward pass of an image.
pub(super) struct HeadBackward<'a> {
    /// Rows of `stride` values.
    pub(super) maps: &'a [f32],
    pub(super) stride: usize,
    pub(super) affine: &'a Affine,
    /// A value a channel.
    pub(super) output_gradient: &'a [f32],
    /// The maps' gradient without the statistics' part, to be written.
    pub(super) gradient: &'a mut [f32],
    pub(super) sums: &'a mut NormSums,
}

impl Kernel for HeadBackward<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let share = simd.splat_f32s(1.0 / (self.maps.len() / self.stride) as f32);
        // The padding's channels too: their gradient is 0, and is read with the others'.
        for channel in (0..self.affine.len()).step_by(S::F32_LANES) {
            let output_gradient = &self.output_gradient[channel.min(self.output_gradient.len())..];
            let output_gradient = &output_gradient[..output_gradient.len().min(S::F32_LANES)];
            let constants = Channels::new(simd, self.affine, channel);
            let value = simd.mul_f32s(simd.partial_load_f32s(output_gradient), share);
            let mut norm_sums = [simd.splat_f32s(0.0); 2];
            let rows = self
                .maps
                .chunks_exact(self.stride)
                .zip(self.gradient.chunks_exact_mut(self.stride));
            for (row, gradient) in rows {
                let input = vectors::<S>(&row[channel..])[0];
                let passed = constants.through_relu(simd, input, value, &mut norm_sums);
                let mut there = simd.splat_f32s(0.0);
                constants.add_to(simd, passed, &mut there);
                vectors_mut::<S>(&mut gradient[channel..])[0] = there;
            }
            self.sums.add(simd, channel, norm_sums[0], norm_sums[1]);
        }
    }
}
