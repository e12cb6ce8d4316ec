//! An image to a square of another size, with a triangle filter that is widened where it shrinks the image.
//!
//! The bits are those of `image::imageops::resize` with `FilterType::Triangle`, which every recorded result was trained
//! on: each value is the same sum in the same order. That function walks down the columns, and looks every rounding
//! up in the C library; this one works along the rows, in less than half the time.

/// The pixels of the source that a pixel of the output is made of, along one side.
struct Taps {
    /// The first of them.
    first: usize,
    /// A share of each, which add up to 1.
    weights: Vec<f32>,
}

/// For each of `output` pixels along a side the pixels of `source`.
fn taps(source: usize, output: usize) -> Vec<Taps> {
    let ratio = source as f32 / output as f32;
    // Between pixels where it enlarges, over all that a pixel covers where it shrinks.
    let reach = if ratio < 1.0 { 1.0 } else { ratio };
    (0..output)
        .map(|place| {
            let centre = (place as f32 + 0.5) * ratio;
            let first = ((centre - reach).floor() as i64).clamp(0, source as i64 - 1);
            let end = ((centre + reach).ceil() as i64).clamp(first + 1, source as i64);
            // A pixel's own centre is half a pixel from its edge.
            let centre = centre - 0.5;
            let mut weights: Vec<f32> = (first..end)
                .map(|pixel| triangle((pixel as f32 - centre) / reach))
                .collect();
            // Not `Iterator::sum`, which starts from -0.
            let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
            weights.iter_mut().for_each(|weight| *weight /= sum);
            Taps {
                first: first as usize,
                weights,
            }
        })
        .collect()
}

fn triangle(distance: f32) -> f32 {
    if distance.abs() < 1.0 {
        1.0 - distance.abs()
    } else {
        0.0
    }
}

/// The nearest whole number, halves up; `f32::round` is a call where the processor's own instruction is not assumed.
fn rounded(value: f32) -> u8 {
    let value = value.clamp(0.0, 255.0);
    let whole = value as u8;
    whole + u8::from(value - f32::from(whole) >= 0.5)
}

/// Resizes an image, `[row, column, channel]` of 3 channels, to `[channel, row, column]` of `size` by `size`. An image of
/// that size keeps its bytes.
///
/// # Panics
/// Where the pixels are not those of `width` by `height`, or there are none.
pub(super) fn square_maps(pixels: &[u8], width: usize, height: usize, size: usize) -> Vec<u8> {
    assert!(
        width > 0 && height > 0 && pixels.len() == 3 * width * height,
        "{width}x{height}"
    );
    let mut maps = vec![0; 3 * size * size];
    if (width, height) == (size, size) {
        for (channel, map) in maps.chunks_exact_mut(size * size).enumerate() {
            for (value, pixel) in map.iter_mut().zip(pixels.chunks_exact(3)) {
                *value = pixel[channel];
            }
        }
        return maps;
    }
    let (down, across) = (taps(height, size), taps(width, size));
    let mut line = vec![0f32; 3 * width];
    for (row, Taps { first, weights }) in down.iter().enumerate() {
        line.fill(0.0);
        for (source, weight) in pixels.chunks_exact(3 * width).skip(*first).zip(weights) {
            for (sum, &value) in line.iter_mut().zip(source) {
                *sum += f32::from(value) * weight;
            }
        }
        for (column, Taps { first, weights }) in across.iter().enumerate() {
            let mut sums = [0f32; 3];
            for (pixel, weight) in line[3 * first..].chunks_exact(3).zip(weights) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += value * weight;
                }
            }
            for (channel, sum) in sums.into_iter().enumerate() {
                maps[(channel * size + row) * size + column] = rounded(sum);
            }
        }
    }
    maps
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use image::imageops::{FilterType, resize};

    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn the_bits_are_those_of_the_image_crate() {
        let mut stream = Stream::new(7, Purpose::Synthetic, 0);
        let mut sizes = vec![
            (1, 1, 640),
            (640, 480, 224),
            (500, 333, 224),
            (2, 900, 7),
            (224, 224, 224),
            (224, 100, 224),
        ];
        sizes.extend((0..60).map(|_| {
            let mut side = || 1 + stream.below(70) as u32;
            (side(), side(), side())
        }));
        for (width, height, size) in sizes {
            // Extremes beside each other, where rounding and limits matter.
            let image = RgbImage::from_fn(width, height, |_, _| {
                let bits = stream.bits();
                image::Rgb([bits as u8, if bits & 0x100 == 0 { 0 } else { 255 }, (bits >> 16) as u8])
            });
            let expected = resize(&image, size, size, FilterType::Triangle);
            let found = square_maps(image.as_raw(), width as usize, height as usize, size as usize);
            let area = (size * size) as usize;
            for (place, pixel) in expected.pixels().enumerate() {
                let values = [found[place], found[area + place], found[2 * area + place]];
                assert_eq!(values, pixel.0, "{width}x{height} to {size}: pixel {place}");
            }
        }
    }

    #[test]
    fn every_value_is_rounded_as_the_standard_library_rounds_it() {
        for step in 0..=255 * 64 {
            let value = step as f32 / 64.0;
            for value in [value, value.next_down().max(0.0), value.next_up()] {
                assert_eq!(rounded(value), value.clamp(0.0, 255.0).round() as u8, "{value}");
            }
        }
        assert_eq!((rounded(-1.0), rounded(300.0)), (0, 255));
    }
}
