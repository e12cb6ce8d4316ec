//! Sums over the pixels of a channel, from which its mean and deviation follow.

use serde::{Deserialize, Serialize};

/// The sums over all pixels of a channel of some images. They are whole numbers: they do not depend on any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// Of the pixels.
    pub sum: u64,
    /// Of their squares.
    pub squares: u64,
}

/// As many pixels of 255 as have squares that add up to less than 2^32.
const PIXELS_OF_A_SUM: usize = 1 << 16;

impl Moments {
    /// The moments of each of `channels` channels of images, `[channel, row, column]` each.
    pub fn of<'a>(images: impl IntoIterator<Item = &'a [u8]>, channels: usize) -> Vec<Self> {
        let mut moments = vec![Self::default(); channels];
        for image in images {
            Self::add(&mut moments, image);
        }
        moments
    }

    /// Adds the channels of an image to their moments.
    pub fn add(moments: &mut [Self], image: &[u8]) {
        let pixels = image.len() / moments.len().max(1);
        for (map, moments) in image.chunks_exact(pixels.max(1)).zip(moments) {
            // 32 bits wide, a processor adds several at once.
            for pixels in map.chunks(PIXELS_OF_A_SUM) {
                let sum: u32 = pixels.iter().map(|&pixel| u32::from(pixel)).sum();
                let squares: u32 = pixels.iter().map(|&pixel| u32::from(pixel) * u32::from(pixel)).sum();
                moments.sum += u64::from(sum);
                moments.squares += u64::from(squares);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_the_brightest_and_largest_image_are_exact() {
        let pixels = 3 * PIXELS_OF_A_SUM + 5;
        let mut image = vec![255; pixels];
        image.extend(vec![2; pixels]);
        let pixels = pixels as u64;
        let expected = [(255, 255 * 255), (2, 4)].map(|(sum, squares)| Moments {
            sum: sum * pixels,
            squares: squares * pixels,
        });
        assert_eq!(Moments::of([&image[..]], 2), expected);
        let twice = expected.map(|moments| Moments {
            sum: 2 * moments.sum,
            squares: 2 * moments.squares,
        });
        assert_eq!(Moments::of([&image[..], &image[..]], 2), twice);
    }
}
