//! An image of any size to squares of one size.

use super::image_file::{LARGEST_SIDE, Opened};
use super::jpeg::WHOLE;
use super::pillow_resize::{needed, resized};
use super::region::Region;
use super::resize::square_maps;

/// How images in files become squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fitting {
    /// The squares' side in pixels.
    pub size: usize,
    /// Pixels of the image's short side before the square is cut out of its middle; without it the whole image is
    /// squashed to a square.
    pub resize: Option<usize>,
    /// Whether a JPEG is decoded at a lower resolution where that has all the pixels that are wanted.
    pub scaled_decoding: bool,
}

/// A height and a width.
type Size = (usize, usize);

impl Fitting {
    /// The square of an image that a network is tested on: squashed, or the middle of the resized image, `[3, size, size]`.
    ///
    /// # Errors
    /// Those of [`super::image_file::decode_rgb`].
    pub fn square(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let opened = Opened::of(bytes)?;
        let (height, width) = opened.size();
        let Some(short) = self.resize else {
            let eighths = self.eighths((height, width), (self.size, self.size));
            let (height, width) = opened.reduced(eighths);
            let (image, _) = opened.pixels(eighths, Region::whole(height, width))?;
            return Ok(square_maps(image.as_raw(), width, height, self.size));
        };
        let to = with_short_side(short, (height, width))?;
        let window = Region::centre(self.size, to.0, to.1);
        self.cut(opened, Region::whole(height, width), to, window)
    }

    /// The squares in the corners of the resized image and the one in its middle, then those of the mirrored image,
    /// `[10, 3, size, size]`: torchvision's `TenCrop`, in its order. Of an image that is squashed there is one square, five
    /// times, and its mirror image.
    ///
    /// # Errors
    /// Those of [`super::image_file::decode_rgb`].
    pub fn ten_squares(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let (maps, to) = match self.resize {
            None => (self.square(bytes)?, (self.size, self.size)),
            Some(short) => {
                let opened = Opened::of(bytes)?;
                let (height, width) = opened.size();
                let to = with_short_side(short, (height, width))?;
                let whole = Region::whole(to.0, to.1);
                (self.cut(opened, Region::whole(height, width), to, whole)?, to)
            }
        };
        let mut squares = Vec::with_capacity(10 * 3 * self.size * self.size);
        for mirrored in [false, true] {
            for square in Region::five(self.size, to.0, to.1) {
                for map in maps.chunks_exact(to.0 * to.1) {
                    for row in map[square.top * to.1..square.bottom() * to.1].chunks_exact(to.1) {
                        match mirrored {
                            false => squares.extend_from_slice(&row[square.left..square.right()]),
                            true => squares.extend(row.iter().rev().skip(square.left).take(square.width)),
                        }
                    }
                }
            }
        }
        Ok(squares)
    }

    /// The part of an image that `region` gives for its height and width, resized to the square, `[3, size, size]`.
    ///
    /// # Errors
    /// Those of [`super::image_file::decode_rgb`].
    pub fn part(&self, bytes: &[u8], region: &dyn Fn(usize, usize) -> Region) -> Result<Vec<u8>, String> {
        let opened = Opened::of(bytes)?;
        let (height, width) = opened.size();
        let to = (self.size, self.size);
        self.cut(opened, region(height, width), to, Region::whole(to.0, to.1))
    }

    /// Decodes of an image what is needed to resize a region of it to the size `to` and to give a window of that.
    fn cut(&self, opened: Opened<'_>, region: Region, to: Size, window: Region) -> Result<Vec<u8>, String> {
        let eighths = self.eighths((region.height, region.width), to);
        let region = of_reduced(region, opened.size(), opened.reduced(eighths));
        let (image, place) = opened.pixels(eighths, needed(region, to, window))?;
        Ok(resized(image.as_raw(), place, region, to, window))
    }

    /// The fewest eighths of each side at which a region of this size still has all the pixels of the size `to`.
    fn eighths(&self, region: Size, to: Size) -> u32 {
        if !self.scaled_decoding {
            return WHOLE;
        }
        let suffices = |eighths: &u32| {
            let eighths = *eighths as usize;
            region.0 * eighths >= to.0 * WHOLE as usize && region.1 * eighths >= to.1 * WHOLE as usize
        };
        (1..WHOLE).find(suffices).unwrap_or(WHOLE)
    }
}

/// The size of an image once its short side has `short` pixels: the long one's are rounded down, as torchvision's `Resize`
/// does.
///
/// # Errors
/// A long side above [`LARGEST_SIDE`].
fn with_short_side(short: usize, (height, width): Size) -> Result<Size, String> {
    let long = (short * height.max(width) / height.min(width).max(1)).max(short);
    if long > LARGEST_SIDE as usize {
        return Err(format!(
            "{width}x{height} pixels: with a short side of {short} its long one would be {long}, and a side may have up to \
             {LARGEST_SIDE}"
        ));
    }
    Ok(if height <= width { (short, long) } else { (long, short) })
}

