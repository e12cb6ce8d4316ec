//! The middle of an image that was resized by its short side: torchvision's `Resize` and `CenterCrop`.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

/// Resizes an image so that its short side is `short_side` and cuts a square of `size` out of its middle: `[3, size, size]`
/// bytes. The filter is Pillow's bilinear one, which is widened where it shrinks the image; sides and middle are rounded as
/// torchvision's `Resize` and `CenterCrop` round them.
///
/// # Errors
/// A long side above `largest_side` after resizing, a square that is larger than the resized image, or the resizer's reason.
pub(super) fn middle_maps(image: &RgbImage, short_side: u32, size: u32, largest_side: u32) -> Result<Vec<u8>, String> {
    let (width, height) = resized_sides(image.width(), image.height(), short_side, largest_side)?;
    if size > short_side {
        return Err(format!(
            "a square of {size} pixels does not fit into a short side of {short_side}"
        ));
    }
    let pixels = match (width, height) == image.dimensions() {
        true => image.as_raw().clone(),
        false => resized(image, width, height)?,
    };
    let (left, top) = (middle(width, size), middle(height, size));
    let area = (size * size) as usize;
    let mut maps = vec![0; 3 * area];
    let (width, size) = (width as usize, size as usize);
    for row in 0..size {
        let line = ((top + row) * width + left) * 3;
        for (column, pixel) in pixels[line..line + 3 * size].chunks_exact(3).enumerate() {
            for (channel, &value) in pixel.iter().enumerate() {
                maps[channel * area + row * size + column] = value;
            }
        }
    }
    Ok(maps)
}

/// Width and height with the short side given; the long one keeps the ratio, rounded down.
fn resized_sides(width: u32, height: u32, short_side: u32, largest_side: u32) -> Result<(u32, u32), String> {
    let (short, long) = (width.min(height), width.max(height));
    let other = u64::from(short_side) * u64::from(long) / u64::from(short.max(1));
    let other = u32::try_from(other).ok().filter(|&other| other <= largest_side).ok_or_else(|| {
        format!("{width}x{height} pixels: with a short side of {short_side} its long one would be {other}, and a side may have up to {largest_side}")
    })?;
    Ok(if width <= height {
        (short_side, other)
    } else {
        (other, short_side)
    })
}

/// Where a square begins along a side: half of what is left, halves to the even number as Python's `round`.
fn middle(side: u32, size: u32) -> usize {
    let left = (side - size) as usize;
    match left % 4 {
        3 => left / 2 + 1,
        _ => left / 2,
    }
}

fn resized(image: &RgbImage, width: u32, height: u32) -> Result<Vec<u8>, String> {
    let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3);
    let source = source.map_err(|error| error.to_string())?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    let bilinear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize(&source, &mut target, &bilinear)
        .map_err(|error| error.to_string())?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_keep_their_ratio_rounded_down() {
        assert_eq!(resized_sides(500, 375, 256, 16384), Ok((341, 256)));
        assert_eq!(resized_sides(375, 500, 256, 16384), Ok((256, 341)));
        assert_eq!(resized_sides(10, 10, 256, 16384), Ok((256, 256)));
        let refusal = resized_sides(1, 1000, 256, 16384).unwrap_err();
        assert!(
            refusal.contains("1x1000 pixels") && refusal.contains("256000"),
            "{refusal}"
        );
    }

    #[test]
    fn the_middle_is_rounded_as_pythons_round() {
        // round(0.5) is 0, round(1.5) and round(2.5) are 2, round(3.5) is 4.
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7].map(|left| middle(224 + left, 224)),
            [0, 0, 1, 2, 2, 2, 3, 4]
        );
    }

    #[test]
    fn an_image_of_that_short_side_is_only_cut() {
        let image = RgbImage::from_fn(6, 4, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let maps = middle_maps(&image, 4, 2, 16384).unwrap();
        assert_eq!(maps, [2, 3, 2, 3, 1, 1, 2, 2, 7, 7, 7, 7]);
    }

    #[test]
    fn an_even_image_stays_even() {
        let image = RgbImage::from_pixel(37, 91, image::Rgb([200, 3, 90]));
        let maps = middle_maps(&image, 16, 16, 16384).unwrap();
        for (channel, value) in [200, 3, 90].into_iter().enumerate() {
            assert!(
                maps[channel * 256..(channel + 1) * 256]
                    .iter()
                    .all(|&found| found == value)
            );
        }
    }
}
