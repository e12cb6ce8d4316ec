//! Feature maps of a batch as rows of channels.

use crate::kernels::parallel::{self, Start};
use crate::kernels::tiles::padded;

/// The sizes of a batch of feature maps; vectors are maps of a single pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// Images in the batch.
    pub images: usize,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// Maps of an image.
    pub channels: usize,
}

impl MapShape {
    /// Values of a pixel with its padding to whole vectors.
    pub fn stride(self) -> usize {
        padded(self.channels)
    }

    /// Pixels of an image.
    pub fn image_pixels(self) -> usize {
        self.height * self.width
    }

    /// Pixels of all images.
    pub fn pixels(self) -> usize {
        self.images * self.image_pixels()
    }

    /// Values of all images, padding included.
    pub fn values(self) -> usize {
        self.pixels() * self.stride()
    }
}

/// A window that moves over maps: its sides, step and the rows and columns added on each side of the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// The step between windows.
    pub stride: usize,
    /// Rows and columns added on each side.
    pub padding: [usize; 2],
}

/// Feature maps, channels last: image after image, row after row, for each pixel `stride` values that start with its
/// channels. What pads them is any number.
#[derive(Clone, Copy, Debug)]
pub struct Maps<'a> {
    /// The sizes.
    pub shape: MapShape,
    /// The values.
    pub values: &'a [f32],
    /// Values of a pixel.
    pub stride: usize,
}

impl<'a> Maps<'a> {
    /// Maps with channels padded to whole vectors.
    pub fn padded(shape: MapShape, values: &'a [f32]) -> Self {
        let stride = shape.stride();
        Self { shape, values, stride }
    }

    /// Maps without padding.
    pub fn unpadded(shape: MapShape, values: &'a [f32]) -> Self {
        let stride = shape.channels;
        Self { shape, values, stride }
    }

    /// The values of an image.
    pub(super) fn image(&self, image: usize) -> &'a [f32] {
        let size = self.shape.image_pixels() * self.stride;
        &self.values[image * size..][..size]
    }
}

/// Copies the channels of pixels without padding into rows with it, which is set to 0.
pub fn pad(shape: MapShape, input: &[f32], output: &mut [f32]) {
    let (channels, stride) = (shape.channels, shape.stride());
    let pixels = shape.image_pixels();
    let parts = input.chunks(pixels * channels).zip(output.chunks_mut(pixels * stride));
    parallel::map(shape.values(), Start::First, parts, |(input, output)| {
        for (row, to) in input.chunks_exact(channels).zip(output.chunks_exact_mut(stride)) {
            to[..channels].copy_from_slice(row);
            to[channels..].fill(0.0);
        }
    });
}

/// The inverse of [`pad`].
pub fn unpad(shape: MapShape, input: &[f32], output: &mut [f32]) {
    copy_channels(Maps::padded(shape, input), 0, output, shape.channels, 0, shape.channels);
}

/// Copies `count` channels of every pixel, from `first` on, into rows of `stride` values at the channel `place`.
pub fn copy_channels(input: Maps<'_>, first: usize, output: &mut [f32], stride: usize, place: usize, count: usize) {
    let pixels = input.shape.image_pixels();
    let parts = input
        .values
        .chunks(pixels * input.stride)
        .zip(output.chunks_mut(pixels * stride));
    parallel::map(
        input.shape.pixels() * count,
        Start::First,
        parts,
        |(input_values, output)| {
            let rows = input_values.chunks_exact(input.stride);
            for (row, to) in rows.zip(output.chunks_exact_mut(stride)) {
                to[place..place + count].copy_from_slice(&row[first..first + count]);
            }
        },
    );
}

/// The values of all maps of an image as one vector, channel by channel, in rows padded to whole vectors.
pub fn flatten(maps: Maps<'_>, output: &mut [f32]) {
    let pixels = maps.shape.image_pixels();
    let rows = output.chunks_exact_mut(padded(maps.shape.channels * pixels));
    for (image, to) in rows.enumerate() {
        for (pixel, row) in maps.image(image).chunks_exact(maps.stride).enumerate() {
            for (channel, value) in row[..maps.shape.channels].iter().enumerate() {
                to[channel * pixels + pixel] = *value;
            }
        }
        to[maps.shape.channels * pixels..].fill(0.0);
    }
}

/// The inverse of [`flatten`], into maps with padding.
pub fn unflatten(shape: MapShape, vectors: &[f32], output: &mut [f32]) {
    let pixels = shape.image_pixels();
    let rows = vectors.chunks_exact(padded(shape.channels * pixels));
    for (row, to) in rows.zip(output.chunks_exact_mut(pixels * shape.stride())) {
        for (pixel, to) in to.chunks_exact_mut(shape.stride()).enumerate() {
            to.fill(0.0);
            for (channel, value) in to[..shape.channels].iter_mut().enumerate() {
                *value = row[channel * pixels + pixel];
            }
        }
    }
}
