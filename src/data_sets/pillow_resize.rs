//! A part of an image to another size as Pillow's `resize` with `BILINEAR` does it, which torchvision's `Resize` and
//! `RandomResizedCrop` call: a triangle filter that is widened where it shrinks an image (antialiasing).
//!
//! The bytes are those of Pillow 13: the weights are rounded to multiples of 2^-22, and one side is resized before the
//! other, with bytes in between (its `Resample.c` says so); [`is_height_first`] says which. `resize.rs` has the other
//! filter, that of the folders without `resize`, whose sums are not rounded in between.

use super::region::Region;

/// The binary places of a weight.
const PLACES: u32 = 22;

/// A weight of one.
const ONE: i32 = 1 << PLACES;

/// What is added before a sum's binary places are cut off: half a grey level.
const HALF: i32 = ONE / 2;

/// The pixels of the source that a pixel of the output is made of, along one side.
struct Taps {
    /// The first of them.
    first: usize,
    /// A share of each, times 2^22.
    weights: Vec<i32>,
}

impl Taps {
    /// The pixel of the source after the last.
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The first and the end of the pixels of `source` that the pixel `place` of `output` along a side is made of.
fn bounds(source: usize, output: usize, place: usize) -> (usize, usize) {
    let ratio = source as f64 / output as f64;
    let centre = (place as f64 + 0.5) * ratio;
    let reach = reach(ratio);
    // Cut off towards zero, after half a pixel is added.
    let first = (centre - reach + 0.5).max(0.0) as usize;
    let end = ((centre + reach + 0.5) as usize).min(source);
    (first, end)
}

/// How far the pixels lie from the centre: between pixels where it enlarges, over all that a pixel covers where it shrinks.
fn reach(ratio: f64) -> f64 {
    ratio.max(1.0)
}

/// For `count` of the `output` pixels along a side, from `begin` on, the pixels of `source`, of which the first is `offset`.
fn taps(source: usize, output: usize, begin: usize, count: usize, offset: usize) -> Vec<Taps> {
    let ratio = source as f64 / output as f64;
    let per_pixel = 1.0 / reach(ratio);
    (begin..begin + count)
        .map(|place| {
            let centre = (place as f64 + 0.5) * ratio;
            let (first, end) = bounds(source, output, place);
            let shares: Vec<f64> = (first..end)
                .map(|pixel| triangle((pixel as f64 - centre + 0.5) * per_pixel))
                .collect();
            let sum = shares.iter().fold(0.0, |sum, share| sum + share);
            let weight = |share: &f64| {
                let share = if sum == 0.0 { *share } else { share / sum };
                (0.5 + share * f64::from(ONE)) as i32
            };
            Taps {
                first: first.saturating_sub(offset),
                weights: shares.iter().map(weight).collect(),
            }
        })
        .collect()
}

fn triangle(distance: f64) -> f64 {
    if distance.abs() < 1.0 {
        1.0 - distance.abs()
    } else {
        0.0
    }
}

/// A sum without its binary places, between 0 and 255.
fn byte(sum: i32) -> u8 {
    (sum >> PLACES).clamp(0, 255) as u8
}

/// A row, `[column, channel]` of 3 channels, to its output pixels.
fn resize_row(source: &[u8], across: &[Taps], output: &mut [u8]) {
    for (output, taps) in output.chunks_exact_mut(3).zip(across) {
        let pixels = source[3 * taps.first..3 * taps.end()].chunks_exact(3);
        let [mut red, mut green, mut blue] = [HALF; 3];
        for (pixel, weight) in pixels.zip(&taps.weights) {
            red += i32::from(pixel[0]) * weight;
            green += i32::from(pixel[1]) * weight;
            blue += i32::from(pixel[2]) * weight;
        }
        output.copy_from_slice(&[byte(red), byte(green), byte(blue)]);
    }
}

/// Rows of bytes to one, each weighed; `sums` has a place for each byte.
fn join_rows<'a>(rows: impl Iterator<Item = &'a [u8]>, weights: &[i32], sums: &mut [i32], output: &mut [u8]) {
    sums.fill(HALF);
    for (&weight, row) in weights.iter().zip(rows) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += i32::from(value) * weight;
        }
    }
    for (output, &sum) in output.iter_mut().zip(&*sums) {
        *output = byte(sum);
    }
}

/// Whether columns are resized before rows: where the height loses more than twice the pixels that the width does. Pillow 13
/// does so; earlier ones always began with the rows, which is a grey level apart in some pixels.
fn is_height_first(region: Region, to: (usize, usize)) -> bool {
    let lost = |side: usize, to: usize| side as i64 - to as i64;
    let (rows, columns) = (lost(region.height, to.0), lost(region.width, to.1));
    rows > 0 && rows > 2 * columns
}