/// A region of an image of the size `from`, in that image at the size `to`: with all pixels that are partly in it.
fn of_reduced(region: Region, from: Size, to: Size) -> Region {
    if from == to {
        return region;
    }
    let side = |begin: usize, end: usize, from: usize, to: usize| {
        let begin = (begin * to / from.max(1)).min(to.saturating_sub(1));
        let end = (end * to).div_ceil(from.max(1)).clamp(begin + 1, to.max(begin + 1));
        (begin, end - begin)
    };
    let (top, height) = side(region.top, region.bottom(), from.0, to.0);
    let (left, width) = side(region.left, region.right(), from.1, to.1);
    Region {
        top,
        left,
        height,
        width,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let image = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 2) as u8, (y * 3) as u8, (x + y) as u8]));
        let mut bytes = Vec::new();
        DynamicImage::from(image)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    fn fitting(size: usize, resize: Option<usize>) -> Fitting {
        Fitting {
            size,
            resize,
            scaled_decoding: false,
        }
    }

    #[test]
    fn the_long_side_is_rounded_down_and_keeps_the_shape() {
        assert_eq!(with_short_side(256, (375, 500)), Ok((256, 341)));
        assert_eq!(with_short_side(256, (500, 375)), Ok((341, 256)));
        assert_eq!(with_short_side(256, (300, 300)), Ok((256, 256)));
        assert_eq!(with_short_side(24, (1, 50)), Ok((24, 1200)));
        let refusal = with_short_side(256, (1, 1000)).unwrap_err();
        assert!(
            refusal.contains("1000x1 pixels") && refusal.contains("256000"),
            "{refusal}"
        );
    }

    #[test]
    fn without_resize_an_image_is_squashed_as_it_always_was() {
        let bytes = encoded(ImageFormat::Png, 40, 30);
        let squashed = super::super::image_file::decode(&bytes, 9).unwrap();
        assert_eq!(fitting(9, None).square(&bytes).unwrap(), squashed);
        let ten = fitting(9, None).ten_squares(&bytes).unwrap();
        let (five, mirrored) = ten.split_at(5 * squashed.len());
        assert!(five.chunks_exact(squashed.len()).all(|square| square == squashed));
        let columns: Vec<u8> = (squashed.chunks_exact(9))
            .flat_map(|row| row.iter().rev().copied())
            .collect();
        assert!(mirrored.chunks_exact(squashed.len()).all(|square| square == columns));
    }

    #[test]
    fn the_fifth_square_is_the_one_in_the_middle() {
        for (width, height) in [(40, 30), (30, 47), (20, 20)] {
            let bytes = encoded(ImageFormat::Png, width, height);
            let fitting = fitting(16, Some(20));
            let ten = fitting.ten_squares(&bytes).unwrap();
            assert_eq!(ten.len(), 10 * 3 * 16 * 16);
            assert_eq!(ten[4 * 768..5 * 768], fitting.square(&bytes).unwrap());
            // The first is the corner above on the left.
            assert_ne!(ten[..768], ten[4 * 768..5 * 768]);
        }
    }

    #[test]
    fn a_part_is_cut_out_before_it_is_resized() {
        let bytes = encoded(ImageFormat::Png, 40, 30);
        let part = fitting(8, Some(20)).part(&bytes, &|height, width| {
            assert_eq!((height, width), (30, 40));
            Region {
                top: 10,
                left: 20,
                height: 8,
                width: 8,
            }
        });
        let expected: Vec<u8> = (0..8)
            .flat_map(|row| (0..8).map(move |column| (20 + column, 10 + row)))
            .map(|(x, y)| [x * 2, y * 3, x + y])
            .fold([vec![], vec![], vec![]], |mut maps, pixel| {
                maps.iter_mut().zip(pixel).for_each(|(map, value)| map.push(value));
                maps
            })
            .concat();
        assert_eq!(part.unwrap(), expected);
    }

    #[test]
    fn a_jpeg_is_decoded_with_no_more_eighths_than_are_wanted() {
        let scaled = Fitting {
            scaled_decoding: true,
            ..fitting(224, Some(256))
        };
        let eighths = |region, to| scaled.eighths(region, to);
        assert_eq!(eighths((375, 500), (256, 341)), 6);
        assert_eq!(eighths((2048, 2048), (256, 256)), 1);
        assert_eq!(eighths((448, 448), (224, 224)), 4);
        assert_eq!(eighths((447, 448), (224, 224)), 5);
        assert_eq!(eighths((100, 100), (224, 224)), 8);
        assert_eq!(fitting(224, Some(256)).eighths((4000, 4000), (256, 256)), 8);
    }

    #[test]
    fn scaled_decoding_shows_the_same_part_of_the_image() {
        let bytes = encoded(ImageFormat::Jpeg, 120, 80);
        let plain = fitting(16, Some(20));
        let scaled = Fitting {
            scaled_decoding: true,
            ..plain
        };
        let region = |_: usize, _: usize| Region {
            top: 13,
            left: 31,
            height: 50,
            width: 67,
        };
        for (plain, scaled) in [
            (plain.square(&bytes), scaled.square(&bytes)),
            (plain.part(&bytes, &region), scaled.part(&bytes, &region)),
            (plain.ten_squares(&bytes), scaled.ten_squares(&bytes)),
        ] {
            let (plain, scaled) = (plain.unwrap(), scaled.unwrap());
            assert_eq!(plain.len(), scaled.len());
            let farthest = plain.iter().zip(&scaled).map(|(a, b)| a.abs_diff(*b)).max();
            // The picture is a slope: another resolution differs at its edges and by the encoder's loss.
            assert!(farthest > Some(0) && farthest < Some(24), "{farthest:?}");
        }
    }
}
