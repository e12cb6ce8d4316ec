//! Bands: a few rows of maps with a border of zeros, so that each row of a window is one run of values.

use super::maps::{MapShape, Maps};
use crate::kernels::tiles::BLOCK;

/// Values of a band, and of what is computed from it, that stay in the second cache.
const BAND_VALUES: usize = 48 * 1024;
/// Pixels below which a band takes several images: few pixels would not make up for reading the weights.
const FEW_PIXELS: usize = 64;

/// How windows of a step of 1 or more lie over maps with `dilation - 1` zeros between two pixels and `border` rows and
/// columns of zeros before them; behind them are as many as the windows reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) source: MapShape,
    pub(super) dilation: usize,
    pub(super) border: [isize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    /// A pixel for each window.
    pub(super) output: MapShape,
}

/// Windows that are worked on together: some rows of an image, or several whole images. They follow from the sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) image: usize,
    pub(super) images: usize,
    /// First row of the output.
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl Geometry {
    /// Values of a row of the kernel.
    pub(super) fn run(&self) -> usize {
        self.kernel[1] * self.source.channels
    }

    /// Values of a band's line.
    pub(super) fn line(&self) -> usize {
        ((self.output.width - 1) * self.stride + self.kernel[1]) * self.source.channels
    }

    /// Lines under some rows of the output.
    fn lines(&self, rows: usize) -> usize {
        (rows - 1) * self.stride + self.kernel[0]
    }

    /// Values of an image's lines.
    pub(super) fn block(&self, rows: usize) -> usize {
        self.lines(rows) * self.line()
    }

    /// Values of scratch for the largest band, with room for reading a last vector beyond its end.
    pub(super) fn scratch(&self, units: &[Unit]) -> usize {
        let sizes = units.iter().map(|unit| unit.images * self.block(unit.rows));
        sizes.max().unwrap_or(0) + BLOCK
    }

    /// All windows of a batch, in their order.
    pub(super) fn units(&self) -> Vec<Unit> {
        let MapShape {
            images, height, width, ..
        } = self.output;
        if images * height * width == 0 {
            return Vec::new();
        }
        let fits = |rows: usize, images: usize| {
            let output = rows * width * self.output.stride();
            images * self.block(rows).max(output) <= BAND_VALUES
        };
        if fits(height, 1) {
            let wanted = FEW_PIXELS.div_ceil(height * width);
            let together = (1..=wanted).rev().find(|&together| fits(height, together)).unwrap_or(1);
            let unit = |image: usize| Unit {
                image,
                images: together.min(images - image),
                first: 0,
                rows: height,
            };
            return (0..images).step_by(together).map(unit).collect();
        }
        let rows = (1..=height).rev().find(|&rows| fits(rows, 1)).unwrap_or(1);
        let of_image = |image: usize| {
            let unit = move |first: usize| Unit {
                image,
                images: 1,
                first,
                rows: rows.min(height - first),
            };
            (0..height).step_by(rows).map(unit)
        };
        (0..images).flat_map(of_image).collect()
    }

    /// Pixels of a unit's output.
    pub(super) fn unit_pixels(&self, unit: &Unit) -> usize {
        unit.images * unit.rows * self.output.width
    }

    /// The place of a unit's first pixel among those of the output.
    pub(super) fn first_pixel(&self, unit: &Unit) -> usize {
        (unit.image * self.output.height + unit.first) * self.output.width
    }

    /// Fills a band with a unit's part of the source: block after block an image's lines.
    pub(super) fn fill(&self, source: Maps<'_>, unit: &Unit, band: &mut [f32]) {
        let (line, block) = (self.line(), self.block(unit.rows));
        let top = (unit.first * self.stride) as isize - self.border[0];
        for (image, lines) in band.chunks_exact_mut(block).take(unit.images).enumerate() {
            let values = source.image(unit.image + image);
            let row = self.source.width * source.stride;
            for (index, line) in lines.chunks_exact_mut(line).enumerate() {
                match self.place(top + index as isize, self.source.height) {
                    Some(y) => self.fill_line(&values[y * row..][..row], source.stride, line),
                    None => line.fill(0.0),
                }
            }
        }
    }

    /// The row or column of the source at a place of the bordered maps; none where a zero stands.
    fn place(&self, bordered: isize, size: usize) -> Option<usize> {
        let place = usize::try_from(bordered).ok()?;
        (place.is_multiple_of(self.dilation) && place / self.dilation < size).then_some(place / self.dilation)
    }

    fn fill_line(&self, row: &[f32], stride: usize, line: &mut [f32]) {
        let channels = self.source.channels;
        let left = self.border[1];
        if self.dilation == 1 && left >= 0 {
            let left = (left as usize * channels).min(line.len());
            let (before, inside) = line.split_at_mut(left);
            before.fill(0.0);
            let (inside, behind) = inside.split_at_mut(inside.len().min(self.source.width * channels));
            behind.fill(0.0);
            if stride == channels {
                inside.copy_from_slice(&row[..inside.len()]);
            } else {
                for (to, pixel) in inside.chunks_exact_mut(channels).zip(row.chunks_exact(stride)) {
                    to.copy_from_slice(&pixel[..channels]);
                }
            }
            return;
        }
        for (index, to) in line.chunks_exact_mut(channels).enumerate() {
            match self.place(index as isize - left, self.source.width) {
                Some(x) => to.copy_from_slice(&row[x * stride..][..channels]),
                None => to.fill(0.0),
            }
        }
    }
}