/// The part of `region` that counts where it is resized to the rows and columns `to` and `window` is shown of these, from the
/// region's own corner.
fn shown(region: Region, to: (usize, usize), window: Region) -> Region {
    let side = |source: usize, output: usize, begin: usize, count: usize| {
        let (first, _) = bounds(source, output, begin);
        let (_, end) = bounds(source, output, begin + count.max(1) - 1);
        (first, end - first)
    };
    let (top, height) = side(region.height, to.0, window.top, window.height);
    let (left, width) = side(region.width, to.1, window.left, window.width);
    Region {
        top,
        left,
        height,
        width,
    }
}

/// The pixels of an image that [`resized`] reads.
pub(super) fn needed(region: Region, to: (usize, usize), window: Region) -> Region {
    let shown = shown(region, to, window);
    Region {
        top: region.top + shown.top,
        left: region.left + shown.left,
        ..shown
    }
}

/// Resizes `region` of an image to the rows and columns `to`, and gives what `window` shows of these: `[channel, row,
/// column]`. Of the image there are the pixels of `place`, `[row, column, channel]` of 3 channels: those that are
/// [`needed`], or more.
///
/// # Panics
/// Where needed pixels are not there, or the window is not within what the region is resized to.
pub(super) fn resized(pixels: &[u8], place: Region, region: Region, to: (usize, usize), window: Region) -> Vec<u8> {
    let (needed, shown) = (needed(region, to, window), shown(region, to, window));
    assert!(
        place.holds(needed) && pixels.len() == 3 * place.height * place.width,
        "{needed:?} of {place:?}"
    );
    assert!(
        window.bottom() <= to.0 && window.right() <= to.1,
        "{window:?} of {to:?}"
    );
    let down = taps(region.height, to.0, window.top, window.height, shown.top);
    let across = taps(region.width, to.1, window.left, window.width, shown.left);
    let source = |row: usize| {
        let begin = (needed.top - place.top + row) * place.width + needed.left - place.left;
        &pixels[3 * begin..3 * (begin + needed.width)]
    };
    let line = 3 * window.width;
    let area = window.height * window.width;
    let mut maps = vec![0; 3 * area];
    let mut show = |row: usize, pixels: &[u8]| {
        for (channel, map) in maps.chunks_exact_mut(area).enumerate() {
            let output = &mut map[row * window.width..(row + 1) * window.width];
            for (value, pixel) in output.iter_mut().zip(pixels.chunks_exact(3)) {
                *value = pixel[channel];
            }
        }
    };
    let mut output = vec![0; line];
    if is_height_first(region, to) {
        let (mut sums, mut joined) = (vec![0; 3 * needed.width], vec![0; 3 * needed.width]);
        for (row, taps) in down.iter().enumerate() {
            join_rows((taps.first..).map(source), &taps.weights, &mut sums, &mut joined);
            resize_row(&joined, &across, &mut output);
            show(row, &output);
        }
    } else {
        // The rows of the source that count, each of its final width.
        let mut narrowed = vec![0; shown.height * line];
        for (row, output) in narrowed.chunks_exact_mut(line.max(1)).enumerate() {
            resize_row(source(row), &across, output);
        }
        let mut sums = vec![0; line];
        for (row, taps) in down.iter().enumerate() {
            let rows = narrowed[taps.first * line..].chunks_exact(line.max(1));
            join_rows(rows, &taps.weights, &mut sums, &mut output);
            show(row, &output);
        }
    }
    maps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn noise(height: usize, width: usize) -> Vec<u8> {
        let mut stream = Stream::new(3, Purpose::Synthetic, 0);
        (0..3 * height * width).map(|_| stream.bits() as u8).collect()
    }

    /// All of an image, to all of its new size.
    fn whole(pixels: &[u8], size: (usize, usize), to: (usize, usize)) -> Vec<u8> {
        let [all, window] = [size, to].map(|(height, width)| Region::whole(height, width));
        resized(pixels, all, all, to, window)
    }

    #[test]
    fn the_same_size_keeps_every_byte() {
        let pixels = noise(5, 7);
        let maps = whole(&pixels, (5, 7), (5, 7));
        for (place, pixel) in pixels.chunks_exact(3).enumerate() {
            assert_eq!([maps[place], maps[35 + place], maps[70 + place]], pixel);
        }
    }

    #[test]
    fn half_the_size_weighs_four_pixels_a_side_as_pillow_does() {
        // Image.new of one row 0, 40, 80, 255 in every channel, resized to (2, 1): the distances of the pixels' centres
        // are 0.25 and 0.75 of the reach, and the shares 3/7, 3/7 and 1/7 at an edge.
        let row: Vec<u8> = [0u8, 40, 80, 255].iter().flat_map(|&value| [value; 3]).collect();
        let maps = whole(&row, (1, 4), (1, 2));
        let left = (f64::from(40 * 3 + 80) / 7.0).round() as u8;
        let right = (f64::from(40 + 80 * 3 + 255 * 3) / 7.0).round() as u8;
        assert_eq!(maps, [left, right, left, right, left, right]);
    }

    #[test]
    fn weights_add_up_to_one_and_a_flat_image_stays_flat() {
        for (source, output) in [(500, 224), (375, 256), (1, 9), (9, 1), (224, 225), (16384, 3)] {
            for taps in taps(source, output, 0, output, 0) {
                let sum: i64 = taps.weights.iter().map(|&weight| i64::from(weight)).sum();
                let off = (sum - i64::from(ONE)).unsigned_abs() as usize;
                assert!(off <= taps.weights.len(), "{source} to {output}: {off}");
                assert!(taps.end() <= source && !taps.weights.is_empty());
            }
        }
        for value in [0, 1, 128, 254, 255] {
            assert!(
                whole(&[value; 3 * 37 * 41], (37, 41), (16, 23))
                    .iter()
                    .all(|&other| other == value)
            );
        }
    }

    #[test]
    fn a_window_shows_what_the_whole_has_there() {
        let pixels = noise(30, 40);
        let (to, window) = (
            (20, 27),
            Region {
                top: 3,
                left: 5,
                height: 11,
                width: 13,
            },
        );
        let all = whole(&pixels, (30, 40), to);
        let image = Region::whole(30, 40);
        let shown = resized(&pixels, image, image, to, window);
        for channel in 0..3 {
            for row in 0..11 {
                for column in 0..13 {
                    let expected = all[(channel * 20 + row + 3) * 27 + column + 5];
                    assert_eq!(shown[(channel * 11 + row) * 13 + column], expected);
                }
            }
        }
    }

    #[test]
    fn a_region_is_resized_as_the_image_that_was_cut_out_before() {
        let (pixels, region) = (
            noise(30, 40),
            Region {
                top: 4,
                left: 9,
                height: 17,
                width: 22,
            },
        );
        let cut: Vec<u8> = (region.top..region.bottom())
            .flat_map(|row| &pixels[3 * (row * 40 + region.left)..3 * (row * 40 + region.right())])
            .copied()
            .collect();
        let found = resized(&pixels, Region::whole(30, 40), region, (8, 8), Region::whole(8, 8));
        assert_eq!(found, whole(&cut, (17, 22), (8, 8)));
    }

    #[test]
    fn the_height_comes_first_where_it_loses_more_than_twice_what_the_width_does() {
        // Pillow 13.0.0: images of noise were resized both ways, and one of the two had its bytes.
        for (size, to, expected) in [
            ((60, 50), (32, 36), false),
            ((60, 50), (31, 36), true),
            ((60, 50), (58, 49), false),
            ((60, 50), (56, 49), true),
            ((60, 50), (59, 51), true),
            ((60, 50), (60, 51), false),
            ((6, 11), (10, 29), false),
        ] {
            assert_eq!(
                is_height_first(Region::whole(size.0, size.1), to),
                expected,
                "{size:?} {to:?}"
            );
        }
    }

    #[test]
    fn the_needed_pixels_alone_give_the_same() {
        let pixels = noise(60, 80);
        let region = Region {
            top: 3,
            left: 5,
            height: 50,
            width: 70,
        };
        for (to, window) in [
            ((20, 27), Region::centre(9, 20, 27)),
            ((90, 100), Region::centre(30, 90, 100)),
            ((50, 70), Region::whole(50, 70)),
            // The height first.
            ((11, 75), Region::centre(7, 11, 75)),
        ] {
            let needed = needed(region, to, window);
            let cut: Vec<u8> = (needed.top..needed.bottom())
                .flat_map(|row| &pixels[3 * (row * 80 + needed.left)..3 * (row * 80 + needed.right())])
                .copied()
                .collect();
            assert!(window == Region::whole(50, 70) || needed.height < region.height);
            assert_eq!(
                resized(&cut, needed, region, to, window),
                resized(&pixels, Region::whole(60, 80), region, to, window)
            );
        }
    }
}
